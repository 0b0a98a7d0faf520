#include "service_manager/routing/routing_snapshot.h"

#include <gtest/gtest.h>

#include "farm/messages.h"

namespace strata::manager::routing {
namespace {

using farm::EngineId;

Endpoint At(const char* text) { return *Endpoint::Parse(text); }

farm::Site SiteOf(const std::string& name, std::vector<std::string> hosts) {
  farm::Site site;
  site.name = name;
  site.version = 1;
  site.hosts = std::move(hosts);
  return site;
}

std::shared_ptr<const SitesByHost> NoSites() {
  return std::make_shared<SitesByHost>(farm::SiteTable());
}

RoutedEngine EngineAt(uint32_t id, std::vector<Endpoint> clients) {
  RoutedEngine engine;
  engine.card.id = EngineId(id);
  engine.name = "engine-" + std::to_string(id);
  engine.clients = std::move(clients);
  return engine;
}

TEST(SitesByHostTest, FindsASiteByEachOfItsHosts) {
  farm::SiteTable table;
  ASSERT_TRUE(table.Apply(SiteOf("films", {"films.example", "www.films.example"})).ok());
  ASSERT_TRUE(table.Apply(SiteOf("songs", {"songs.example"})).ok());
  const SitesByHost sites(table);
  EXPECT_EQ(sites.Find("www.films.example")->name, "films");
  EXPECT_EQ(sites.Find("songs.example")->name, "songs");
  EXPECT_EQ(sites.Find("example"), nullptr);
}

TEST(RoutingSnapshotTest, FindsEnginesById) {
  const RoutingSnapshot snapshot(NoSites(), {EngineAt(9, {}), EngineAt(4, {})}, true);
  EXPECT_EQ(snapshot.IndexOf(EngineId(4)), 0);
  EXPECT_EQ(snapshot.NameOf(1), "engine-9");
  EXPECT_EQ(snapshot.IndexOf(EngineId(5)), -1);
}

TEST(RoutingSnapshotTest, PrefersTheFirstAddressOfTheClientsFamily) {
  const RoutingSnapshot snapshot(
      NoSites(),
      {EngineAt(1, {At("[2001:db8::1]:80"), At("192.0.2.1:8080"), At("192.0.2.2:80")}),
       EngineAt(2, {At("192.0.2.3:80")}), EngineAt(3, {})},
      true);
  EXPECT_EQ(snapshot.AddressesOf(0).Of(IpFamily::kV4)->by_address, "192.0.2.1:8080");
  EXPECT_EQ(snapshot.AddressesOf(0).Of(IpFamily::kV4)->port, ":8080");
  EXPECT_EQ(snapshot.AddressesOf(0).Of(IpFamily::kV6)->by_address, "[2001:db8::1]");
  EXPECT_EQ(snapshot.AddressesOf(1).Of(IpFamily::kV6)->by_address, "192.0.2.3");
  EXPECT_EQ(snapshot.AddressesOf(2).Of(IpFamily::kV4), nullptr);
}

TEST(RoutingSnapshotTest, IsMadeOfATable) {
  farm::StateTable table;
  const Timestamp now = Timestamp::FromNanos(1'000'000'000);
  farm::EngineInfo engine;
  engine.id = EngineId(7);
  engine.name = "north-1";
  engine.clients = {At("192.0.2.7:80")};
  engine.capacity.bandwidth_out = 1000;
  table.Apply(farm::EngineRegistered{engine, 1}, EngineId(100), true, now);
  table.SetView({EngineId(7)});
  const auto silent = RoutingSnapshot::Of(table, NoSites(), {}, now);
  EXPECT_EQ(silent->cards()[0].status, farm::EngineStatus::kStale);
  farm::LoadReport report;
  report.engine = EngineId(7);
  report.registration = 1;
  report.load.sequence = 1;
  report.load.bandwidth_out = 500;
  table.ApplyLoad(report, EngineId(7), now);
  const auto snapshot = RoutingSnapshot::Of(table, NoSites(), {}, now);
  EXPECT_EQ(snapshot->cards()[0].status, farm::EngineStatus::kUp);
  EXPECT_GT(snapshot->cards()[0].load_factor, 0);
  EXPECT_EQ(snapshot->NameOf(0), "north-1");
}

}  // namespace
}  // namespace strata::manager::routing
