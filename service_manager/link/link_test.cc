#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/testing/test_cable.h"
#include "service_manager/control/audit_log.h"
#include "service_manager/control/test_farm.h"
#include "service_manager/link/test_peers.h"

namespace strata::manager::link {
namespace {

using control::testing::Eventually;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::DifferenceOf;
using testing::TestChild;
using testing::TestParent;

constexpr char kFarm[] = "cdn-one/lan-a";
constexpr Duration kPatience = seconds(20);

bool Says(const ParentLink::State& state, const std::string& words) {
  return MessageOf(state.last).find(words) != std::string::npos;
}

class LinkTest : public ::testing::Test {
 protected:
  explicit LinkTest(const federation::ScopeLevel& own = {.scope = "cdn-one", .level = 3})
      : own_(own) {}
  ~LinkTest() override {
    child_.Unlink();
    parent_.reset();
    audit_store_.reset();
    std::filesystem::remove_all(folder_);
  }

  static std::string NewFolder() {
    std::string path = ::testing::TempDir() + "/link-XXXXXX";
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    return path;
  }
  std::unique_ptr<TestParent> NewParent(const std::string& store) {
    return std::make_unique<TestParent>(tls_, guard_, own_, folder_ + "/" + store);
  }
  TestChild::Parents ToParent() {
    return [this] {
      absl::MutexLock lock(&mutex_);
      return addresses_;
    };
  }
  void SetAddresses(std::vector<std::string> addresses) {
    absl::MutexLock lock(&mutex_);
    addresses_ = std::move(addresses);
  }
  void StartParent() {
    parent_ = NewParent("parent");
    SetAddresses({parent_->address()});
  }
  // The child with the contents 0 to 299, told.
  void LinkWithContents() {
    child_.Link(1, ToParent());
    child_.Put(1, 0, 200);
    child_.Put(2, 100, 200);
    ASSERT_TRUE(child_.AwaitQuiet()) << ToString(child_.link().state().last);
    ASSERT_EQ(DifferenceOf(parent_->known(), child_.known()), "");
  }
  bool AwaitLoss(const TestChild& child) {
    return const_cast<TestChild&>(child).link().Await(
        [](const ParentLink::State& state) { return !state.connected; }, kPatience);
  }

  const federation::ScopeLevel own_;
  const std::string folder_ = NewFolder();
  tls::TestAuthority authority_{folder_};
  // Of all parents: there is one in a process.
  const std::shared_ptr<tls::TlsStore> tls_ =
      *tls::TlsStore::Open(authority_.Issue("strata://" + own_.scope + "/manager/p"));
  std::unique_ptr<store::RocksStore> audit_store_ =
      *store::RocksStore::Open({.folder = folder_ + "/audit"});
  control::AuditLog audit_{*audit_store_};
  MetricRegistry metrics_;
  rpc::Guard guard_{tls_, own_.scope, audit_, metrics_, own_.level == federation::kLevelMax};

