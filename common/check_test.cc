#include "common/check.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

TEST(CheckDeathTest, EndsTheProcessNamingPlaceAndCondition) {
  const int index = 7;
  EXPECT_DEATH(STRATA_CHECK(index < 5), "common/check_test.cc:[0-9]+: check failed: index < 5\n");
}

TEST(CheckDeathTest, AddsTheMessage) {
  const size_t index = 7;
  EXPECT_DEATH(STRATA_CHECK(index < 5, "index %zu of %s", index, "hosts"),
               "check failed: index < 5: index 7 of hosts\n");
}

TEST(CheckDeathTest, PrintsAPercentSignInTheConditionAsItIs) {
  const int n = 7;
  EXPECT_DEATH(STRATA_CHECK(n % 2 == 0), "check failed: n % 2 == 0\n");
}

TEST(CheckTest, EvaluatesTheConditionOnceAndGoesOn) {
  int evaluated = 0;
  STRATA_CHECK(++evaluated > 0, "evaluated %d times", evaluated);
  EXPECT_EQ(evaluated, 1);
}

TEST(CheckTest, IsOneStatement) {
  bool reached = false;
  if (reached)
    STRATA_CHECK(false);
  else
    reached = true;
  EXPECT_TRUE(reached);
}

}  // namespace
}  // namespace strata
