#include "service_manager/routing/router.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "service_manager/federation/locate/locate_messages.h"

namespace strata::manager::routing {
namespace {

using directory::kComplete;
using directory::Location;
using farm::EngineId;
using farm::EngineStatus;
using farm::Site;

Endpoint At(const char* text) { return *Endpoint::Parse(text); }

// Three engines, two sites, and who holds what.
class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    engines_ = {EngineAt(1, {At("192.0.2.1:80"), At("[2001:db8::1]:80")}),
                EngineAt(2, {At("192.0.2.2:8080")}), EngineAt(3, {At("[2001:db8::3]:8080")})};
    films_.name = "films";
    films_.hosts = {"films.example", "www.films.example"};
    films_.query.keep = farm::QueryRules::Keep::kAllBut;
    films_.query.names = {"utm"};
    relay_.name = "relay";
    relay_.hosts = {"relay.example"};
    relay_.mode = Site::Mode::kForward;
  }

  static RoutedEngine EngineAt(uint32_t id, std::vector<Endpoint> clients) {
    RoutedEngine engine;
    engine.card.id = EngineId(id);
    engine.card.status = EngineStatus::kUp;
    engine.name = "e" + std::to_string(id);
    engine.clients = std::move(clients);
    return engine;
  }

  void Hold(const std::string& uri, uint32_t engine, directory::LocationFlags flags = kComplete) {
    held_[farm::KeyOf(uri)].push_back({.holder = directory::Holder(engine), .flags = flags});
  }

  const Decision& Decide(const Request& request) {
    farm::SiteTable table;
    films_.version = relay_.version = 1;
    EXPECT_TRUE(table.Apply(films_).ok());
    EXPECT_TRUE(table.Apply(relay_).ok());
    snapshot_ = std::make_unique<RoutingSnapshot>(std::make_shared<SitesByHost>(table), engines_,
                                                  /*spread=*/true);
    return router_.Decide(*snapshot_, request,
                          [this](const farm::ContentKey& key, std::span<Location> out) {
                            ++lookups_;
                            const auto it = held_.find(key);
                            if (it == held_.end()) return size_t{0};
                            const size_t count = std::min(out.size(), it->second.size());
                            std::copy_n(it->second.begin(), count, out.begin());
                            return it->second.size();
                          });
  }
  std::string LocationOf(const Request& request) {
    const Decision& decision = Decide(request);
    EXPECT_EQ(decision.outcome, Outcome::kRedirect);
    return decision.location;
  }
  Outcome OutcomeOf(const Request& request) { return Decide(request).outcome; }

  static Request Get(std::string_view host, std::string_view target) {
    Request request;
    request.host = host;
    request.target = target;
    return request;
  }

  std::vector<RoutedEngine> engines_;
  Site films_;
  Site relay_;
  std::map<farm::ContentKey, std::vector<Location>> held_;
  std::unique_ptr<RoutingSnapshot> snapshot_;
  Router router_;
  int lookups_ = 0;
};

// ---- Redirects.

TEST_F(RouterTest, SendsAClientToTheHolder) {
  Hold("http://films.example/a.mp4", 2);
  EXPECT_EQ(LocationOf(Get("films.example", "/a.mp4")),
            "http://192.0.2.2:8080/_s/films.example/a.mp4");
}

TEST_F(RouterTest, KeepsPathAndQueryAsTheClientSentThem) {
  Hold("http://films.example/a/b?x=1", 1);
  EXPECT_EQ(LocationOf(Get("films.example", "/a/./b?x=1&utm=7")),
            "http://192.0.2.1/_s/films.example/a/./b?x=1&utm=7");
}

TEST_F(RouterTest, FindsTheContentUnderEveryHostOfItsSite) {
  Hold("http://films.example/a", 2);
  EXPECT_EQ(LocationOf(Get("WWW.Films.Example.:80", "/a")),
            "http://192.0.2.2:8080/_s/www.films.example/a");
}

