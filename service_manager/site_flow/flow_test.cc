#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/testing/test_cable.h"
#include "multicast/driver/clock.h"
#include "service_manager/control/test_farm.h"
#include "service_manager/site_flow/test_tree.h"

namespace strata::manager::site_flow {
namespace {

using control::testing::Eventually;

using std::chrono::milliseconds;
using testing::TestManager;

constexpr char kTop[] = "exchange";
constexpr char kCdn[] = "cdn-one";
constexpr char kLanA[] = "cdn-one/lan-a";
constexpr char kLanB[] = "cdn-one/lan-b";
constexpr char kUri[] = "http://films.example/a";

// An exchange above a CDN above two farms of two engines each.
class FlowTest : public ::testing::Test {
 protected:
  FlowTest() { top_ = New(kTop, 4, "top", {}); }
  ~FlowTest() override {
    lan_b_.reset();
    lan_a_.reset();
    cdn_.reset();
    top_.reset();
    std::filesystem::remove_all(folder_);
  }

  static std::string NewFolder() {
    std::string path = ::testing::TempDir() + "/flow-XXXXXX";
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    return path;
  }
  std::unique_ptr<TestManager> New(const std::string& scope, uint32_t level,
                                   const std::string& store, std::vector<std::string> parents,
                                   uint64_t epoch = 1) {
    return std::make_unique<TestManager>(authority_,
                                         federation::ScopeLevel{.scope = scope, .level = level},
                                         folder_ + "/" + store, std::move(parents), epoch);
  }
  void StartCdn() { cdn_ = New(kCdn, 3, "cdn", {top_->address()}); }
  void StartLanA() { lan_a_ = New(kLanA, 1, "a", {cdn_->address()}); }
  void StartLanB() { lan_b_ = New(kLanB, 1, "b", {cdn_->address()}); }
  void StartAll() {
    StartCdn();
    StartLanA();
    StartLanB();
  }

  static farm::Site Films(std::vector<std::string> scopes = {}) {
    farm::Site site;
    site.name = "films";
    site.hosts = {"films.example"};
    site.scopes = std::move(scopes);
    return site;
  }
  void Apply(TestManager& home, const farm::Site& site = Films()) {
    const auto applied = home.desk().Apply(site, "name: films", "ann");
    ASSERT_TRUE(applied.ok()) << ToString(applied.status());
  }
  static uint64_t VersionAt(TestManager& manager) {
    const auto found = manager.desk().Find("films", 0);
    return found.ok() ? found->site.version : 0;
  }
  // Everybody serves by this version, as the top knows it.
  bool AwaitServed(uint64_t version, size_t farms = 2) {
    return Eventually([&] {
      size_t served = 0;
      for (const sites::SiteRow& row : top_->state().RowsOf("films")) {
        if (row.engines != 0 && row.state.version == version && row.serving == row.engines) {
          ++served;
        }
      }
      return served == farms;
    });
  }
  static v1::PurgeReport Purge(TestManager& manager) {
    const auto report = manager.orders().Purge("films", {kUri}, "ann");
    EXPECT_TRUE(report.ok()) << ToString(report.status());
    return report.ok() ? *report : v1::PurgeReport();
  }
  // "cdn-one/lan-a confirmed 2/2, …"
  static std::string Outcomes(const v1::PurgeReport& report) {
    std::string text;
    for (const v1::ScopeOutcome& scope : report.scopes()) {
      text += (text.empty() ? "" : ", ") + scope.scope() + " " + scope.outcome() + " " +
              std::to_string(scope.confirmed()) + "/" + std::to_string(scope.engines());
    }
    return text;
  }

