#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "service_manager/federation/locate/locate_messages.h"
#include "service_manager/frontend/front_end_fixture.h"
#include "service_manager/routing/federation_snapshot.h"
#include "service_manager/routing/region_map.h"
#include "service_manager/routing/scope_load_table.h"

// Front ends of managers above level 1, and several above each other.

namespace strata::manager::frontend::testing {
namespace {

using federation::LocateAnswer;
using federation::LocatedCopy;
using federation::LocateQuestion;

constexpr const char* kUri = "http://films.example/a";
constexpr const char* kGet = "GET /a HTTP/1.1\r\nHost: films.example\r\n\r\n";

std::shared_ptr<const routing::SitesByHost> Sites(farm::Site::Choice choice) {
  farm::Site films;
  films.name = "films";
  films.version = 1;
  films.hosts = {"films.example"};
  films.choice = choice;
  farm::Origin origin;
  origin.host = "origin.example";
  films.origins = {origin};
  farm::SiteTable sites;
  EXPECT_TRUE(sites.Apply(films).ok());
  return std::make_shared<routing::SitesByHost>(sites);
}

// A manager with its front end on the loopback.
class Manager {
 public:
  explicit Manager(const std::string& scope) : scope_(scope) {
    options_.listen = {*Endpoint::Parse("127.0.0.1:0")};
    options_.operators = {*IpPrefix::Parse("127.0.0.0/8")};
    options_.scope = scope;
    options_.locate = [this](const LocateQuestion&, const LocateDone& done) {
      ++asked_;
      LocateAnswer answer;
      answer.copies = elsewhere_;
      done(answer);
    };
  }

  void Hold(uint32_t holder, const char* uri = kUri) {
    index_.Add(farm::KeyOf(uri),
               {.holder = directory::Holder(holder), .flags = directory::kComplete});
  }
  // A child that serves, and what holders beneath it are called.
  void AddChild(const std::string& scope, const Endpoint& front_end, uint32_t engines = 1) {
    children_.push_back({.scope = scope, .connected = true, .front_ends = {front_end}});
    routing::ScopeReport report;
    report.scope = scope;
    report.load = {
        .engines = engines, .overloaded = 0, .free_bandwidth = 0, .worst = 0.1, .mean = 0.1};
    EXPECT_TRUE(loads_.Apply(scope, {report}, Timestamp()).ok());
  }
  void AddHolder(uint32_t number, const std::string& scope, const std::string& engine,
                 const char* address = nullptr) {
    std::vector<Endpoint> clients;
    if (address != nullptr) clients.push_back(*Endpoint::Parse(address));
    holders_.push_back({.number = directory::Holder(number),
                        .name = {.scope = scope, .engine = engine},
                        .clients = clients});
  }
  void Start(farm::Site::Choice choice = farm::Site::Choice::kManagers, bool delegate = false) {
    auto front_end = FrontEnd::Start(options_, index_, metrics_);
    ASSERT_TRUE(front_end.ok()) << front_end.status();
    front_end_ = *std::move(front_end);
    Publish(choice, delegate);
  }
  void Publish(farm::Site::Choice choice, bool delegate) {
    const auto regions = std::make_shared<routing::RegionMap>();
    front_end_->Publish(std::make_shared<const routing::FederationSnapshot>(
        routing::FederationSnapshot::Parts{
            .sites = Sites(choice),
            .regions = regions,
            .holders = std::make_shared<routing::RoutedHolders>(holders_, *regions),
            .children = children_,
            .settings = {.delegate = delegate}},
        loads_, Timestamp()));
  }
  // Of level 1: a farm of one engine.
  void StartFarm(const char* engine) {
    auto front_end = FrontEnd::Start(options_, index_, metrics_);
    ASSERT_TRUE(front_end.ok()) << front_end.status();
    front_end_ = *std::move(front_end);
    routing::RoutedEngine routed;
    routed.card.id = farm::EngineId(1);
    routed.card.status = farm::EngineStatus::kUp;
    routed.name = "e1";
    routed.clients = {*Endpoint::Parse(engine)};
    front_end_->Publish(std::make_shared<const routing::RoutingSnapshot>(
        Sites(farm::Site::Choice::kManagers), std::vector{routed}, true));
  }

