#include "service_manager/routing/federation_router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/random.h"
#include "farm/content_identity.h"
#include "farm/site_table.h"
#include "service_manager/federation/locate/locate_messages.h"

namespace strata::manager::routing {
namespace {

using directory::Holder;
using directory::kComplete;
using directory::kLibrary;
using directory::Location;
using farm::EngineStatus;
using std::chrono::seconds;

constexpr Timestamp kNow = Timestamp::FromNanos(1'000'000'000'000);

Endpoint At(const char* text) { return *Endpoint::Parse(text); }

// The manager of an exchange with two CDNs beneath: "one" in europe, with two farms, and "two" in
// america, with one.
class FederationRouterTest : public ::testing::Test {
 protected:
  FederationRouterTest() {
    films_.name = "films";
    films_.hosts = {"films.example"};
    films_.version = 1;
    children_ = {{.scope = "one", .connected = true, .front_ends = {At("192.0.2.100:80")}},
                 {.scope = "two", .connected = true, .front_ends = {At("198.51.100.100:8080")}}};
    holders_ = {Engine(1, "one/a", "e1", "192.0.2.1:80"),
                Engine(2, "one/b", "e1", "192.0.2.2:80"),
                Engine(3, "two/a", "e1", "198.51.100.3:80"),
                {.number = Holder(4), .name = {.scope = "two/c", .engine = ""}, .clients = {}}};
    reports_["one"] = {Report("one", 4), Report("one/a", 2), Report("one/b", 2)};
    reports_["two"] = {Report("two", 2), Report("two/a", 2)};
    regions_ = *RegionMap::Parse(
        "192.0.2.0/24 europe\n203.0.113.0/25 europe\n"
        "198.51.100.0/24 america\n203.0.113.128/25 america\n");
  }

  static RoutedHolder Engine(uint32_t number, const char* scope, const char* name,
                             const char* address) {
    return {.number = Holder(number),
            .name = {.scope = scope, .engine = name},
            .clients = {At(address)}};
  }
  static ScopeReport Report(const std::string& scope, uint32_t engines) {
    return {.scope = scope,
            .age = {},
            .load = {.engines = engines,
                     .overloaded = 0,
                     .free_bandwidth = engines * uint64_t{1000},
                     .worst = 0.5,
                     .mean = 0.5},
            .impaired = {}};
  }
  void Impair(const std::string& child, size_t entry, EngineStatus status, bool overloaded) {
    reports_[child][entry].impaired = {{.name = "e1", .status = status, .overloaded = overloaded}};
  }

  void Hold(const std::string& path, uint32_t holder, directory::LocationFlags flags = kComplete) {
    held_[farm::KeyOf("http://films.example" + path)].push_back(
        {.holder = Holder(holder), .flags = flags});
  }

  void Publish() {
    farm::SiteTable table;
    EXPECT_TRUE(table.Apply(films_).ok());
    ScopeLoadTable loads;
    for (const auto& [child, report] : reports_) {
      EXPECT_TRUE(loads.Apply(child, report, kNow).ok());
    }
    snapshot_ = std::make_unique<FederationSnapshot>(
        FederationSnapshot::Parts{.sites = std::make_shared<SitesByHost>(table),
                                  .regions = regions_,
                                  .holders = std::make_shared<RoutedHolders>(holders_, *regions_),
                                  .children = children_,
                                  .unpurged = unpurged_,
                                  .settings = settings_},
        loads, kNow + later_);
  }
  const Decision& Decide(const Request& request) {
    Publish();
    return router_.Decide(
        *snapshot_, request, [this](const farm::ContentKey& key, std::span<Location> out) {
          const std::vector<Location>& held = held_[key];
          std::copy_n(held.begin(), std::min(out.size(), held.size()), out.begin());
          return held.size();
        });
  }
  // The authority that a client is sent to; it has to ask for the path there.
  std::string SentTo(const std::string& path, const char* client = "203.0.113.1",
                     uint64_t draw = 0) {
    const Decision& decision = Decide(Get(path, client, draw));
    EXPECT_EQ(decision.outcome, Outcome::kRedirect);
    const std::string location = decision.location;
    const std::string rest = "/_s/films.example" + path;
    EXPECT_TRUE(location.starts_with("http://") && location.ends_with(rest)) << location;
    return location.substr(7, location.size() - 7 - rest.size());
  }
  static Request Get(const std::string& path, const char* client = "203.0.113.1",
                     uint64_t draw = 0) {
    Request request;
    request.host = "films.example";
    request.target = path;
    request.client = *IpAddress::Parse(client);
    request.draw = draw;
    return request;
  }