  const std::string folder_ = NewFolder();
  tls::TestAuthority authority_{folder_};
  std::unique_ptr<TestManager> top_, cdn_, lan_a_, lan_b_;
};

TEST_F(FlowTest, ASiteOfTheTopIsAtEveryFarmAndTheTopKnows) {
  Apply(*top_);
  StartAll();
  ASSERT_TRUE(AwaitServed(1));
  const auto found = lan_a_->desk().Find("films", 0);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->home, kTop);
  EXPECT_EQ(found->yaml, "name: films");
  EXPECT_EQ(found->applied_by, "ann");
  farm::Site changed = Films();
  changed.minimum_copies = 2;
  Apply(*top_, changed);
  ASSERT_TRUE(AwaitServed(2)) << "while the streams are there";
  EXPECT_EQ(MessageOf(lan_a_->desk().Apply(changed, "", "bob").status()),
            "site films belongs to exchange: it is changed there");
  ASSERT_TRUE(top_->desk().Remove("films").ok());
  EXPECT_TRUE(Eventually([&] { return VersionAt(*lan_a_) == 0 && VersionAt(*lan_b_) == 0; }));
  EXPECT_EQ(lan_a_->farm().removed(), std::vector<std::string>{"films"});
}

TEST_F(FlowTest, APurgeOfTheTopIsConfirmedByEveryEngine) {
  Apply(*top_);
  StartAll();
  ASSERT_TRUE(AwaitServed(1));
  const v1::PurgeReport report = Purge(*top_);
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.id(), "films@1");
  EXPECT_EQ(Outcomes(report), "cdn-one/lan-a confirmed 2/2, cdn-one/lan-b confirmed 2/2");
  EXPECT_EQ(*lan_b_->journal().Last("films"), 1U) << "the same number everywhere";
  ASSERT_EQ(lan_a_->farm().purged().size(), 1U);
  EXPECT_EQ(lan_a_->farm().purged().front().keys, std::vector<farm::ContentKey>{farm::KeyOf(kUri)});
}

TEST_F(FlowTest, APurgeTakesMillisecondsThroughThreeLevels) {
  Apply(*top_);
  StartAll();
  ASSERT_TRUE(AwaitServed(1));
  std::vector<double> millis;
  for (int i = 0; i < 20; ++i) {
    const Timestamp begin = multicast::Now();
    ASSERT_TRUE(Purge(*top_).complete());
    millis.push_back(Seconds(multicast::Now() - begin) * 1000);
  }
  std::sort(millis.begin(), millis.end());
  RecordProperty("p50_ms", std::to_string(millis[10]));
  std::printf("a purge through three levels: p50 %.1f ms, slowest %.1f ms\n", millis[10],
              millis.back());
  EXPECT_LT(millis[10], 2000) << "it is pushed: nobody waits for the next sign of life";
}

TEST_F(FlowTest, AnEngineThatCannotIsNamed) {
  Apply(*top_);
  StartAll();
  ASSERT_TRUE(AwaitServed(1));
  lan_a_->farm().SetProblem("disk full");
  const v1::PurgeReport report = Purge(*top_);
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(Outcomes(report), "cdn-one/lan-a failed 1/2, cdn-one/lan-b confirmed 2/2");
  ASSERT_EQ(report.scopes(0).others_size(), 1);
  EXPECT_EQ(report.scopes(0).others(0).name(), "e1");
  EXPECT_EQ(report.scopes(0).others(0).problem(), "disk full");
}

TEST_F(FlowTest, AFarmThatIsCutOffAppliesTheLogBeforeItIsSentClients) {
  Apply(*top_);
  StartCdn();
  StartLanB();
  TestCable cable(cdn_->endpoint());
  lan_a_ = New(kLanA, 1, "a", {ToString(cable.endpoint())});
  ASSERT_TRUE(AwaitServed(1));
  ASSERT_TRUE(Eventually([&] { return top_->state().CaughtUp(kLanA); }));
  cable.Cut();
  ASSERT_TRUE(Eventually([&] { return !top_->state().CaughtUp(kLanA); })) << "its silence";
  const v1::PurgeReport report = Purge(*top_);
  EXPECT_EQ(Outcomes(report), "cdn-one/lan-a unreachable 0/2, cdn-one/lan-b confirmed 2/2");
  EXPECT_FALSE(report.complete());
  lan_a_->farm().SetHeld(true);
  cable.Mend();
  cable.Break();
  ASSERT_TRUE(Eventually([&] { return *lan_a_->journal().Last("films") == 1; }));
  ASSERT_TRUE(Eventually([&] { return lan_a_->link().state().connected; }));
  EXPECT_FALSE(cdn_->state().CaughtUp(kLanA)) << "its engines have not applied it";
  EXPECT_FALSE(top_->state().CaughtUp(kLanA));
  lan_a_->farm().SetHeld(false);
  EXPECT_TRUE(Eventually([&] { return cdn_->state().CaughtUp(kLanA); }));
  EXPECT_TRUE(Eventually([&] { return top_->state().CaughtUp(kLanA); }));
  const auto later = top_->state().OutcomeOf("films", 1);
  EXPECT_TRUE(std::all_of(later.begin(), later.end(), [](const sites::ScopeOutcome& outcome) {
    return outcome.kind == sites::ScopeOutcome::Kind::kConfirmed;
  })) << "whoever asks later hears that all is done";
}

