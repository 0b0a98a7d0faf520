#include "multicast/core/rtt_estimator.h"

#include <gtest/gtest.h>

namespace strata::multicast {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr RttEstimator::Bounds kBounds = {milliseconds(1), microseconds(500), milliseconds(50)};

TEST(RttEstimatorTest, StartsWithTheInitialTimer) {
  const RttEstimator rtt(kBounds);
  EXPECT_EQ(rtt.repair_timer(), milliseconds(1));
  EXPECT_EQ(rtt.smoothed(), Duration::zero());
}

TEST(RttEstimatorTest, TakesTheFirstSampleWhole) {
  RttEstimator rtt(kBounds);
  rtt.Add(microseconds(800));
  EXPECT_EQ(rtt.smoothed(), microseconds(800));
  EXPECT_EQ(rtt.repair_timer(), microseconds(4 * 800 + 400));
}

TEST(RttEstimatorTest, SteadyRoundTripsMakeTheTimerFourOfThem) {
  RttEstimator rtt(kBounds);
  for (int i = 0; i < 200; ++i) rtt.Add(microseconds(500));
  EXPECT_EQ(rtt.smoothed(), microseconds(500));
  EXPECT_NEAR(Seconds(rtt.repair_timer()), 2e-3, 1e-6);
}

TEST(RttEstimatorTest, ASmallRoundTripStaysAboveTheMinimum) {
  RttEstimator rtt(kBounds);
  rtt.Add(microseconds(40));
  EXPECT_EQ(rtt.repair_timer(), microseconds(500));
}

TEST(RttEstimatorTest, ALongRoundTripStaysBelowTheMaximum) {
  RttEstimator rtt(kBounds);
  rtt.Add(milliseconds(400));
  EXPECT_EQ(rtt.repair_timer(), milliseconds(50));
}

TEST(RttEstimatorTest, OneOutlierMovesTheMeanByAnEighth) {
  RttEstimator rtt(kBounds);
  for (int i = 0; i < 200; ++i) rtt.Add(microseconds(500));
  rtt.Add(microseconds(1300));
  EXPECT_EQ(rtt.smoothed(), microseconds(600));
}

TEST(RttEstimatorTest, RestlessRoundTripsLengthenTheTimer) {
  RttEstimator steady(kBounds);
  RttEstimator restless(kBounds);
  for (int i = 0; i < 200; ++i) {
    steady.Add(microseconds(1000));
    restless.Add(microseconds(i % 2 == 0 ? 500 : 1500));
  }
  EXPECT_GT(restless.repair_timer(), steady.repair_timer() + microseconds(300));
}

TEST(RttEstimatorTest, FollowsAChange) {
  RttEstimator rtt(kBounds);
  for (int i = 0; i < 100; ++i) rtt.Add(microseconds(300));
  for (int i = 0; i < 100; ++i) rtt.Add(milliseconds(3));
  EXPECT_NEAR(Seconds(rtt.smoothed()), 3e-3, 1e-5);
}

TEST(RttEstimatorTest, ANegativeSampleCountsForNothing) {
  RttEstimator rtt(kBounds);
  rtt.Add(-microseconds(5));
  EXPECT_EQ(rtt.repair_timer(), milliseconds(1));
}

}  // namespace
}  // namespace strata::multicast
