#include "common/near_miss.h"

#include <gtest/gtest.h>

#include <vector>

namespace strata {
namespace {

std::string_view Meant(std::string_view word) {
  static const std::vector<std::string> kKeys = {"multicast", "window", "tick", "min_delay",
                                                 "max_delay", "id",     "x_y_z"};
  return NearMiss(word, kKeys);
}

TEST(NearMissTest, FindsTheWordWithOneSlip) {
  EXPECT_EQ(Meant("multicats"), "multicast");  // Swapped.
  EXPECT_EQ(Meant("multcast"), "multicast");   // Left out.
  EXPECT_EQ(Meant("wwindow"), "window");       // Added.
  EXPECT_EQ(Meant("tikc"), "tick");            // Swapped, in a short word.
  EXPECT_EQ(Meant("tock"), "tick");            // Changed.
}

TEST(NearMissTest, IgnoresCaseAndDashes) {
  EXPECT_EQ(Meant("MULTICAST"), "multicast");
  EXPECT_EQ(Meant("min-delay"), "min_delay");
  EXPECT_EQ(Meant("minDelay"), "min_delay");
  EXPECT_EQ(Meant("X-Y-Z"), "x_y_z");
}

TEST(NearMissTest, PrefersTheNearestAndThenTheFirst) {
  EXPECT_EQ(Meant("man_delay"), "min_delay");
  EXPECT_EQ(Meant("maxx_delay"), "max_delay");
}

TEST(NearMissTest, SuggestsNothingFarFetched) {
  EXPECT_EQ(Meant("port"), "");
  EXPECT_EQ(Meant("multi"), "");
  EXPECT_EQ(Meant("x"), "");
  EXPECT_EQ(Meant("winabw"), "window");
  EXPECT_EQ(Meant("wiabcw"), "");
  EXPECT_EQ(NearMiss("b", std::vector<std::string>{"a"}), "");
  EXPECT_EQ(Meant(""), "");
  EXPECT_EQ(Meant(std::string(100000, 'w')), "");
  EXPECT_EQ(NearMiss("tick", {}), "");
}

}  // namespace
}  // namespace strata
