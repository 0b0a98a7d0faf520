#include "multicast/driver/metrics.h"

#include <map>
#include <set>
#include <string>

#include "common/metrics.h"
#include "gtest/gtest.h"

namespace strata::multicast {
namespace {

std::map<std::string, double> ValuesOf(const MetricRegistry& registry, const std::string& group) {
  std::map<std::string, double> values;
  for (const MetricSample& sample : registry.Samples()) {
    if (sample.labels.at("group") == group) values[sample.name] = sample.value;
  }
  return values;
}

TEST(GroupMetricsTest, ShowsTheCountersOfEachGroupByName) {
  MetricRegistry registry;
  GroupMetrics one(registry, GroupId(1));
  GroupMetrics two(registry, GroupId(2));
  Counters core;
  core.Add(Counter::kSends, 5);
  DriverCounters driver;
  driver.Add(DriverCounter::kForged, 3);
  one.SetCounters(core, driver);
  auto values = ValuesOf(registry, "1");
  EXPECT_EQ(values["strata_multicast_sends_total"], 5);
  EXPECT_EQ(values["strata_multicast_rejected_forged_total"], 3);
  EXPECT_EQ(ValuesOf(registry, "2")["strata_multicast_sends_total"], 0);
}

TEST(GroupMetricsTest, ShowsTheView) {
  MetricRegistry registry;
  GroupMetrics metrics(registry, GroupId(1));
  View view;
  view.number = 9;
  view.members.resize(3);
  metrics.SetView(view, MemberStatus::kFull);
  auto values = ValuesOf(registry, "1");
  EXPECT_EQ(values["strata_multicast_view_number"], 9);
  EXPECT_EQ(values["strata_multicast_members"], 3);
  EXPECT_EQ(values["strata_multicast_status"], 2);
}

TEST(GroupMetricsTest, GivesEachMetricANumberOfItsOwn) {
  MetricRegistry registry;
  GroupMetrics metrics(registry, GroupId(1));
  std::set<uint32_t> numbers;
  size_t samples = 0;
  for (const MetricSample& sample : registry.Samples()) {
    numbers.insert(sample.number);
    ++samples;
  }
  EXPECT_EQ(numbers.size(), samples);
}

}  // namespace
}  // namespace strata::multicast