  absl::Mutex mutex_;
  std::vector<std::string> addresses_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<TestParent> parent_;
  TestChild child_{authority_, kFarm, "a"};
};

TEST_F(LinkTest, ChangesArriveAndAreDurable) {
  StartParent();
  LinkWithContents();
  child_.Remove(1, 0, 150);
  child_.Put(2, 250, 1, 777);
  ASSERT_TRUE(child_.AwaitQuiet());
  EXPECT_EQ(DifferenceOf(parent_->known(), child_.known()), "");
  EXPECT_EQ(parent_->SizeOf(160, child_.NameOf(1)), 100U);
  EXPECT_EQ(parent_->SizeOf(250, child_.NameOf(2)), 777U);
  EXPECT_EQ(parent_->SizeOf(10, child_.NameOf(1)), 0U);
  EXPECT_EQ(parent_->StoredUriOf(250), testing::UriOf(250));
  EXPECT_EQ(parent_->StoredUriOf(10), "") << "nobody has it any more";
  ASSERT_EQ(parent_->service().children().size(), 1U);
  EXPECT_EQ(parent_->service().children().front().scope, kFarm);
  EXPECT_EQ(child_.link().state().scope, "cdn-one");
}

TEST_F(LinkTest, ALinkThatBrokeGoesOnWhereItStopped) {
  StartParent();
  TestCable cable(parent_->endpoint());
  SetAddresses({ToString(cable.endpoint())});
  LinkWithContents();
  const federation::FeedSenderCounts before = child_.link().state().counts;
  cable.Break();
  child_.Put(3, 0, 50);
  child_.Remove(2, 100, 50);
  ASSERT_TRUE(child_.AwaitQuiet());
  EXPECT_EQ(DifferenceOf(parent_->known(), child_.known()), "");
  const federation::FeedSenderCounts after = child_.link().state().counts;
  EXPECT_GT(after.resumed, before.resumed);
  EXPECT_EQ(after.begun_anew, before.begun_anew);
  EXPECT_EQ(after.intervals, before.intervals) << "nothing was told anew";
}

TEST_F(LinkTest, CountsWhatIsDurableAndWhatIsToldAnew) {
  StartParent();
  LinkWithContents();
  const double changes = parent_->metric("strata_link_changes_total");
  const double intervals = parent_->metric("strata_link_intervals_total");
  child_.Put(3, 0, 50);
  child_.Remove(2, 100, 20);
  ASSERT_TRUE(child_.AwaitQuiet());
  EXPECT_EQ(parent_->metric("strata_link_changes_total"), changes + 70);
  EXPECT_EQ(parent_->metric("strata_link_intervals_total"), intervals) << "only changes were told";
  child_.Unlink();
  child_.Put(3, 50, 1);
  child_.Link(2, ToParent());
  ASSERT_TRUE(child_.AwaitQuiet());
  EXPECT_GT(parent_->metric("strata_link_intervals_total"), intervals);
}

TEST_F(LinkTest, ALinkThatFlapsLosesNothing) {
  StartParent();
  TestCable cable(parent_->endpoint());
  SetAddresses({ToString(cable.endpoint())});
  LinkWithContents();
  const uint64_t intervals = child_.link().state().counts.intervals;
  for (int i = 0; i < 10; ++i) {
    child_.Put(3, 20 * i, 20);
    child_.Remove(3, 20 * i + 10, 5);
    cable.Break();  // Whatever is on its way, acknowledgements, too.
    ASSERT_TRUE(child_.link().Await([](const ParentLink::State& state) { return state.connected; },
                                    kPatience));
  }
  ASSERT_TRUE(child_.AwaitQuiet());
  EXPECT_EQ(DifferenceOf(parent_->known(), child_.known()), "");
  EXPECT_EQ(child_.link().state().counts.intervals, intervals) << "nothing was told anew";
}

TEST_F(LinkTest, AParentThatStartsAgainGoesOnWhereItStopped) {
  StartParent();
  LinkWithContents();
  const federation::FeedSenderCounts before = child_.link().state().counts;
  parent_.reset();
  child_.Put(3, 0, 50);
  StartParent();
  ASSERT_TRUE(child_.AwaitQuiet());
  EXPECT_EQ(DifferenceOf(parent_->known(), child_.known()), "");
  const federation::FeedSenderCounts after = child_.link().state().counts;
  EXPECT_GT(after.resumed, before.resumed);
  EXPECT_EQ(after.intervals, before.intervals) << "nothing was told anew";
}

TEST_F(LinkTest, AParentThatLostItsDiskIsToldAll) {
  StartParent();
  LinkWithContents();
  parent_.reset();
  std::filesystem::remove_all(folder_ + "/parent");
  StartParent();
  ASSERT_TRUE(child_.AwaitQuiet());
  EXPECT_EQ(DifferenceOf(parent_->known(), child_.known()), "");
}

TEST_F(LinkTest, AChildThatStartsAgainTellsOnlyWhatDiffers) {
  StartParent();
  LinkWithContents();
  child_.Unlink();
  child_.Put(3, 7, 1);
  child_.Remove(1, 8, 1);
  child_.Link(2, ToParent());
  ASSERT_TRUE(child_.AwaitQuiet());
  EXPECT_EQ(DifferenceOf(parent_->known(), child_.known()), "");
  const federation::FeedSenderCounts counts = child_.link().state().counts;
  EXPECT_EQ(counts.begun_anew, 1U);
  EXPECT_EQ(counts.refreshed, 2U) << "ranges";
}

TEST_F(LinkTest, BothStartAgainAndNothingIsLostOrDoubled) {
  StartParent();
  LinkWithContents();
  parent_.reset();
  child_.Unlink();
  child_.Put(3, 7, 1);
  StartParent();
  child_.Link(2, ToParent());
  child_.Put(3, 50, 10);
  ASSERT_TRUE(child_.AwaitQuiet());
  EXPECT_EQ(DifferenceOf(parent_->known(), child_.known()), "");
}

TEST_F(LinkTest, AForeignScopeIsRefusedAndCounted) {
  StartParent();
  TestChild foreign(authority_, "cdn-two/lan-a", "a");
  foreign.Link(1, ToParent());
  EXPECT_TRUE(foreign.link().Await(
      [](const ParentLink::State& state) {
        return Says(state, "yours is of manager a of cdn-two");
      },
      kPatience))
      << ToString(foreign.link().state().last);
  EXPECT_TRUE(Eventually([this] { return parent_->refused() >= 1; }));
  EXPECT_TRUE(parent_->service().children().empty());
}

TEST_F(LinkTest, ALevelThatIsNotBelowIsRefused) {
  StartParent();
  TestChild above(authority_, kFarm, "a", 3);
  above.Link(1, ToParent());
  EXPECT_TRUE(above.link().Await(
      [](const ParentLink::State& state) { return Says(state, "level 3"); }, kPatience))
      << ToString(above.link().state().last);
}

TEST_F(LinkTest, AManagerThatWasDeposedIsRefused) {
  StartParent();
  child_.Link(5, ToParent());
  child_.Put(1, 0, 10);
  ASSERT_TRUE(child_.AwaitQuiet());
  TestChild deposed(authority_, kFarm, "b");
  deposed.Link(4, ToParent());
  EXPECT_TRUE(deposed.link().Await(
      [](const ParentLink::State& state) { return Says(state, "deposed"); }, kPatience))
      << ToString(deposed.link().state().last);
  EXPECT_TRUE(child_.link().state().connected) << "and does not disturb who leads";
}

TEST_F(LinkTest, TheStreamOfANewManagerEndsTheOneBefore) {
  StartParent();
  LinkWithContents();
  TestChild successor(authority_, kFarm, "b");
  successor.Put(1, 0, 199);
  successor.Put(2, 100, 201);
  successor.Link(2, ToParent());
  ASSERT_TRUE(successor.AwaitQuiet());
  EXPECT_EQ(DifferenceOf(parent_->known(), successor.known()), "");
  EXPECT_TRUE(AwaitLoss(child_));
  ASSERT_EQ(parent_->service().children().size(), 1U);
  EXPECT_EQ(parent_->service().children().front().manager, "b");
}

TEST_F(LinkTest, TellsTheManagerThatLeads) {
  const auto backup = NewParent("backup");
  backup->SetLeads(Unavailable("p leads cdn-one, at 192.0.2.1:7400"));
  StartParent();
  SetAddresses({backup->address()});
  child_.Link(1, ToParent());
  ASSERT_TRUE(child_.link().Await(
      [](const ParentLink::State& state) { return Says(state, "p leads cdn-one, at 192.0.2.1"); },
      kPatience))
      << ToString(child_.link().state().last);
  SetAddresses({backup->address(), parent_->address()});
  child_.Put(1, 0, 10);
  ASSERT_TRUE(child_.AwaitQuiet());
  EXPECT_EQ(DifferenceOf(parent_->known(), child_.known()), "");
  EXPECT_TRUE(backup->known().empty());
}

TEST_F(LinkTest, ACutCableIsNoticedByBoth) {
  StartParent();
  TestCable cable(parent_->endpoint());
  SetAddresses({ToString(cable.endpoint())});
  LinkWithContents();
  cable.Cut();
  EXPECT_TRUE(AwaitLoss(child_));
  EXPECT_TRUE(Eventually([this] { return parent_->service().children().empty(); }));
  child_.Put(3, 0, 10);
  cable.Mend();
  ASSERT_TRUE(child_.AwaitQuiet());
  EXPECT_EQ(DifferenceOf(parent_->known(), child_.known()), "");
}

TEST_F(LinkTest, WhoHasNothingToSayIsNotSilent) {
  StartParent();
  LinkWithContents();
  const uint64_t streams = child_.link().state().counts.resumed;
  EXPECT_FALSE(child_.link().Await([](const ParentLink::State& state) { return !state.connected; },
                                   seconds(5)));
  EXPECT_EQ(child_.link().state().counts.resumed, streams);
}

TEST_F(LinkTest, ARevokedChildIsHeardNoMore) {
  StartParent();
  LinkWithContents();
  authority_.Revoke(child_.paths());
  ASSERT_TRUE(tls_->Reload().ok());
  EXPECT_TRUE(child_.link().Await([](const ParentLink::State& state) { return !state.connected; },
                                  seconds(5)));
  EXPECT_TRUE(child_.link().Await(
      [](const ParentLink::State& state) { return Says(state, "revoked"); }, kPatience))
      << ToString(child_.link().state().last);
  EXPECT_GE(parent_->refused(), 1);
}

TEST_F(LinkTest, ARevokedParentIsToldNoMore) {
  StartParent();
  LinkWithContents();
  authority_.Revoke(tls_->paths());
  ASSERT_TRUE(child_.Reload().ok());
  EXPECT_TRUE(child_.link().Await([](const ParentLink::State& state) { return !state.connected; },
                                  seconds(5)));
}

TEST_F(LinkTest, StopsWithinASecondThoughTheCableIsCut) {
  StartParent();
  TestCable cable(parent_->endpoint());
  SetAddresses({ToString(cable.endpoint())});
  LinkWithContents();
  cable.Cut();
  child_.Put(3, 0, 200);
  const absl::Time begun = absl::Now();
  child_.link().Stop();
  EXPECT_LT(absl::Now() - begun, absl::Seconds(1));
}

// ---- Children that are silent.

class ForgettingTest : public LinkTest {
 protected:
  // Two children, the first of which is away since now.
  void LoseOneOfTwo() {
    StartParent();
    LinkWithContents();
    other_.Link(1, ToParent());
    other_.Put(1, 50, 100);
    ASSERT_TRUE(other_.AwaitQuiet());
    child_.Unlink();
    ASSERT_TRUE(
        Eventually([this] { return parent_->feeds().stale() == std::vector<std::string>{kFarm}; }));
    ASSERT_FALSE(Step()) << "its time begins";
  }
  // One step, a while after the start; whether there is another one.
  bool Step() {
    const StatusOr<bool> more = parent_->feeds().ForgetSilent(kLimit, Timestamp() + passed_);
    EXPECT_TRUE(more.ok()) << ToString(more.status());
    return more.ok() && *more;
  }
  void StepsToTheEnd() {
    while (Step()) {
    }
  }

