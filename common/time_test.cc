#include "common/time.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals have no other way in.

TEST(TimestampTest, StartsAtTheZeroOfItsClock) {
  EXPECT_EQ(Timestamp().nanos(), 0);
  EXPECT_EQ(Timestamp(), Timestamp::FromNanos(0));
}

TEST(TimestampTest, MovesByADurationAndMeasuresTheWayBack) {
  Timestamp t = Timestamp::FromNanos(1'000);
  t += 5us;
  EXPECT_EQ(t.nanos(), 6'000);
  t -= 2us;
  EXPECT_EQ(t.nanos(), 4'000);
  EXPECT_EQ((t + 1ms) - t, 1ms);
  EXPECT_EQ(t - (t + 1ms), -1ms);
  EXPECT_EQ(1ms + t, t + 1ms);
}

TEST(TimestampTest, OrdersByInstantWithNeverLast) {
  EXPECT_LT(Timestamp::FromNanos(-1), Timestamp());
  EXPECT_LT(Timestamp(), Timestamp::FromNanos(1));
  EXPECT_LT(Timestamp::FromNanos(INT64_MAX - 1), Timestamp::Never());
}

TEST(TimestampTest, NeverStaysNeverWhateverIsAddedOrTaken) {
  for (const Duration d : {Duration(1), Duration(-1), Duration::max(), Duration::min()}) {
    EXPECT_EQ(Timestamp::Never() + d, Timestamp::Never());
    EXPECT_EQ(Timestamp::Never() - d, Timestamp::Never());
  }
}

TEST(TimestampTest, SaturatesInsteadOfWrapping) {
  EXPECT_EQ(Timestamp::FromNanos(1) + Duration::max(), Timestamp::Never());
  EXPECT_EQ(Timestamp::FromNanos(1) - Duration::min(), Timestamp::Never());
  EXPECT_EQ(Timestamp::FromNanos(-2) + Duration::min(), Timestamp::FromNanos(INT64_MIN));
  EXPECT_EQ(Timestamp::FromNanos(-2) - Duration::max(), Timestamp::FromNanos(INT64_MIN));
}

TEST(TimestampTest, MeasuresNeverAsInfinitelyFar) {
  EXPECT_EQ(Timestamp::Never() - Timestamp::FromNanos(INT64_MAX - 1), Duration::max());
  EXPECT_EQ(Timestamp() - Timestamp::Never(), Duration::min());
  EXPECT_EQ(Timestamp::Never() - Timestamp::Never(), 0ns);
  EXPECT_EQ(Timestamp::FromNanos(5) - Timestamp::FromNanos(INT64_MIN), Duration::max());
  EXPECT_EQ(Timestamp::FromNanos(INT64_MIN) - Timestamp::FromNanos(5), Duration::min());
}

TEST(TimestampTest, CountsAtCompileTime) {
  static_assert(Timestamp() + 1s == Timestamp::FromNanos(1'000'000'000));
  static_assert(Timestamp::Never() + 1s == Timestamp::Never());
  static_assert(sizeof(Timestamp) == 8);
}

TEST(DurationTest, ReadsAsSeconds) {
  EXPECT_DOUBLE_EQ(Seconds(1500ms), 1.5);
  EXPECT_DOUBLE_EQ(Seconds(-1us), -1e-6);
}

}  // namespace
}  // namespace strata