TEST_F(RouterTest, NamesTheEngineBelowTheHostIfTheSiteSaysSo) {
  films_.redirect_form = Site::RedirectForm::kHost;
  Hold("http://films.example/a", 1);
  Hold("http://films.example/b", 2);
  EXPECT_EQ(LocationOf(Get("films.example", "/a")), "http://e1.films.example/a");
  EXPECT_EQ(LocationOf(Get("films.example:80", "/b")), "http://e2.films.example:8080/b");
}

TEST_F(RouterTest, PrefersAnAddressOfTheClientsFamily) {
  Hold("http://films.example/a", 1);
  Request request = Get("films.example", "/a");
  request.client = *IpAddress::Parse("2001:db8::99");
  EXPECT_EQ(LocationOf(request), "http://[2001:db8::1]/_s/films.example/a");
}

TEST_F(RouterTest, TakesHostAndPathOfAWholeUri) {
  Hold("http://films.example/a", 2);
  Hold("http://films.example/?q", 2);
  EXPECT_EQ(LocationOf(Get("other.example", "http://films.example:80/a")),
            "http://192.0.2.2:8080/_s/films.example/a");
  EXPECT_EQ(LocationOf(Get("", "HTTP://films.example?q")),
            "http://192.0.2.2:8080/_s/films.example/?q");
}

TEST_F(RouterTest, TakesTheHostOfAPathThatBeginsWithIt) {
  Hold("http://films.example/a?x=1", 2);
  const std::string location = "http://192.0.2.2:8080/_s/films.example/a?x=1";
  EXPECT_EQ(LocationOf(Get("192.0.2.100", "/_s/films.example/a?x=1")), location);
  EXPECT_EQ(LocationOf(Get("", "http://192.0.2.100/_s/films.example/a?x=1")), location);
  EXPECT_EQ(LocationOf(Get("192.0.2.100", "/_s/WWW.films.example/a?x=1")),
            "http://192.0.2.2:8080/_s/www.films.example/a?x=1");
}

TEST_F(RouterTest, APathThatBeginsWithNoSitesHostIsAPath) {
  Hold("http://films.example/_s/other.example/a", 2);
  EXPECT_EQ(LocationOf(Get("films.example", "/_s/other.example/a")),
            "http://192.0.2.2:8080/_s/films.example/_s/other.example/a");
  EXPECT_EQ(OutcomeOf(Get("unknown.example", "/_s/other.example/a")), Outcome::kNoSite);
}

TEST_F(RouterTest, TellsWhichContentItIsAndWhetherItIsHeld) {
  Hold("http://films.example/a?b", 2);
  const Decision& held = Decide(Get("films.example", "/./a?b&utm=1"));
  EXPECT_TRUE(held.held);
  EXPECT_EQ(held.uri, "http://films.example/a?b");
  EXPECT_EQ(held.key, farm::KeyOf("http://films.example/a?b"));
  EXPECT_FALSE(Decide(Get("films.example", "/missing")).held);
}

TEST_F(RouterTest, SpreadsOverHolders) {
  for (uint32_t engine : {1u, 2u, 3u}) Hold("http://films.example/a", engine);
  std::set<std::string> locations;
  for (const uint64_t draw : {uint64_t{0}, UINT64_MAX / 2, UINT64_MAX}) {
    Request request = Get("films.example", "/a");
    request.draw = draw;
    locations.insert(LocationOf(request));
  }
  EXPECT_EQ(locations.size(), 3u);
}

TEST_F(RouterTest, LeavesOutPartialCopiesAndEnginesThatServeNothing) {
  Hold("http://films.example/a", 1, 0);
  Hold("http://films.example/a", 2);
  Hold("http://films.example/a", 3);
  Hold("http://films.example/a", 77);  // Nobody knows it.
  engines_[2].card.status = EngineStatus::kDraining;
  for (const uint64_t draw : {uint64_t{0}, UINT64_MAX}) {
    Request request = Get("films.example", "/a");
    request.draw = draw;
    EXPECT_EQ(LocationOf(request), "http://192.0.2.2:8080/_s/films.example/a");
  }
}