TEST_F(FlowTest, AChildThatRestartsGoesOnWhereItWas) {
  Apply(*top_);
  StartAll();
  ASSERT_TRUE(AwaitServed(1));
  ASSERT_TRUE(Purge(*top_).complete());
  lan_a_.reset();
  EXPECT_FALSE(Purge(*top_).complete());
  EXPECT_FALSE(Purge(*top_).complete());
  StartLanA();
  ASSERT_TRUE(Eventually([&] { return lan_a_->farm().purged().size() == 3; }));
  std::vector<uint64_t> heard;
  for (const farm::Purged& entry : lan_a_->farm().purged()) heard.push_back(entry.position);
  EXPECT_EQ(heard, (std::vector<uint64_t>{1, 2, 3})) << "what it has, and what it missed";
  EXPECT_TRUE(Eventually([&] { return top_->state().CaughtUp(kLanA); }));
  cdn_.reset();
  lan_a_.reset();
  lan_b_.reset();
  StartAll();
  EXPECT_TRUE(Eventually([&] { return top_->state().CaughtUp(kLanB); }));
  EXPECT_TRUE(Purge(*top_).complete());
}

TEST_F(FlowTest, AFarmThatMissedAPurgeIsKnownUntilItHasAppliedIt) {
  Apply(*top_);
  StartAll();
  ASSERT_TRUE(AwaitServed(1));
  ASSERT_TRUE(Purge(*top_).complete());
  EXPECT_TRUE(top_->state().Unpurged().empty());
  lan_a_.reset();
  ASSERT_TRUE(Eventually([&] { return !top_->state().CaughtUp(kLanA); }));
  EXPECT_TRUE(top_->state().Unpurged().empty()) << "it has missed nothing yet";
  EXPECT_FALSE(Purge(*top_).complete());
  EXPECT_EQ(top_->state().Unpurged(), (sites::ScopesOfSites{{"films", {kLanA}}}));
  StartLanA();
  EXPECT_TRUE(Eventually([&] { return top_->state().Unpurged().empty(); }));
  EXPECT_TRUE(top_->state().CaughtUp(kLanA));
}

TEST_F(FlowTest, AnotherManagerOfTheParentTakesOver) {
  Apply(*top_);
  StartCdn();
  ASSERT_TRUE(Eventually([&] { return VersionAt(*cdn_) == 1; }));
  ASSERT_TRUE(Purge(*top_).complete());
  ASSERT_TRUE(Eventually([&] { return *cdn_->journal().Last("films") == 1; }));
  // Its backup has all that it has; here by its own stream.
  auto backup = New(kCdn, 3, "cdn-2", {top_->address()}, 2);
  ASSERT_TRUE(Eventually([&] { return *backup->journal().Last("films") == 1; }));
  backup->StopLeading("the other one");
  lan_a_ = New(kLanA, 1, "a", {cdn_->address(), backup->address()});
  ASSERT_TRUE(Eventually([&] { return *lan_a_->journal().Last("films") == 1; }));
  cdn_->StopLeading("the backup");
  backup.reset();
  backup = New(kCdn, 3, "cdn-2", {top_->address()}, 3);
  lan_a_.reset();
  lan_a_ = New(kLanA, 1, "a", {cdn_->address(), backup->address()});
  ASSERT_TRUE(Eventually([&] { return top_->state().CaughtUp(kLanA); }));
  EXPECT_EQ(Outcomes(Purge(*top_)), "cdn-one/lan-a confirmed 2/2");
  backup->link().Stop();
}

TEST_F(FlowTest, ADeposedManagerOfTheChildIsRefused) {
  Apply(*top_);
  StartCdn();
  ASSERT_TRUE(Eventually([&] { return VersionAt(*cdn_) == 1; }));
  const auto successor = New(kCdn, 3, "cdn-2", {top_->address()}, 2);
  ASSERT_TRUE(Eventually([&] { return VersionAt(*successor) == 1; }));
  EXPECT_TRUE(Eventually([&] {
    return MessageOf(cdn_->link().state().last).find("deposed") != std::string::npos;
  })) << ToString(cdn_->link().state().last);
  EXPECT_GE(top_->refused(), 1);
}

