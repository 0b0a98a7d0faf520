#include "common/ascii.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

TEST(AsciiTest, LowersLettersOnly) {
  EXPECT_EQ(ToLower("AbZ-[@`{1\xc4"), "abz-[@`{1\xc4");
  EXPECT_EQ(ToLower('Q'), 'q');
}

TEST(AsciiTest, ComparesWithoutCase) {
  EXPECT_TRUE(EqualIgnoringCase("Cache-Control", "cACHE-cONTROL"));
  EXPECT_FALSE(EqualIgnoringCase("Cache", "Cache-Control"));
  EXPECT_FALSE(EqualIgnoringCase("[", "{"));  // One bit apart, as letters are.
}

}  // namespace
}  // namespace strata