TEST_F(RouterTest, WhoIsDrainedIsAskedForWhatNoOriginCanGiveAgain) {
  engines_[1].card.status = EngineStatus::kDraining;
  const std::string drained = "http://192.0.2.2:8080/_s/films.example";
  Hold("http://films.example/library", 2, kComplete | directory::kLibrary);
  Hold("http://films.example/cached", 2);
  // The site has no origin.
  EXPECT_EQ(LocationOf(Get("films.example", "/library")), drained + "/library");
  EXPECT_EQ(LocationOf(Get("films.example", "/cached")), drained + "/cached");
  films_.origins.resize(1);
  films_.origins[0].host = "origin.example";
  EXPECT_EQ(LocationOf(Get("films.example", "/library")), drained + "/library");
  EXPECT_NE(LocationOf(Get("films.example", "/cached")), drained + "/cached");
  Hold("http://films.example/library", 1, kComplete | directory::kLibrary);
  EXPECT_EQ(LocationOf(Get("films.example", "/library")),
            "http://192.0.2.1/_s/films.example/library");
}

TEST_F(RouterTest, WhatNobodyHoldsGoesToTheSameEngineAlways) {
  std::set<std::string> engines;
  for (int i = 0; i < 20; ++i) {
    const std::string target = "/" + std::to_string(i);
    Request request = Get("films.example", target);
    const std::string location = LocationOf(request);
    request.draw = UINT64_MAX;
    EXPECT_EQ(LocationOf(request), location);
    engines.insert(location.substr(0, location.find("/_s/")));
  }
  EXPECT_EQ(engines.size(), 3u);
}

TEST_F(RouterTest, PassesOverAnEngineThatClientsCannotReach) {
  Hold("http://films.example/a", 1);
  Hold("http://films.example/a", 2);
  engines_[0].clients.clear();
  EXPECT_EQ(LocationOf(Get("films.example", "/a")), "http://192.0.2.2:8080/_s/films.example/a");
}

// ---- Refusals.

TEST_F(RouterTest, AHostOfNoSiteIsTold) {
  EXPECT_EQ(OutcomeOf(Get("unknown.example", "/a")), Outcome::kNoSite);
  EXPECT_EQ(OutcomeOf(Get("[2001:db8::1]:80", "/a")), Outcome::kNoSite);
  EXPECT_EQ(lookups_, 0);
}

TEST_F(RouterTest, NobodyCanServeWhenAllAreDown) {
  Hold("http://films.example/a", 1);
  for (RoutedEngine& engine : engines_) engine.card.status = EngineStatus::kDown;
  EXPECT_EQ(OutcomeOf(Get("films.example", "/a")), Outcome::kNoEngine);
  EXPECT_EQ(OutcomeOf(Get("relay.example", "/a")), Outcome::kNoEngine);
}

TEST_F(RouterTest, RefusesWhatNamesNoContent) {
  for (const auto& [host, target] : std::vector<std::pair<std::string, std::string>>{
           {"", "/a"},
           {"films example", "/a"},
           {"films.example", "/../a"},
           {"films.example", "/%zz"},
           {"films.example", "/a#b"},
           {"films.example", "a"},
           {"films.example", "films.example:443"},
           {"films.example", "ftp://films.example/a"},
           {"films.example", "http://user@films.example/a"},
           {"films.example", ""},
           {"films.example", "*"},
           {"films.example", "/" + std::string(farm::kMaxTargetBytes, 'a')}}) {
    const Decision& decision = Decide(Get(host, target));
    EXPECT_EQ(decision.outcome, Outcome::kBadRequest) << host << target;
    EXPECT_FALSE(decision.problem.ok());
  }
}

// ---- Forward.

TEST_F(RouterTest, AForwardSiteIsAskedOfItsHoldersAndThenOfOthers) {
  Hold("http://relay.example/a?b", 2);
  const Decision& decision = Decide(Get("Relay.example", "/a?b"));
  ASSERT_EQ(decision.outcome, Outcome::kForward);
  EXPECT_EQ(decision.engine_target, "/_s/relay.example/a?b");
  ASSERT_EQ(decision.engines.size(), 3u);
  EXPECT_EQ(decision.engines[0]->by_address, "192.0.2.2:8080");
}

// ---- What nobody in the farm holds, and others do.

