#include "service_manager/routing/scope_load.h"

#include <gtest/gtest.h>

#include "farm/site_table.h"
#include "service_manager/routing/limits.h"
#include "service_manager/routing/routing_snapshot.h"

namespace strata::manager::routing {
namespace {

using farm::EngineStatus;
using std::chrono::milliseconds;

farm::EngineCard Card(uint32_t id, EngineStatus status, double load, uint64_t bandwidth) {
  farm::EngineCard card;
  card.id = farm::EngineId(id);
  card.status = status;
  card.load_factor = load;
  card.overloaded = load >= 0.95;
  card.bandwidth_out = bandwidth;
  return card;
}

ScopeLoad Load(uint32_t engines, uint32_t overloaded, uint64_t free, double worst, double mean) {
  return {.engines = engines,
          .overloaded = overloaded,
          .free_bandwidth = free,
          .worst = worst,
          .mean = mean};
}

TEST(ScopeLoadTest, IsOfTheEnginesThatServe) {
  const std::vector<farm::EngineCard> cards = {
      Card(1, EngineStatus::kUp, 0.5, 1000), Card(2, EngineStatus::kDegraded, 1.5, 1000),
      Card(3, EngineStatus::kDraining, 0.25, 1000), Card(4, EngineStatus::kDown, 0.25, 1000)};
  // Who has nothing left counts a hundredth.
  EXPECT_EQ(LoadOf(cards), Load(2, 1, 510, 1.5, 1.0));
  EXPECT_FALSE(LoadOf(std::span(cards).subspan(2)).Serves());
}

TEST(ScopeLoadTest, FreeBandwidthIsUnknownIfOneEnginesIs) {
  const std::vector<farm::EngineCard> cards = {Card(1, EngineStatus::kUp, 0, 1000),
                                               Card(2, EngineStatus::kUp, 0, 0)};
  EXPECT_EQ(LoadOf(cards).free_bandwidth, 0u);
  EXPECT_EQ(LoadOf(std::span(cards).first(1)).free_bandwidth, 1000u);
}

TEST(ScopeLoadTest, PartsCountByTheirEngines) {
  EXPECT_EQ(Merged(std::vector{Load(3, 1, 100, 2, 0.5), Load(1, 0, 11, 0.75, 0.75)}),
            Load(4, 1, 111, 2, 0.5625));
  EXPECT_EQ(Merged(std::vector{Load(1, 0, 100, 0.5, 0.5), Load(0, 0, 0, 0, 0)}),
            Load(1, 0, 100, 0.5, 0.5));
  EXPECT_EQ(Merged(std::vector{Load(1, 0, 100, 0, 0), Load(1, 0, 0, 0, 0)}).free_bandwidth, 0u);
  EXPECT_EQ(Merged({}), ScopeLoad());
}

TEST(ScopeLoadTest, WhatPeersSayDoesNotWrap) {
  const ScopeLoad huge = Load(UINT32_MAX, UINT32_MAX, UINT64_MAX, 1, 1);
  EXPECT_EQ(Merged(std::vector{huge, huge}), huge);
}

TEST(ScopeLoadTest, IsOverloadedIfAllOfItsEnginesAre) {
  EXPECT_FALSE(Load(2, 1, 0, 3, 2).IsOverloaded());
  EXPECT_TRUE(Load(2, 2, 0, 1, 1).IsOverloaded());
}

TEST(LoadReportTest, OfAFarmNamesEnginesThatAreNotAsGood) {
  std::vector<RoutedEngine> engines;
  for (uint32_t id = 1; id <= 3; ++id) {
    engines.push_back({.card = Card(id, id == 2 ? EngineStatus::kDown : EngineStatus::kUp,
                                    id == 3 ? 1.0 : 0.0, 1000),
                       .name = "e" + std::to_string(id),
                       .clients = {}});
  }
  const RoutingSnapshot farm(std::make_shared<SitesByHost>(farm::SiteTable()), engines, true);
  const LoadReport report = ReportOf("cdn/lan", farm);
  ASSERT_EQ(report.size(), 1u);
  EXPECT_EQ(report[0].scope, "cdn/lan");
  EXPECT_EQ(report[0].load, Load(2, 1, 1010, 1, 0.5));
  EXPECT_EQ(report[0].impaired,
            (std::vector<ImpairedEngine>{
                {.name = "e2", .status = EngineStatus::kDown, .overloaded = false},
                {.name = "e3", .status = EngineStatus::kUp, .overloaded = true}}));
}

// ---- Bytes: docs/protocols/federation.md, 5.1.

LoadReport Example() {
  return {
      {.scope = "c", .age = milliseconds(250), .load = Load(2, 1, 1000, 1.5, 0.75), .impaired = {}},
      {.scope = "c/l",
       .age = milliseconds(0),
       .load = Load(1, 0, 0, 0.5, 0.5),
       .impaired = {{.name = "e1", .status = EngineStatus::kDraining, .overloaded = true}}}};
}

TEST(LoadReportTest, HasTheBytesOfTheSpecification) {
  const Bytes expected = {
      1, 0,   2,                                                      // Version, scopes.
      1, 'c', 0,    0,   0, 250,                                      // Scope, age.
      0, 0,   0,    2,   0, 0,   0,    1, 0, 0, 0, 0, 0, 0, 3, 0xe8,  // Engines, overloaded, free.
      0, 1,   0x80, 0,   0, 0,   0xc0, 0, 0, 0,                       // Worst, mean, none impaired.
      3, 'c', '/',  'l', 0, 0,   0,    0,                             //
      0, 0,   0,    1,   0, 0,   0,    0, 0, 0, 0, 0, 0, 0, 0, 0,     //
      0, 0,   0x80, 0,   0, 0,   0x80, 0, 0, 1,                       //
      2, 'e', '1',  3,   1};
  EXPECT_EQ(Encode(Example()), expected);
  const StatusOr<LoadReport> decoded = DecodeLoadReport(expected);
  ASSERT_TRUE(decoded.ok()) << ToString(decoded.status());
  EXPECT_EQ(*decoded, Example());
}

std::string Refusal(const LoadReport& report) {
  return MessageOf(DecodeLoadReport(Encode(report)).status());
}

TEST(LoadReportTest, RefusesWhatIsWrongAndNamesIt) {
  LoadReport report = Example();
  report[1].scope = "c";
  EXPECT_EQ(Refusal(report), "field scope is not above the one before it");
  report = Example();
  report[0].scope = "No scope";
  EXPECT_EQ(Refusal(report), "field scope is no scope");
  report = Example();
  report[0].load.overloaded = 3;
  EXPECT_EQ(Refusal(report), "field overloaded is above the number of engines");
  report = Example();
  report[0].load.mean = 2;
  EXPECT_EQ(Refusal(report), "field mean is above the worst");
  report = Example();
  report[0].impaired.resize(kImpairedPerReportMax);
  report[1].impaired.resize(1);
  EXPECT_EQ(Refusal(report), "field impaired is above its limit");
}

TEST(LoadReportTest, RefusesEachPartOfAReport) {
  const Bytes whole = Encode(Example());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(DecodeLoadReport(ByteSpan(whole).first(size)).ok()) << size;
  }
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_EQ(MessageOf(DecodeLoadReport(longer).status()), "1 bytes after a report");
}

TEST(LoadReportTest, AgesAndLoadsBeyondTheirFieldsAreCut) {
  LoadReport report = Example();
  report[0].age = std::chrono::hours(24 * 1000);
  report[0].load.worst = 1e9;
  report[1].age = milliseconds(-5);
  const StatusOr<LoadReport> decoded = DecodeLoadReport(Encode(report));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ((*decoded)[0].age, milliseconds(UINT32_MAX));
  EXPECT_NEAR((*decoded)[0].load.worst, 65536, 1);
  EXPECT_EQ((*decoded)[1].age, milliseconds(0));
}

}  // namespace
}  // namespace strata::manager::routing