  static constexpr Duration kLimit = std::chrono::hours(24);
  Duration passed_ = Duration::zero();
  TestChild other_{authority_, "cdn-one/lan-b", "a"};
};

TEST_F(ForgettingTest, WhatASilentChildToldIsForgotten) {
  LoseOneOfTwo();
  passed_ = kLimit - seconds(1);
  EXPECT_FALSE(Step());
  EXPECT_EQ(parent_->known().size(), child_.known().size() + other_.known().size());
  passed_ = kLimit;
  EXPECT_TRUE(Step());
  StepsToTheEnd();
  EXPECT_EQ(DifferenceOf(parent_->known(), other_.known()), "");
  EXPECT_EQ(parent_->SizeOf(60, other_.NameOf(1)), 100U);
  EXPECT_EQ(parent_->StoredUriOf(299), "") << "nobody has it any more";
  EXPECT_EQ(parent_->feeds().PositionOf(kFarm), federation::FeedPosition());
  EXPECT_TRUE(parent_->feeds().stale().empty());
  EXPECT_EQ(parent_->feeds().forgotten(), 1U);
  EXPECT_EQ(parent_->feeds().forgotten_copies(), child_.known().size());
}

TEST_F(ForgettingTest, WhoHasAStreamIsNotForgotten) {
  LoseOneOfTwo();
  child_.Link(2, ToParent());
  ASSERT_TRUE(child_.AwaitQuiet());
  passed_ = 10 * kLimit;
  EXPECT_FALSE(Step());
  child_.Unlink();
  ASSERT_TRUE(Eventually([this] { return !parent_->feeds().stale().empty(); }));
  EXPECT_FALSE(Step()) << "its time begins anew";
}

TEST_F(ForgettingTest, AChildThatComesBackInTheMiddleWaitsAndIsTaken) {
  LoseOneOfTwo();
  passed_ = kLimit;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Step());
  child_.Link(2, ToParent());
  ASSERT_TRUE(child_.link().Await(
      [](const ParentLink::State& state) { return Says(state, "is being forgotten"); }, kPatience));
  StepsToTheEnd();
  ASSERT_TRUE(child_.AwaitQuiet()) << ToString(child_.link().state().last);
  testing::Known all = child_.known();
  all.merge(other_.known());
  EXPECT_EQ(DifferenceOf(parent_->known(), all), "");
}

TEST_F(ForgettingTest, AChildIsSilentFromTheStartOfItsParentOn) {
  LoseOneOfTwo();
  passed_ = kLimit / 2;
  EXPECT_FALSE(Step());
  other_.Unlink();
  parent_.reset();
  StartParent();
  EXPECT_EQ(parent_->feeds().stale().size(), 2U);
  passed_ = kLimit;
  EXPECT_FALSE(Step()) << "nobody is forgotten because the parent was away";
  passed_ = 2 * kLimit;
  EXPECT_TRUE(Step());
  StepsToTheEnd();
  EXPECT_TRUE(parent_->known().empty());
}

TEST_F(ForgettingTest, ARemovalThatWasCutShortIsRepaired) {
  LoseOneOfTwo();
  passed_ = kLimit;
  while (parent_->feeds().forgotten_copies() == 0 && parent_->known().size() > 200) {
    ASSERT_TRUE(Step());
  }
  parent_.reset();
  StartParent();
  child_.Link(2, ToParent());
  ASSERT_TRUE(child_.AwaitQuiet());
  ASSERT_TRUE(other_.AwaitQuiet());
  testing::Known all = child_.known();
  all.merge(other_.known());
  EXPECT_EQ(DifferenceOf(parent_->known(), all), "");
}

class ExchangeTest : public LinkTest {
 protected:
  ExchangeTest() : LinkTest({.scope = "exchange", .level = 4}) {}
};

TEST_F(ExchangeTest, HearsScopesThatAreNotBelowIt) {
  StartParent();
  TestChild one(authority_, "cdn-one", "a", 3);
  TestChild two(authority_, "cdn-two", "a", 3);
  one.Link(1, ToParent());
  two.Link(1, ToParent());
  one.Put(1, 0, 20);
  two.Put(1, 10, 20);
  ASSERT_TRUE(one.AwaitQuiet());
  ASSERT_TRUE(two.AwaitQuiet());
  testing::Known all = one.known();
  all.merge(two.known());
  EXPECT_EQ(DifferenceOf(parent_->known(), all), "");
  EXPECT_EQ(parent_->service().children().size(), 2U);
}

}  // namespace
}  // namespace strata::manager::link