class RouterElsewhereTest : public RouterTest {
 protected:
  RouterElsewhereTest() {
    films_.origins.resize(1);
    films_.origins[0].host = "origin.example";
    AddCopy("lan-b", "192.0.2.71:80");
  }
  void AddCopy(const std::string& scope, const char* address) {
    copies_.push_back(
        {.holder = {.scope = scope, .engine = "e1"}, .clients = {At(address)}, .flags = kComplete});
  }
  const Decision& DecideAmong(const Request& request) {
    Decide(request);
    EXPECT_FALSE(router_.Decide(*snapshot_, request, [](auto&&...) { return size_t{0}; }).held);
    return router_.DecideAmong(*snapshot_, request, copies_);
  }
  std::string SentTo(uint64_t draw = 0) {
    Request request = Get("films.example", "/a?b");
    request.draw = draw;
    const Decision& decision = DecideAmong(request);
    EXPECT_EQ(decision.outcome, Outcome::kRedirect);
    return decision.location;
  }
  // Nobody elsewhere is of use: an engine of the farm fetches it.
  bool StaysHere() {
    return SentTo().find("192.0.2.71") == std::string::npos && !DecideAmong(kRequest).held;
  }

  const Request kRequest = Get("films.example", "/a?b");
  std::vector<federation::LocatedCopy> copies_;
};

TEST_F(RouterElsewhereTest, TheEngineOfAnotherFarmIsNamedByItsAddress) {
  films_.redirect_form = Site::RedirectForm::kHost;
  EXPECT_EQ(SentTo(), "http://192.0.2.71/_s/films.example/a?b");
  EXPECT_TRUE(DecideAmong(kRequest).held);
}

TEST_F(RouterElsewhereTest, ClientsAreSpreadOverAllThatHoldIt) {
  AddCopy("lan-c", "192.0.2.72:80");
  EXPECT_NE(SentTo(0), SentTo(UINT64_MAX));
}

TEST_F(RouterElsewhereTest, WhatIsOfNoUseElsewhereIsFetchedHere) {
  copies_[0].flags = 0;
  EXPECT_TRUE(StaysHere());
  copies_[0].flags = kComplete;
  copies_[0].clients.clear();
  EXPECT_TRUE(StaysHere());
  copies_.clear();
  EXPECT_TRUE(StaysHere());
}

TEST_F(RouterElsewhereTest, AFarmThatIsNotHeardOfIsAskedOnlyIfNoOriginHasIt) {
  copies_[0].stale = true;
  EXPECT_TRUE(StaysHere());
  films_.origins.clear();
  EXPECT_EQ(SentTo(), "http://192.0.2.71/_s/films.example/a?b");
  AddCopy("lan-c", "192.0.2.72:80");
  EXPECT_EQ(SentTo(0), "http://192.0.2.72/_s/films.example/a?b");
  EXPECT_EQ(SentTo(UINT64_MAX), "http://192.0.2.72/_s/films.example/a?b");
}

TEST_F(RouterElsewhereTest, AForwardSiteAsksThemFirstAndThenTheFarm) {
  relay_.origins = films_.origins;
  const Decision& decision = DecideAmong(Get("relay.example", "/a"));
  ASSERT_EQ(decision.outcome, Outcome::kForward);
  ASSERT_EQ(decision.engines.size(), 4u);
  EXPECT_EQ(decision.engines[0]->by_address, "192.0.2.71");
  EXPECT_EQ(decision.engine_target, "/_s/relay.example/a");
}

TEST_F(RouterElsewhereTest, AFarmWithoutAnyEngineSendsClientsElsewhere) {
  engines_.clear();
  EXPECT_EQ(Decide(kRequest).outcome, Outcome::kNoEngine);
  EXPECT_EQ(SentTo(), "http://192.0.2.71/_s/films.example/a?b");
}

TEST_F(RouterElsewhereTest, TheExplanationNamesThem) {
  Request request = Get("films.example", "/a?strata=explain");
  request.may_explain = true;
  const Decision& decision = DecideAmong(request);
  ASSERT_EQ(decision.outcome, Outcome::kExplain);
  EXPECT_EQ(decision.explanation.answer, "redirect to http://192.0.2.71/_s/films.example/a");
  ASSERT_EQ(decision.explanation.engines.size(), 1u);
  EXPECT_EQ(decision.explanation.engines[0].name, "engine e1 of lan-b");
  EXPECT_EQ(decision.explanation.engines[0].chance, 1);
}