  Endpoint endpoint() const { return front_end_->endpoints()[0]; }
  FrontEnd& front_end() { return *front_end_; }
  void SetElsewhere(std::vector<LocatedCopy> copies) { elsewhere_ = std::move(copies); }
  int asked() const { return asked_; }

  HttpMessage Ask(const std::string& request) const {
    HttpConnection connection = HttpConnection::To(endpoint());
    EXPECT_TRUE(connection.Send(request));
    return connection.Receive().value_or(HttpMessage());
  }
  std::string SentTo() const { return Ask(kGet).Field("Location"); }

 private:
  const std::string scope_;
  SeededRandom random_{1};
  directory::LocationIndex index_{random_};
  MetricRegistry metrics_;
  FrontEndOptions options_;
  std::vector<routing::ChildScope> children_;
  std::vector<routing::RoutedHolder> holders_;
  routing::ScopeLoadTable loads_;
  std::vector<LocatedCopy> elsewhere_;
  std::atomic<int> asked_ = 0;
  std::unique_ptr<FrontEnd> front_end_;
};

// Where a client ends who follows redirects as long as they lead to one of `managers`; empty after
// too many.
std::string Followed(std::string location, const std::vector<const Manager*>& managers) {
  for (int hop = 0; hop < 8; ++hop) {
    const Manager* next = nullptr;
    for (const Manager* manager : managers) {
      if (location.starts_with("http://" + ToString(manager->endpoint()) + "/")) next = manager;
    }
    if (next == nullptr) return location;
    const std::string path = location.substr(location.find('/', 7));
    location =
        next->Ask("GET " + path + " HTTP/1.1\r\nHost: " + ToString(next->endpoint()) + "\r\n\r\n")
            .Field("Location");
  }
  return "";
}

TEST(FederationFrontEndTest, AnswersWithTheEngineOrWithTheChild) {
  Manager exchange("exchange");
  exchange.AddChild("one", *Endpoint::Parse("192.0.2.100:80"));
  exchange.AddHolder(7, "one/a", "e1", "192.0.2.7:8080");
  exchange.Hold(7);
  exchange.Start();
  EXPECT_EQ(exchange.SentTo(), "http://192.0.2.7:8080/_s/films.example/a");
  exchange.Publish(farm::Site::Choice::kManagers, true);
  EXPECT_EQ(exchange.SentTo(), "http://192.0.2.100/_s/films.example/a");
  exchange.Publish(farm::Site::Choice::kDirect, true);
  EXPECT_EQ(exchange.SentTo(), "http://192.0.2.7:8080/_s/films.example/a");
  EXPECT_EQ(exchange.asked(), 0);
}

TEST(FederationFrontEndTest, WhatNobodyBeneathHoldsIsAskedForAndAnsweredDirect) {
  Manager cdn("one");
  cdn.AddChild("one/a", *Endpoint::Parse("192.0.2.100:80"));
  cdn.SetElsewhere({{.holder = {.scope = "two/a", .engine = "e1"},
                     .clients = {*Endpoint::Parse("198.51.100.7:80")},
                     .flags = directory::kComplete}});
  cdn.Start(farm::Site::Choice::kDelegate);
  EXPECT_EQ(cdn.SentTo(), "http://198.51.100.7/_s/films.example/a");
  EXPECT_EQ(cdn.asked(), 1);
}

// An exchange above a CDN above a farm. Clients go down from one to the next, to an engine.
class ThreeLevelsTest : public ::testing::Test {
 protected:
  void Start(farm::Site::Choice choice) {
    lan_.StartFarm("192.0.2.1:80");
    cdn_.AddChild("one/lan", lan_.endpoint());
    cdn_.AddHolder(1, "one/lan", "");
    cdn_.Start(choice);
    exchange_.AddChild("one", cdn_.endpoint());
    exchange_.AddChild("two", *Endpoint::Parse("198.51.100.100:80"), 0);
    exchange_.AddHolder(1, "one", "");
    exchange_.AddHolder(2, "one/lan", "e1", "192.0.2.1:80");
    exchange_.Start(choice);
  }
  std::string Followed() {
    return testing::Followed("http://" + ToString(exchange_.endpoint()) + "/_s/films.example/a",
                             {&exchange_, &cdn_, &lan_});
  }

