#include "multicast/wire/replay_window.h"

#include <gtest/gtest.h>

#include <set>

#include "common/random.h"

namespace strata::multicast {
namespace {

constexpr uint64_t kSize = ReplayWindow::kSize;

TEST(ReplayWindowTest, TakesEachCounterOnce) {
  ReplayWindow window;
  EXPECT_FALSE(window.IsNew(0));
  for (const uint64_t counter : {1, 5, 3, 2}) {
    EXPECT_TRUE(window.IsNew(counter));
    window.Mark(counter);
    EXPECT_FALSE(window.IsNew(counter));
  }
  EXPECT_TRUE(window.IsNew(4));
}

TEST(ReplayWindowTest, Reaches4096CountersBack) {
  ReplayWindow window;
  window.Mark(10000);
  EXPECT_TRUE(window.IsNew(10000 - kSize + 1));
  EXPECT_FALSE(window.IsNew(10000 - kSize));
  window.Mark(10001);
  EXPECT_FALSE(window.IsNew(10001 - kSize));
  EXPECT_FALSE(window.IsNew(10000));
}

TEST(ReplayWindowTest, ForgetsNothingInAJumpWithinTheWindow) {
  ReplayWindow window;
  window.Mark(100);
  window.Mark(100 + kSize - 1);
  EXPECT_FALSE(window.IsNew(100));
  EXPECT_TRUE(window.IsNew(101));
  window.Mark(101 + kSize);  // The counter that shares its bit with 101.
  EXPECT_TRUE(window.IsNew(102));
  EXPECT_FALSE(window.IsNew(101));
}

TEST(ReplayWindowTest, EndsAtTheLastCounterThereIs) {
  ReplayWindow window;
  window.Mark(1);
  EXPECT_TRUE(window.IsNew(UINT64_MAX));
  window.Mark(UINT64_MAX);
  EXPECT_FALSE(window.IsNew(UINT64_MAX));
  EXPECT_TRUE(window.IsNew(UINT64_MAX - 1));
  EXPECT_FALSE(window.IsNew(1));
}

// The same answers as a set of everything ever seen.
TEST(ReplayWindowTest, AnswersAsASetWould) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed);
    ReplayWindow window;
    std::set<uint64_t> seen;
    uint64_t highest = 0;
    for (int i = 0; i < 20000; ++i) {
      const uint64_t step = random.Chance(0.01) ? random.Below(3 * kSize) : random.Below(4);
      const uint64_t back = random.Chance(0.5) ? random.Below(kSize + kSize / 4) : 0;
      const uint64_t counter = back > highest ? step : highest + step - back;
      const bool below = counter == 0 || (counter < highest && highest - counter >= kSize);
      const bool expected = !below && !seen.contains(counter);
      ASSERT_EQ(window.IsNew(counter), expected) << "seed " << seed << ", counter " << counter;
      if (!expected) continue;
      window.Mark(counter);
      seen.insert(counter);
      highest = std::max(highest, counter);
    }
  }
}

}  // namespace
}  // namespace strata::multicast
