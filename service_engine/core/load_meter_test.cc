#include "service_engine/core/load_meter.h"

#include <gtest/gtest.h>

namespace strata::engine {
namespace {

using std::chrono::seconds;

LoadSample SampleAt(int second) {
  LoadSample sample;
  sample.at = Timestamp::FromNanos(0) + seconds(second);
  return sample;
}

TEST(LoadMeterTest, TheFirstSampleSaysNothing) {
  LoadMeter meter;
  EXPECT_EQ(meter.Take(SampleAt(1)), std::nullopt);
}

TEST(LoadMeterTest, TurnsCountsIntoRates) {
  LoadMeter meter;
  LoadSample sample = SampleAt(1);
  sample.bytes_in = 1000;
  sample.bytes_out = 5000;
  sample.cpu_busy = 100;
  sample.cpu_total = 1000;
  meter.Take(sample);
  sample.at += seconds(2);
  sample.bytes_in += 250;
  sample.bytes_out += 1'000'000;
  sample.cpu_busy += 50;
  sample.cpu_total += 400;
  sample.storage_used = 7;
  sample.active_requests = 3;
  const auto load = meter.Take(sample);
  ASSERT_TRUE(load.has_value());
  EXPECT_EQ(load->sequence, 1u);
  EXPECT_EQ(load->bandwidth_in, 1000u);
  EXPECT_EQ(load->bandwidth_out, 4'000'000u);
  EXPECT_DOUBLE_EQ(load->cpu, 0.125);
  EXPECT_EQ(load->storage_used, 7u);
  EXPECT_EQ(load->active_requests, 3u);
}

TEST(LoadMeterTest, ACountThatStartsAnewIsNoLoad) {
  LoadMeter meter;
  LoadSample sample = SampleAt(1);
  sample.bytes_out = 1'000'000;
  sample.cpu_busy = sample.cpu_total = 50;
  meter.Take(sample);
  const auto load = meter.Take(SampleAt(2));
  EXPECT_EQ(load->bandwidth_out, 0u);
  EXPECT_EQ(load->cpu, 0);
}

TEST(LoadMeterTest, NumbersStartAnewWithARegistration) {
  LoadMeter meter;
  meter.Take(SampleAt(1));
  meter.Take(SampleAt(2));
  EXPECT_EQ(meter.Take(SampleAt(3))->sequence, 2u);
  meter.Restart();
  EXPECT_EQ(meter.Take(SampleAt(4))->sequence, 1u);
}

TEST(LoadMeterTest, ParametersFitIntoAReport) {
  LoadMeter meter;
  meter.Take(SampleAt(1));
  LoadSample sample = SampleAt(2);
  for (int i = 0; i < 50; ++i) sample.parameters["p" + std::to_string(100 + i)] = 0.5;
  sample.parameters[std::string(33, 'x')] = 1;
  sample.parameters["a"] = -3;
  const auto load = meter.Take(sample);
  EXPECT_EQ(load->parameters.size(), farm::kMaxParameters);
  EXPECT_EQ(load->parameters.at("a"), 0);
}

}  // namespace
}  // namespace strata::engine
