#include "multicast/core/fan_out_watch.h"

#include <gtest/gtest.h>

#include "multicast/core/test_group.h"

namespace strata::multicast {
namespace {

using std::chrono::milliseconds;
using testing::kStart;
using testing::TestGroup;

// The SM of three, with fanout_after 1 s, fanout_heal 5 s, detection_timeout 250 ms.
class FanOutWatchTest : public ::testing::Test {
 protected:
  FanOutWatchTest() { watch_.Reset(kStart); }
  // Everybody is heard by unicast and, except `silent`, by multicast.
  void HearAll(Timestamp now, Slot silent = kNoSlot) {
    for (Slot slot = 1; slot < 3; ++slot) {
      group_->peers[slot]->last_unicast = now;
      if (slot != silent) group_->peers[slot]->last_multicast = now;
    }
  }
  TestGroup group_{0};
  FanOutWatch watch_{*group_};
};

TEST_F(FanOutWatchTest, FindsNothingWhereAllIsHeard) {
  HearAll(kStart + milliseconds(2000));
  EXPECT_EQ(watch_.Broken(kStart + milliseconds(2000)), kNoSlot);
}

TEST_F(FanOutWatchTest, FindsWhoIsHeardByUnicastOnly) {
  HearAll(kStart + milliseconds(1000), 2);
  EXPECT_EQ(watch_.Broken(kStart + milliseconds(1000)), kNoSlot) << "not for long enough";
  HearAll(kStart + milliseconds(1001), 2);
  EXPECT_EQ(watch_.Broken(kStart + milliseconds(1001)), 2);
}

TEST_F(FanOutWatchTest, WhoIsHeardByNothingIsDeadAndNotCutOff) {
  HearAll(kStart + milliseconds(100), 2);
  EXPECT_EQ(watch_.Broken(kStart + milliseconds(2000)), kNoSlot);
}

TEST_F(FanOutWatchTest, FindsWhoDoesNotHearTheSm) {
  watch_.OnHearsSm(1, false, kStart);
  HearAll(kStart + milliseconds(1001));
  EXPECT_EQ(watch_.Broken(kStart + milliseconds(1001)), 1);
}

TEST_F(FanOutWatchTest, DeafnessCountsFromItsFirstReport) {
  watch_.OnHearsSm(1, false, kStart);
  watch_.OnHearsSm(1, false, kStart + milliseconds(900));
  HearAll(kStart + milliseconds(1001));
  EXPECT_EQ(watch_.Broken(kStart + milliseconds(1001)), 1);
}

TEST_F(FanOutWatchTest, WhoHearsAgainIsWell) {
  watch_.OnHearsSm(1, false, kStart);
  watch_.OnHearsSm(1, true, kStart + milliseconds(500));
  HearAll(kStart + milliseconds(1500));
  EXPECT_EQ(watch_.Broken(kStart + milliseconds(1500)), kNoSlot);
}

TEST_F(FanOutWatchTest, IsHealedWhenAllHeardAllForLongEnough) {
  bool healed = false;
  for (int ms = 0; ms <= 5000; ms += 100) {
    HearAll(kStart + milliseconds(ms));
    healed = watch_.Healed(kStart + milliseconds(ms));
    EXPECT_FALSE(healed) << ms;
  }
  HearAll(kStart + milliseconds(5001));
  EXPECT_TRUE(watch_.Healed(kStart + milliseconds(5001)));
}

TEST_F(FanOutWatchTest, ADeafMemberStartsTheHealingAnew) {
  HearAll(kStart + milliseconds(4000));
  watch_.OnHearsSm(1, false, kStart + milliseconds(4000));
  EXPECT_FALSE(watch_.Healed(kStart + milliseconds(4000)));
  watch_.OnHearsSm(1, true, kStart + milliseconds(4100));
  HearAll(kStart + milliseconds(9000));
  EXPECT_FALSE(watch_.Healed(kStart + milliseconds(9000)));
  HearAll(kStart + milliseconds(9001));
  EXPECT_TRUE(watch_.Healed(kStart + milliseconds(9001)));
}

TEST_F(FanOutWatchTest, AMemberTellsWhetherItHearsTheSm) {
  TestGroup group(1);
  const FanOutWatch watch(*group);
  EXPECT_TRUE(watch.HearsSm(kStart + milliseconds(500)));
  EXPECT_FALSE(watch.HearsSm(kStart + milliseconds(501)));
  EXPECT_TRUE(watch_.HearsSm(kStart + milliseconds(9000))) << "the SM hears itself";
}

}  // namespace
}  // namespace strata::multicast
