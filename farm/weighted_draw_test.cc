#include "farm/weighted_draw.h"

#include <gtest/gtest.h>

#include <array>

#include "common/random.h"

namespace strata::farm {
namespace {

TEST(WeightedDrawTest, WhoHasNothingLeftStillCountsALittle) {
  EXPECT_DOUBLE_EQ(FreeShare(0), 1);
  EXPECT_DOUBLE_EQ(FreeShare(0.6), 0.4);
  EXPECT_DOUBLE_EQ(FreeShare(1), 0.01);
  EXPECT_DOUBLE_EQ(FreeShare(7), 0.01);
}

TEST(WeightedDrawTest, WeightsBecomeChancesThatTheDrawFallsInto) {
  std::array<double, 3> weights = {2, 1, 1};
  EXPECT_EQ(DrawByWeight(weights, 0), 0u);
  EXPECT_EQ(weights, (std::array<double, 3>{0.5, 0.25, 0.25}));
  EXPECT_EQ(DrawByWeight(weights, (uint64_t{1} << 63) - 1), 0u);
  EXPECT_EQ(DrawByWeight(weights, uint64_t{1} << 63), 1u);
  EXPECT_EQ(DrawByWeight(weights, uint64_t{3} << 62), 2u);
  EXPECT_EQ(DrawByWeight(weights, UINT64_MAX), 2u);
}

TEST(WeightedDrawTest, DrawsAsOftenAsTheChancesSay) {
  constexpr uint64_t kSeed = 7;
  constexpr int kDraws = 100'000;
  SCOPED_TRACE(kSeed);
  SeededRandom random(kSeed);
  std::array<int, 4> drawn{};
  for (int i = 0; i < kDraws; ++i) {
    std::array<double, 4> weights = {1, 2, 3, 4};
    ++drawn[DrawByWeight(weights, random.Next())];
  }
  for (size_t i = 0; i < drawn.size(); ++i) {
    EXPECT_NEAR(drawn[i], kDraws * 0.1 * static_cast<double>(i + 1), kDraws * 0.01);
  }
}

}  // namespace
}  // namespace strata::farm