  static constexpr const char* kEngine = "http://192.0.2.1/_s/films.example/a";
  Manager exchange_{"exchange"};
  Manager cdn_{"one"};
  Manager lan_{"one/lan"};
};

TEST_F(ThreeLevelsTest, DelegationEndsAtTheEngine) {
  exchange_.Hold(2);
  cdn_.Hold(1);
  lan_.Hold(1);
  Start(farm::Site::Choice::kDelegate);
  EXPECT_EQ(exchange_.SentTo(), "http://" + ToString(cdn_.endpoint()) + "/_s/films.example/a");
  EXPECT_EQ(Followed(), kEngine);
}

TEST_F(ThreeLevelsTest, WhatNobodyHoldsAnywhereIsFetchedByAFarm) {
  Start(farm::Site::Choice::kManagers);
  EXPECT_EQ(Followed(), kEngine);
  EXPECT_EQ(exchange_.asked() + cdn_.asked() + lan_.asked(), 3);
}

// What the managers above know may be old. Nobody sends a client back up then, even if all that
// is known of the content is that a scope above, or beside, has it.
TEST_F(ThreeLevelsTest, AChildNeverSendsAClientBackUp) {
  exchange_.Hold(1);  // But the CDN does not hold it any more.
  const std::vector<LocatedCopy> above = {
      {.holder = {.scope = "exchange", .engine = ""}, .flags = directory::kComplete},
      {.holder = {.scope = "one", .engine = ""}, .flags = directory::kComplete},
      {.holder = {.scope = "two", .engine = ""}, .flags = directory::kComplete}};
  cdn_.SetElsewhere(above);
  lan_.SetElsewhere(above);
  Start(farm::Site::Choice::kDelegate);
  EXPECT_EQ(Followed(), kEngine);
}

TEST_F(ThreeLevelsTest, AFarmSendsAClientToTheOnlyOneWhoHasIt) {
  lan_.SetElsewhere({{.holder = {.scope = "two/lan", .engine = "e9"},
                      .clients = {*Endpoint::Parse("198.51.100.9:80")},
                      .flags = directory::kComplete}});
  Start(farm::Site::Choice::kManagers);
  EXPECT_EQ(Followed(), "http://198.51.100.9/_s/films.example/a");
}

TEST(FederationFrontEndTest, ExplainsTheRankingOfScopes) {
  Manager exchange("exchange");
  exchange.AddChild("one", *Endpoint::Parse("192.0.2.100:80"));
  exchange.AddChild("two", *Endpoint::Parse("198.51.100.100:80"));
  exchange.AddHolder(7, "one/a", "e1", "192.0.2.7:80");
  exchange.AddHolder(8, "two", "");
  exchange.Hold(7);
  exchange.Hold(8);
  exchange.Start();
  const std::string text =
      exchange.Ask("GET /a?strata=explain HTTP/1.1\r\nHost: films.example\r\n\r\n").body;
  EXPECT_NE(text.find("engine e1 of one/a"), std::string::npos) << text;
  EXPECT_NE(text.find("a copy is beneath it"), std::string::npos) << text;
  const std::string json = exchange
                               .Ask(
                                   "GET /a?strata=explain HTTP/1.1\r\nHost: films.example\r\n"
                                   "Accept: application/json\r\n\r\n")
                               .body;
  EXPECT_NE(json.find("\"name\": \"two\""), std::string::npos) << json;
}

// A manager that changes its level is another process; but one program serves both.
TEST(FederationFrontEndTest, GoesOverFromOneKindOfSnapshotToTheOther) {
  Manager manager("one");
  manager.StartFarm("192.0.2.1:80");
  EXPECT_EQ(manager.SentTo(), "http://192.0.2.1/_s/films.example/a");
  manager.AddChild("one/a", *Endpoint::Parse("192.0.2.100:80"));
  manager.Publish(farm::Site::Choice::kManagers, false);
  EXPECT_EQ(manager.SentTo(), "http://192.0.2.100/_s/films.example/a");
  manager.front_end().Publish(std::shared_ptr<const routing::FederationSnapshot>());
  EXPECT_EQ(manager.Ask(kGet).StartLine(), "HTTP/1.1 503 Service Unavailable");
}

}  // namespace
}  // namespace strata::manager::frontend::testing
