#include "common/number.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace strata {
namespace {

TEST(NumberTest, TakesWholeTextsOnly) {
  EXPECT_EQ(ParseNumber<uint64_t>("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(ParseNumber<uint32_t>("007"), 7u);
  EXPECT_EQ(ParseNumber<int>("-3"), -3);
  for (const char* text : {"", " 1", "1 ", "+1", "1x", "0x1", "1.0", "-"}) {
    EXPECT_FALSE(ParseNumber<uint64_t>(text)) << text;
  }
}

TEST(NumberTest, RefusesWhatDoesNotFit) {
  EXPECT_FALSE(ParseNumber<uint8_t>("256"));
  EXPECT_FALSE(ParseNumber<uint8_t>("-1"));
  EXPECT_FALSE(ParseNumber<uint64_t>("18446744073709551616"));
}

TEST(NumberTest, TakesOtherBasesAndReals) {
  EXPECT_EQ(ParseNumber<uint32_t>("fF", 16), 255u);
  EXPECT_FALSE(ParseNumber<uint32_t>("8", 8));
  EXPECT_EQ(ParseNumber<double>("2.5"), 2.5);
  EXPECT_FALSE(ParseNumber<double>("2.5s"));
}

}  // namespace
}  // namespace strata