// ---- Web pages of other origins.

TEST_F(RouterTest, NamesAnAllowedOrigin) {
  films_.cors_origins = {"https://player.example"};
  Request request = Get("films.example", "/a");
  request.origin = "https://player.example";
  EXPECT_EQ(Decide(request).cors.allow_origin, "https://player.example");
  EXPECT_TRUE(Decide(request).cors.vary);
  request.origin = "https://other.example";
  EXPECT_EQ(Decide(request).cors.allow_origin, "");
  EXPECT_TRUE(Decide(request).cors.vary);
}

TEST_F(RouterTest, AnyOriginIsAnsweredAlike) {
  films_.cors_origins = {"*"};
  EXPECT_EQ(Decide(Get("films.example", "/a")).cors.allow_origin, "*");
  EXPECT_FALSE(Decide(Get("films.example", "/a")).cors.vary);
}

TEST_F(RouterTest, AnswersAPreflightWithoutLookingAnythingUp) {
  Request request = Get("films.example", "/a");
  request.method = Method::kOptions;
  EXPECT_EQ(OutcomeOf(request), Outcome::kRedirect);
  lookups_ = 0;
  request.preflight = true;
  EXPECT_EQ(OutcomeOf(request), Outcome::kPreflight);
  request.target = "*";
  request.host = "";
  EXPECT_EQ(OutcomeOf(request), Outcome::kPreflight);
  EXPECT_EQ(lookups_, 0);
}

// ---- Explanations.

TEST_F(RouterTest, ExplainsToOperatorsOnly) {
  Hold("http://films.example/a", 2);
  Request request = Get("films.example", "/a?strata=explain");
  EXPECT_EQ(OutcomeOf(request), Outcome::kRedirect);
  request.may_explain = true;
  const Decision& decision = Decide(request);
  ASSERT_EQ(decision.outcome, Outcome::kExplain);
  EXPECT_EQ(decision.explanation.canonical_uri, "http://films.example/a");
  EXPECT_EQ(decision.explanation.answer, "redirect to http://192.0.2.2:8080/_s/films.example/a");
}

TEST_F(RouterTest, TakesItsParameterOutOfTheQuery) {
  Request request = Get("films.example", "/a?x=1&strata=explain&y=2");
  request.may_explain = true;
  EXPECT_EQ(Decide(request).explanation.canonical_uri, "http://films.example/a?x=1&y=2");
  request.target = "/a?strata=explainer";
  EXPECT_EQ(OutcomeOf(request), Outcome::kRedirect);
}

TEST_F(RouterTest, TellsRankChanceAndReasonOfEachEngine) {
  Hold("http://relay.example/a", 1, 0);
  Hold("http://relay.example/a", 2);
  Hold("http://relay.example/a", 3);
  engines_[2].card.status = EngineStatus::kDegraded;
  Request request = Get("relay.example", "/a?strata=explain");
  request.may_explain = true;
  const Explanation& explanation = Decide(request).explanation;
  ASSERT_EQ(explanation.engines.size(), 3u);
  EXPECT_EQ(explanation.engines[0].name, "e2");
  EXPECT_EQ(explanation.engines[0].rank, 1u);
  EXPECT_EQ(explanation.engines[0].chance, 1);
  EXPECT_EQ(explanation.engines[1].name, "e3");
  EXPECT_NE(explanation.engines[1].reason.find("degraded"), std::string::npos);
  EXPECT_EQ(explanation.engines[2].rank, 0u);
  EXPECT_NE(explanation.engines[2].reason.find("partial"), std::string::npos);
  EXPECT_NE(AsText(explanation).find("forward to 192.0.2.2:8080"), std::string::npos);
  EXPECT_NE(AsJson(explanation).find("\"name\": \"e3\", \"id\": 3, \"status\": \"degraded\""),
            std::string::npos);
}

}  // namespace
}  // namespace strata::manager::routing