  farm::Site films_;
  std::vector<ChildScope> children_;
  std::map<std::string, std::set<std::string, std::less<>>> unpurged_;
  std::vector<RoutedHolder> holders_;
  std::map<std::string, LoadReport> reports_;
  std::shared_ptr<const RegionMap> regions_;
  ChoiceSettings settings_;
  Duration later_{};
  std::map<farm::ContentKey, std::vector<Location>> held_;
  std::unique_ptr<FederationSnapshot> snapshot_;
  FederationRouter router_;
};

constexpr const char* kInAmerica = "203.0.113.200";

// ---- Direct and delegate.

TEST_F(FederationRouterTest, DirectIsTheEngineItself) {
  Hold("/a?b", 1);
  EXPECT_EQ(SentTo("/a?b"), "192.0.2.1");
}

TEST_F(FederationRouterTest, DelegateIsTheFrontEndOfTheChild) {
  settings_.delegate = true;
  Hold("/a", 1);
  Hold("/a", 2);
  Hold("/b", 3);
  EXPECT_EQ(SentTo("/a"), "192.0.2.100");
  EXPECT_EQ(SentTo("/b"), "198.51.100.100:8080");
}

TEST_F(FederationRouterTest, ASiteMayChooseOtherwiseThanTheManagerIsSet) {
  Hold("/a", 1);
  films_.choice = farm::Site::Choice::kDelegate;
  EXPECT_EQ(SentTo("/a"), "192.0.2.100");
  settings_.delegate = true;
  films_.choice = farm::Site::Choice::kDirect;
  EXPECT_EQ(SentTo("/a"), "192.0.2.1");
}

TEST_F(FederationRouterTest, ACopyOfAScopeIsDelegatedAlways) {
  films_.choice = farm::Site::Choice::kDirect;
  Hold("/a", 4);
  EXPECT_EQ(SentTo("/a"), "198.51.100.100:8080");
}

TEST_F(FederationRouterTest, ForwardsToTheBestThenTheNext) {
  films_.mode = farm::Site::Mode::kForward;
  Hold("/a", 3);
  const Decision& decision = Decide(Get("/a"));
  ASSERT_EQ(decision.outcome, Outcome::kForward);
  EXPECT_EQ(decision.engine_target, "/_s/films.example/a");
  ASSERT_EQ(decision.engines.size(), 3u);
  EXPECT_EQ(decision.engines[0]->by_address, "198.51.100.3");
  EXPECT_EQ(decision.engines[1]->by_address, "192.0.2.100");  // Of the client's region.
}

// ---- Rank.

TEST_F(FederationRouterTest, PrefersTheRegionOfTheClient) {
  for (const bool delegate : {false, true}) {
    settings_.delegate = delegate;
    held_.clear();
    Hold("/a", 1);
    Hold("/a", 3);
    for (const uint64_t draw : {uint64_t{0}, UINT64_MAX}) {
      EXPECT_TRUE(SentTo("/a", "203.0.113.1", draw).starts_with("192.0.2."));
      EXPECT_TRUE(SentTo("/a", kInAmerica, draw).starts_with("198.51.100."));
    }
    // Of no region: anybody.
    EXPECT_NE(SentTo("/a", "10.0.0.1", 0), SentTo("/a", "10.0.0.1", UINT64_MAX));
  }
}

TEST_F(FederationRouterTest, AChildIsNearIfOneOfItsCopiesIs) {
  settings_.delegate = true;
  holders_.push_back(Engine(5, "two/z", "e1", "192.0.2.9:80"));
  holders_.push_back(Engine(6, "one/c", "e1", "198.51.100.9:80"));
  for (const uint32_t holder : {6u, 3u, 5u}) Hold("/a", holder);
  for (const uint64_t draw : {uint64_t{0}, UINT64_MAX}) {
    EXPECT_EQ(SentTo("/a", "203.0.113.1", draw), "198.51.100.100:8080");
  }
}

TEST_F(FederationRouterTest, AnOverloadedOneGivesTheNext) {
  Hold("/a", 1);
  Hold("/a", 3);
  Impair("one", 1, EngineStatus::kUp, true);
  EXPECT_EQ(SentTo("/a"), "198.51.100.3");
  Impair("one", 1, EngineStatus::kUp, false);
  reports_["one"][1].load.overloaded = 2;  // All of its farm.
  EXPECT_EQ(SentTo("/a"), "198.51.100.3");
  held_.clear();
  Hold("/a", 1);
  EXPECT_EQ(SentTo("/a"), "192.0.2.1");  // Nobody else has it.
}

TEST_F(FederationRouterTest, WhoIsStaleComesLast) {
  Hold("/a", 1);
  Hold("/a", 3);
  children_[0].connected = false;
  EXPECT_EQ(SentTo("/a"), "198.51.100.3");
  children_[0].connected = true;
  reports_["one"][1].age = seconds(11);  // Its farm's link is cut, further down.
  EXPECT_EQ(SentTo("/a"), "198.51.100.3");
  reports_["one"][1].age = seconds(10);
  EXPECT_EQ(SentTo("/a"), "192.0.2.1");
  later_ = seconds(11);  // All are stale.
  EXPECT_EQ(SentTo("/a"), "192.0.2.1");
}

TEST_F(FederationRouterTest, NobodyIsSentToWhatAPurgeHasMissed) {
  farm::Origin origin;
  origin.host = "origin.example";
  origin.port = 80;
  films_.origins = {origin};
  Hold("/a", 1);
  Hold("/a", 3);
  EXPECT_EQ(SentTo("/a"), "192.0.2.1");
  unpurged_["songs"] = {"one/a"};
  EXPECT_EQ(SentTo("/a"), "192.0.2.1") << "another site";
  unpurged_["films"] = {"one/a"};
  EXPECT_EQ(SentTo("/a"), "198.51.100.3");
  held_.clear();
  Hold("/a", 1);
  EXPECT_NE(SentTo("/a"), "192.0.2.1") << "a child fetches it, rather";
  unpurged_["films"] = {"one", "two"};
  EXPECT_EQ(Decide(Get("/a")).location, "http://origin.example/a");
}

TEST_F(FederationRouterTest, AChildThatPublishedNothingYetIsStale) {
  Hold("/a", 1);
  Hold("/a", 3);
  reports_.erase("one");
  EXPECT_EQ(SentTo("/a"), "198.51.100.3");
  reports_.erase("two");
  EXPECT_EQ(SentTo("/a"), "192.0.2.1");
}

TEST_F(FederationRouterTest, LeavesOutWhoIsDownAndPartialCopies) {
  Hold("/a", 1);
  Hold("/a", 2, 0);
  Hold("/a", 3);
  Hold("/a", 77);  // Nobody knows it.
  Impair("one", 1, EngineStatus::kDown, false);
  EXPECT_EQ(SentTo("/a"), "198.51.100.3");
  settings_.delegate = true;
  EXPECT_EQ(SentTo("/a"), "198.51.100.100:8080");
}

TEST_F(FederationRouterTest, WhoIsDrainedIsAskedForWhatNoOriginCanGiveAgain) {
  films_.origins.resize(1);
  films_.origins[0].host = "origin.example";
  Impair("one", 1, EngineStatus::kDraining, false);
  Hold("/library", 1, kComplete | kLibrary);
  Hold("/cached", 1);
  EXPECT_EQ(SentTo("/library"), "192.0.2.1");
  EXPECT_EQ(SentTo("/cached"), "192.0.2.100");  // A child fetches it.
  Hold("/library", 3);
  EXPECT_EQ(SentTo("/library"), "198.51.100.3");
}

TEST_F(FederationRouterTest, SpreadsAsFreeCapacitySays) {
  constexpr uint64_t kSeed = 3;
  constexpr int kRequests = 20'000;
  SCOPED_TRACE(kSeed);
  SeededRandom random(kSeed);
  Hold("/a", 1);
  Hold("/a", 2);
  reports_["one"][2].load.free_bandwidth *= 3;
  Publish();
  const farm::ContentKey key = farm::KeyOf("http://films.example/a");
  int second = 0;
  for (int i = 0; i < kRequests; ++i) {
    const Decision& decision =
        router_.Decide(*snapshot_, Get("/a", "203.0.113.1", random.Next()),
                       [&](const farm::ContentKey& asked, std::span<Location> out) {
                         EXPECT_EQ(asked, key);
                         std::copy(held_[key].begin(), held_[key].end(), out.begin());
                         return held_[key].size();
                       });
    if (decision.location.starts_with("http://192.0.2.2/")) ++second;
  }
  EXPECT_NEAR(second, kRequests * 0.75, kRequests * 0.02);
}

// ---- When nobody beneath is known to hold it.

// Who was sent here by a manager above is never sent back up: what is elsewhere is answered with
// the engine itself, or not at all.
TEST_F(FederationRouterTest, NobodyIsSentToAnotherManagersFrontEnd) {
  settings_.delegate = true;
  Publish();
  const std::vector<federation::LocatedCopy> scope_only = {
      {.holder = {.scope = "three", .engine = ""}, .clients = {}, .flags = kComplete}};
  EXPECT_EQ(router_.DecideAmong(*snapshot_, Get("/a"), scope_only).location,
            "http://192.0.2.100/_s/films.example/a");
  EXPECT_FALSE(router_.DecideAmong(*snapshot_, Get("/a"), scope_only).held);
  const std::vector<federation::LocatedCopy> engine = {
      {.holder = {.scope = "three/a", .engine = "e"},
       .clients = {At("192.0.2.77:80")},
       .flags = kComplete}};
  EXPECT_EQ(router_.DecideAmong(*snapshot_, Get("/a"), engine).location,
            "http://192.0.2.77/_s/films.example/a");
}

TEST_F(FederationRouterTest, WhatNobodyHoldsIsFetchedByTheSameChildOfTheRegion) {
  for (int i = 0; i < 20; ++i) {
    const std::string path = "/" + std::to_string(i);
    EXPECT_EQ(SentTo(path, "203.0.113.1", static_cast<uint64_t>(i) << 59), "192.0.2.100");
    EXPECT_EQ(SentTo(path, kInAmerica), "198.51.100.100:8080");
    EXPECT_EQ(SentTo(path, "10.0.0.1", 0), SentTo(path, "10.0.0.1", UINT64_MAX));
  }
  EXPECT_FALSE(Decide(Get("/x")).held);
}

TEST_F(FederationRouterTest, CopiesThatOthersNamedAreAnsweredDirect) {
  Publish();
  std::vector<federation::LocatedCopy> copies = {{.holder = {.scope = "three/a", .engine = "e7"},
                                                  .clients = {At("198.51.100.77:80")},
                                                  .flags = kComplete},
                                                 {.holder = {.scope = "three/b", .engine = "e7"},
                                                  .clients = {At("192.0.2.77:80")},
                                                  .flags = kComplete}};
  const auto sent_to = [&](const char* client) {
    return router_.DecideAmong(*snapshot_, Get("/a", client), copies).location;
  };
  EXPECT_EQ(sent_to("203.0.113.1"), "http://192.0.2.77/_s/films.example/a");
  EXPECT_EQ(sent_to(kInAmerica), "http://198.51.100.77/_s/films.example/a");
  EXPECT_TRUE(router_.DecideAmong(*snapshot_, Get("/a"), copies).held);
  copies[1].stale = true;
  EXPECT_EQ(sent_to("203.0.113.1"), "http://198.51.100.77/_s/films.example/a");
  copies[0].flags = 0;
  EXPECT_EQ(sent_to("203.0.113.1"), "http://192.0.2.77/_s/films.example/a");
  copies = {{.holder = {.scope = "two/x", .engine = ""}, .clients = {}, .flags = kComplete}};
  EXPECT_EQ(sent_to("203.0.113.1"), "http://198.51.100.100:8080/_s/films.example/a");
  copies.clear();
  EXPECT_EQ(sent_to("203.0.113.1"), "http://192.0.2.100/_s/films.example/a");
}

TEST_F(FederationRouterTest, TheOriginIsTheLast) {
  Hold("/a", 1);
  holders_[0].clients.clear();
  children_[0].front_ends.clear();
  EXPECT_EQ(SentTo("/a"), "198.51.100.100:8080");
  children_[1].front_ends.clear();
  EXPECT_EQ(Decide(Get("/a")).outcome, Outcome::kNoEngine);
  films_.origins.resize(1);
  films_.origins[0].host = "origin.example";
  EXPECT_EQ(Decide(Get("/a?x")).location, "http://origin.example/a?x");
  films_.origins[0].port = 8443;
  films_.origins[0].tls = true;
  films_.mode = farm::Site::Mode::kForward;
  EXPECT_EQ(Decide(Get("/a")).location, "https://origin.example:8443/a");
}

// Whatever is up, stale, overloaded or down: there is an answer while one exists, it is the same
// for the same request, and nobody worse is chosen before somebody better.
TEST_F(FederationRouterTest, AnswersWhileAnAnswerExists) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    settings_.delegate = random.Chance(0.5);
    held_.clear();
    bool somebody = false;
    for (uint32_t holder = 1; holder <= 3; ++holder) {
      if (random.Chance(0.6)) Hold("/a", holder);
    }
    for (size_t i = 0; i < children_.size(); ++i) {
      children_[i].connected = random.Chance(0.7);
      LoadReport& report = reports_[children_[i].scope];
      const uint32_t engines = random.Chance(0.7) ? 2 : 0;
      for (ScopeReport& entry : report) {
        entry = Report(entry.scope, engines);
        entry.load.overloaded = random.Chance(0.3) ? engines : 0;
      }
      somebody = somebody || engines > 0;
    }
    const uint64_t draw = random.Next();
    const Decision first = Decide(Get("/a", "10.0.0.1", draw));
    EXPECT_EQ(first.outcome, somebody ? Outcome::kRedirect : Outcome::kNoEngine);
    EXPECT_EQ(Decide(Get("/a", "10.0.0.1", draw)).location, first.location);
  }
}

