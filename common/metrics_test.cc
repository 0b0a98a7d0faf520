#include "common/metrics.h"

#include <gtest/gtest.h>
#include <prometheus/metric_family.h>

#include <thread>

namespace strata {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals have no other way in.

MetricInfo Drops(std::string reason) {
  return {.name = "strata_wire_drops_total",
          .help = "Packets dropped.",
          .labels = {{"reason", std::move(reason)}},
          .number = 7};
}

TEST(CounterTest, AddsAndAdvancesButNeverGoesBack) {
  Counter counter;
  counter.Add();
  counter.Add(4);
  EXPECT_EQ(counter.value(), 5u);
  counter.AdvanceTo(5);
  counter.AdvanceTo(9);
  EXPECT_EQ(counter.value(), 9u);
  EXPECT_DEATH(counter.AdvanceTo(8), "a counter went back");
}

TEST(GaugeTest, RisesAndFalls) {
  Gauge gauge;
  gauge.Set(2.5);
  gauge.Add(-4);
  EXPECT_EQ(gauge.value(), -1.5);
}

TEST(HistogramTest, PutsAValueIntoTheClassWhoseUpperEndItReaches) {
  Histogram histogram({1, 2});
  for (const double value : {0.5, 1.0, 1.5, 2.0, 2.5, 100.0}) histogram.Observe(value);
  EXPECT_EQ(histogram.count(0), 2u);
  EXPECT_EQ(histogram.count(1), 2u);
  EXPECT_EQ(histogram.count(2), 2u);
  EXPECT_EQ(histogram.sum(), 107.5);
}

TEST(HistogramTest, ObservesDurationsInSeconds) {
  Histogram histogram({0.001});
  histogram.Observe(500us);
  histogram.Observe(2ms);
  EXPECT_EQ(histogram.count(0), 1u);
  EXPECT_EQ(histogram.count(1), 1u);
  EXPECT_DOUBLE_EQ(histogram.sum(), 0.0025);
}

TEST(HistogramTest, RefusesBoundsThatDoNotAscend) {
  EXPECT_DEATH(Histogram({2, 1}), "must ascend");
  EXPECT_DEATH(Histogram({1, 1}), "must ascend");
}

TEST(MetricRegistryTest, WritesEverySeriesInOrder) {
  MetricRegistry registry;
  registry.AddCounter(Drops("truncated")).Add(3);
  registry.AddCounter(Drops("epoch")).Add(1);
  registry.AddGauge({.name = "strata_members", .help = "Members of the view."}).Set(5);
  Histogram& latency =
      registry.AddHistogram({.name = "strata_latency_seconds", .help = "Time to commit."}, {1, 2});
  latency.Observe(1.5);
  latency.Observe(8);
  EXPECT_EQ(registry.Text(),
            "# HELP strata_latency_seconds Time to commit.\n"
            "# TYPE strata_latency_seconds histogram\n"
            "strata_latency_seconds_count 2\n"
            "strata_latency_seconds_sum 9.5\n"
            "strata_latency_seconds_bucket{le=\"1\"} 0\n"
            "strata_latency_seconds_bucket{le=\"2\"} 1\n"
            "strata_latency_seconds_bucket{le=\"+Inf\"} 2\n"
            "# HELP strata_members Members of the view.\n"
            "# TYPE strata_members gauge\n"
            "strata_members 5\n"
            "# HELP strata_wire_drops_total Packets dropped.\n"
            "# TYPE strata_wire_drops_total counter\n"
            "strata_wire_drops_total{reason=\"epoch\"} 1\n"
            "strata_wire_drops_total{reason=\"truncated\"} 3\n");
}

TEST(MetricRegistryTest, SamplesEverySeriesWithItsNumber) {
  MetricRegistry registry;
  registry.AddCounter(Drops("epoch")).Add(2);
  registry.AddHistogram({.name = "strata_a_seconds", .help = "A.", .number = 9}, {1}).Observe(5);
  const std::vector<MetricSample> samples = registry.Samples();
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0].number, 9u);
  EXPECT_EQ(samples[0].kind, MetricKind::kHistogram);
  EXPECT_EQ(samples[0].value, 1);
  EXPECT_EQ(samples[1].number, 7u);
  EXPECT_EQ(samples[1].name, "strata_wire_drops_total");
  EXPECT_EQ(samples[1].labels, (MetricLabels{{"reason", "epoch"}}));
  EXPECT_EQ(samples[1].value, 2);
}