TEST_F(FlowTest, WhatIsHereAlreadyStaysAndTheTopHearsOfIt) {
  StartAll();
  farm::Site local = Films();
  local.name = "local";
  Apply(*lan_a_, local);
  Apply(*top_);
  ASSERT_TRUE(AwaitServed(1, 1));
  ASSERT_TRUE(Eventually([&] {
    for (const sites::SiteRow& row : top_->state().RowsOf("films")) {
      if (row.scope == kLanA) return row.problem == "host films.example belongs to site local";
    }
    return false;
  }));
  EXPECT_EQ(VersionAt(*lan_a_), 0U);
  const v1::PurgeReport report = Purge(*top_);
  EXPECT_EQ(Outcomes(report), "cdn-one/lan-a failed 0/0, cdn-one/lan-b confirmed 2/2");
  ASSERT_TRUE(lan_a_->desk().Remove("local").ok());
  EXPECT_TRUE(AwaitServed(1)) << "now it fits";
  EXPECT_TRUE(Eventually([&] { return *lan_a_->journal().Last("films") == 1; }));
}

TEST_F(FlowTest, APurgeClimbsToTheSitesHome) {
  Apply(*top_);
  StartAll();
  ASSERT_TRUE(AwaitServed(1));
  EXPECT_TRUE(*lan_a_->orders().Takes("films"));
  const v1::PurgeReport report = Purge(*lan_a_);
  EXPECT_EQ(report.id(), "films@1");
  EXPECT_EQ(report.ordered_by(), "ann at cdn-one/lan-a");
  EXPECT_EQ(Outcomes(report), "cdn-one/lan-a confirmed 2/2, cdn-one/lan-b confirmed 2/2");
  top_.reset();
  const auto refused = lan_a_->orders().Purge("films", {kUri}, "ann");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(MessageOf(refused.status()).find("its home exchange, and the way there is broken"),
            std::string::npos)
      << MessageOf(refused.status());
  top_ = New(kTop, 4, "top", {});
}

TEST_F(FlowTest, ASiteIsOnlyWhereItsScopesSay) {
  StartAll();
  Apply(*top_, Films({kLanA}));
  ASSERT_TRUE(AwaitServed(1, 1));
  EXPECT_EQ(VersionAt(*lan_a_), 1U);
  EXPECT_EQ(VersionAt(*lan_b_), 0U);
  EXPECT_EQ(Outcomes(Purge(*top_)), "cdn-one/lan-a confirmed 2/2");
  Apply(*top_, Films({kLanB}));
  EXPECT_TRUE(Eventually([&] { return VersionAt(*lan_a_) == 0 && VersionAt(*lan_b_) == 2; }));
  EXPECT_TRUE(Eventually([&] { return *lan_b_->journal().Last("films") == 1; }));
}

TEST_F(FlowTest, ALogThatWasCutPurgesAllOfTheSite) {
  Apply(*top_);
  StartAll();
  ASSERT_TRUE(AwaitServed(1));
  ASSERT_TRUE(Purge(*top_).complete());
  lan_a_.reset();
  for (int i = 0; i < 3; ++i) Purge(*top_);
  ASSERT_TRUE(cdn_->store().Commit({.trims = {{"films", 4}}}).ok());
  StartLanA();
  ASSERT_TRUE(Eventually([&] {
    const auto purged = lan_a_->farm().purged();
    return !purged.empty() && purged.back().position == 4;
  }));
  const farm::Purged last = lan_a_->farm().purged().back();
  EXPECT_TRUE(last.keys.empty()) << "all of the site";
}

TEST_F(FlowTest, WhoSpeaksOfOthersIsRefused) {
  Apply(*top_);
  StartCdn();
  ASSERT_TRUE(Eventually([&] { return VersionAt(*cdn_) == 1; }));
  const double before = top_->refused();
  // By its certificate a manager of this CDN; it says that it is of another.
  tls::TestAuthority& authority = authority_;
  const auto tls = *tls::TlsStore::Open(authority.Issue("strata://cdn-two/manager/liar"));
  FlowState::Options options;
  options.own = {.scope = "cdn-three", .level = 3};
  FlowState state(std::move(options), cdn_->desk(), cdn_->journal());
  FlowLink link({.parents = [&] { return std::vector{top_->address()}; }, .epoch = 1}, state, tls);
  link.Start();
  EXPECT_TRUE(Eventually([&] { return top_->refused() > before; }));
  EXPECT_TRUE(Eventually([&] {
    return MessageOf(link.state().last).find("its certificate is that of manager liar") !=
           std::string::npos;
  })) << ToString(link.state().last);
}

}  // namespace
}  // namespace strata::manager::site_flow
