#include "multicast/core/widen.h"

#include <gtest/gtest.h>

namespace strata::multicast {
namespace {

TEST(WidenTest, KeepsANumberThatDidNotChange) {
  EXPECT_EQ(Widen(0x1'2345'6789, 0x2345'6789), 0x1'2345'6789u);
}

TEST(WidenTest, TakesTheNearestNumberAhead) {
  EXPECT_EQ(Widen(100, 116), 116u);
  EXPECT_EQ(Widen(0x1'0000'0000, 0x7fff'ffff), 0x1'7fff'ffffu);
}

TEST(WidenTest, TakesTheNearestNumberBehind) {
  EXPECT_EQ(Widen(0x1'0000'0010, 0x0000'0001), 0x1'0000'0001u);
}

TEST(WidenTest, PassesFromOneRoundOfTheLowHalfToTheNext) {
  EXPECT_EQ(Widen(0xffff'fff0, 0x0000'0010), 0x1'0000'0010u);
  EXPECT_EQ(Widen(0x5'0000'0002, 0xffff'fffe), 0x4'ffff'fffeu);
}

// The twin: of all numbers with that low half, the nearest.
TEST(WidenTest, AgreesWithALookAtTheThreeCandidates) {
  for (const uint64_t known :
       {uint64_t{1} << 40, (uint64_t{1} << 40) + 0xffff'fffe, (uint64_t{7} << 32) + 0x8000'0000}) {
    for (uint64_t step = 0; step < 0x8000'0000; step += 0x0123'4567) {
      EXPECT_EQ(Widen(known, static_cast<uint32_t>(known + step)), known + step);
      if (step > 0) {
        EXPECT_EQ(Widen(known, static_cast<uint32_t>(known - step)), known - step);
      }
    }
  }
}

}  // namespace
}  // namespace strata::multicast