TEST(MetricRegistryDeathTest, RefusesASecondDeclarationOfASeries) {
  MetricRegistry registry;
  registry.AddCounter(Drops("epoch"));
  EXPECT_DEATH(registry.AddCounter(Drops("epoch")),
               "metric strata_wire_drops_total is declared twice");
}

TEST(MetricRegistryDeathTest, RefusesOneNameInTwoWays) {
  MetricRegistry registry;
  registry.AddCounter(Drops("epoch"));
  const auto with = [](auto change) {
    MetricInfo info = Drops("other reason");
    change(info);
    return info;
  };
  constexpr char kMessage[] = "metric strata_wire_drops_total is declared in two ways";
  EXPECT_DEATH(registry.AddCounter(with([](MetricInfo& i) { i.help = "Else."; })), kMessage);
  EXPECT_DEATH(registry.AddCounter(with([](MetricInfo& i) { i.number = 8; })), kMessage);
  EXPECT_DEATH(registry.AddCounter(with([](MetricInfo& i) { i.labels = {}; })), kMessage);
  EXPECT_DEATH(registry.AddCounter(with([](MetricInfo& i) {
    i.labels = {{"why", "x"}};
  })),
               kMessage);
}

TEST(MetricRegistryDeathTest, RefusesOneNumberForTwoNames) {
  MetricRegistry registry;
  registry.AddCounter(Drops("epoch"));
  EXPECT_DEATH(registry.AddGauge({.name = "strata_x", .help = "X.", .number = 7}),
               "metrics strata_wire_drops_total and strata_x share the number 7");
}

TEST(MetricRegistryDeathTest, RefusesBadNames) {
  MetricRegistry registry;
  for (const char* name : {"", "1_total", "a-b_total", "a b_total", "caf\xc3\xa9_total"}) {
    EXPECT_DEATH(registry.AddCounter({.name = name, .help = "X."}), "metric name");
  }
  EXPECT_DEATH(registry.AddCounter({.name = "strata_x", .help = "X."}), "end in _total");
  EXPECT_DEATH(registry.AddGauge({.name = "strata_x_total", .help = "X."}), "end in _total");
  EXPECT_DEATH(registry.AddGauge({.name = "strata_x", .help = ""}), "has no help");
  EXPECT_DEATH(registry.AddGauge({.name = "strata_x", .help = "X.", .labels = {{"a-b", ""}}}),
               "label \"a-b\"");
}

TEST(MetricRegistryTest, SharesOneSeriesAmongThoseBeyondTheLimit) {
  MetricRegistry registry;
  for (size_t i = 0; i < kSeriesPerMetricMax; ++i) registry.AddCounter(Drops(std::to_string(i)));
  Counter& first = registry.AddCounter(Drops("late"));
  Counter& second = registry.AddCounter(Drops("later"));
  EXPECT_EQ(&first, &second);
  first.Add(4);
  EXPECT_EQ(registry.Samples().size(), kSeriesPerMetricMax + 1);
  EXPECT_NE(registry.Text().find("{reason=\"other\"} 4\n"), std::string::npos);
}

TEST(MetricRegistryTest, IsUsedByManyThreadsAtOnce) {
  MetricRegistry registry;
  Counter& counter = registry.AddCounter(Drops("epoch"));
  Gauge& gauge = registry.AddGauge({.name = "strata_members", .help = "Members."});
  Histogram& histogram = registry.AddHistogram({.name = "strata_a", .help = "A."}, {0.5});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      registry.AddCounter(Drops("thread " + std::to_string(t)));
      for (int i = 0; i < 10000; ++i) {
        counter.Add();
        gauge.Add(1);
        histogram.Observe(1);
        if (i % 1000 == 0) registry.Text();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 40000u);
  EXPECT_EQ(gauge.value(), 40000);
  EXPECT_EQ(histogram.count(1), 40000u);
  EXPECT_EQ(histogram.sum(), 40000);
}

}  // namespace
}  // namespace strata
