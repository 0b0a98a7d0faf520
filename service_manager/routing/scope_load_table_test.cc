#include "service_manager/routing/scope_load_table.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "service_manager/routing/limits.h"

namespace strata::manager::routing {
namespace {

using std::chrono::seconds;

constexpr Timestamp kNow = Timestamp::FromNanos(1'000'000'000'000);
constexpr Duration kStale = seconds(10);

ScopeReport Report(const std::string& scope, uint32_t engines, Duration age = {}) {
  return {.scope = scope,
          .age = age,
          .load = {.engines = engines,
                   .overloaded = 0,
                   .free_bandwidth = engines * uint64_t{100},
                   .worst = 0.5,
                   .mean = 0.5},
          .impaired = {}};
}

TEST(ScopeLoadTableTest, AReportTakesThePlaceOfTheOneBefore) {
  ScopeLoadTable table;
  ASSERT_TRUE(table.Apply("cdn/a", {Report("cdn/a", 3), Report("cdn/a/x", 3)}, kNow).ok());
  ASSERT_TRUE(table.Apply("cdn/a-b", {Report("cdn/a-b", 5)}, kNow).ok());
  ASSERT_TRUE(
      table.Apply("cdn/a", {Report("cdn/a", 2), Report("cdn/a/y", 2, seconds(3))}, kNow).ok());
  ASSERT_EQ(table.entries().size(), 3u);
  EXPECT_EQ(table.entries().at("cdn/a").load.engines, 2u);
  EXPECT_EQ(table.entries().at("cdn/a-b").load.engines, 5u);
  EXPECT_EQ(table.entries().at("cdn/a/y").measured, kNow - seconds(3));
  table.Forget("cdn/a");
  EXPECT_EQ(table.entries().size(), 1u);
}

TEST(ScopeLoadTableTest, AChildSpeaksForItsOwnSubtree) {
  ScopeLoadTable table;
  ASSERT_TRUE(table.Apply("cdn/a", {Report("cdn/a", 3)}, kNow).ok());
  const auto refused = [&table](const std::string& child, LoadReport report) {
    return table.Apply(child, std::move(report), kNow).code();
  };
  EXPECT_EQ(refused("cdn/b", {Report("cdn/b", 1), Report("cdn/c", 1)}),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(refused("cdn/b", {Report("cdn/b", 1), Report("cdn/b-c", 1)}),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(refused("cdn/b", {}), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused("cdn/b", {Report("cdn/b/x", 1)}), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused("cdn", {Report("cdn", 1)}), StatusCode::kPermissionDenied);
  EXPECT_EQ(refused("cdn/a/x", {Report("cdn/a/x", 1)}), StatusCode::kPermissionDenied);
  ASSERT_EQ(table.entries().size(), 1u);
  EXPECT_EQ(table.entries().at("cdn/a").load.engines, 3u);
}

TEST(ScopeLoadTableTest, TellsTheParentTheSumAndAllThatItWasTold) {
  ScopeLoadTable table;
  ASSERT_TRUE(table.Apply("cdn/b", {Report("cdn/b", 1, seconds(2))}, kNow).ok());
  ASSERT_TRUE(table.Apply("cdn/a", {Report("cdn/a", 3), Report("cdn/a/x", 3)}, kNow).ok());
  const LoadReport report = table.Report("cdn", kStale, kNow + seconds(1));
  ASSERT_EQ(report.size(), 4u);
  EXPECT_EQ(report[0].scope, "cdn");
  EXPECT_EQ(report[0].load.engines, 4u);
  EXPECT_EQ(report[0].age, seconds(3));  // As old as what it is made of.
  EXPECT_EQ(report[2], Report("cdn/a/x", 3, seconds(1)));
  EXPECT_TRUE(DecodeLoadReport(Encode(report)).ok());
}

TEST(ScopeLoadTableTest, WhoIsStaleCountsOnlyIfNobodyElseIsThere) {
  ScopeLoadTable table;
  ASSERT_TRUE(table.Apply("cdn/a", {Report("cdn/a", 3, seconds(15))}, kNow).ok());
  ASSERT_TRUE(table.Apply("cdn/b", {Report("cdn/b", 1)}, kNow).ok());
  EXPECT_EQ(table.Report("cdn", kStale, kNow)[0].load.engines, 1u);
  EXPECT_EQ(table.Report("cdn", kStale, kNow)[0].age, seconds(0));
  const LoadReport later = table.Report("cdn", kStale, kNow + seconds(11));
  EXPECT_EQ(later[0].load.engines, 4u);
  EXPECT_EQ(later[0].age, seconds(11));
}

TEST(ScopeLoadTableTest, LeavesOutTheLowestScopesBeyondTheLimit) {
  ScopeLoadTable table;
  for (const std::string child : {"cdn/a", "cdn/b"}) {
    LoadReport report = {Report(child, 1)};
    for (size_t i = 0; i + 1 < kScopesPerReportMax; ++i) {
      report.push_back(Report(child + "/" + std::to_string(i), 1));
    }
    std::sort(report.begin(), report.end(),
              [](const auto& a, const auto& b) { return a.scope < b.scope; });
    report[0].impaired.resize(kImpairedPerReportMax);
    ASSERT_TRUE(table.Apply(child, std::move(report), kNow).ok());
  }
  const LoadReport report = table.Report("cdn", kStale, kNow);
  EXPECT_EQ(report.size(), kScopesPerReportMax);
  size_t impaired = 0;
  size_t children = 0;
  for (const ScopeReport& scope : report) {
    impaired += scope.impaired.size();
    if (scope.scope == "cdn/a" || scope.scope == "cdn/b") ++children;
  }
  EXPECT_EQ(impaired, kImpairedPerReportMax);
  EXPECT_EQ(children, 2u);
}

TEST(ScopeLoadTableTest, WithoutChildrenNobodyServes) {
  const LoadReport report = ScopeLoadTable().Report("cdn", kStale, kNow);
  ASSERT_EQ(report.size(), 1u);
  EXPECT_FALSE(report[0].load.Serves());
}

}  // namespace
}  // namespace strata::manager::routing