// ---- Explanation.

TEST_F(FederationRouterTest, ExplainsToOperators) {
  Hold("/a", 1);
  Hold("/a", 2);
  Hold("/a", 3);
  Hold("/a", 4);
  Impair("one", 2, EngineStatus::kDown, false);
  children_[1].connected = false;
  const std::string path = "/a?strata=explain";
  Request request = Get(path);
  EXPECT_NE(Decide(request).outcome, Outcome::kExplain);
  request.may_explain = true;
  const Decision& decision = Decide(request);
  ASSERT_EQ(decision.outcome, Outcome::kExplain);
  EXPECT_EQ(decision.explanation.answer, "redirect to http://192.0.2.1/_s/films.example/a");
  EXPECT_EQ(decision.explanation.client_region, "europe");
  EXPECT_NE(AsText(decision.explanation).find("region  europe\n"), std::string::npos);
  const std::vector<ExplainedEngine>& engines = decision.explanation.engines;
  ASSERT_EQ(engines.size(), 4u);
  EXPECT_EQ(engines[0].name, "engine e1 of one/a");
  EXPECT_EQ(engines[0].reason, "holds it; drawn");
  EXPECT_EQ(engines[0].rank, 1u);
  std::set<std::string> late;
  for (size_t i : {1, 2}) late.insert(engines[i].name + ": " + engines[i].reason);
  EXPECT_EQ(late, (std::set<std::string>{
                      "engine e1 of two/a: holds it; comes late: stale, not in the client's region",
                      "two: a copy is beneath it; comes late: stale, not in the client's region"}));
  EXPECT_EQ(engines[3].name, "engine e1 of one/b");
  EXPECT_EQ(engines[3].reason, "left out: down");
  EXPECT_EQ(engines[3].rank, 0u);
}

}  // namespace
}  // namespace strata::manager::routing
