#include "common/system_random.h"

#include <gtest/gtest.h>

#include <set>

namespace strata {
namespace {

TEST(SystemRandomTest, NeverRepeatsAWord) {
  SystemRandom random;
  SystemRandom other;
  std::set<uint64_t> words;
  // Two objects, several blocks each; two equal words of 2000 would be a chance of 10^-13.
  for (int i = 0; i < 1000; ++i) {
    words.insert(random.Next());
    words.insert(other.Next());
  }
  EXPECT_EQ(words.size(), 2000u);
}

TEST(SystemRandomTest, SetsEachBitAboutHalfTheTime) {
  SystemRandom random;
  std::array<int, 64> set{};
  for (int i = 0; i < 10000; ++i) {
    const uint64_t word = random.Next();
    for (size_t bit = 0; bit < set.size(); ++bit) set[bit] += static_cast<int>(word >> bit & 1);
  }
  for (const int count : set) EXPECT_NEAR(count, 5000, 400);  // Eight standard deviations.
}

}  // namespace
}  // namespace strata
