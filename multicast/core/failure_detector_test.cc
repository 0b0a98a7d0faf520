#include "multicast/core/failure_detector.h"

#include <gtest/gtest.h>

#include "multicast/core/test_group.h"

namespace strata::multicast {
namespace {

using std::chrono::milliseconds;
using testing::kStart;
using testing::TestGroup;

constexpr Duration kTimeout = milliseconds(250);

TEST(FailureDetectorTest, SuspectsWhoWasSilentForLongerThanTheTimeout) {
  TestGroup group(0);
  const FailureDetector detector(*group);
  EXPECT_FALSE(detector.Suspects(1, kStart + kTimeout));
  EXPECT_TRUE(detector.Suspects(1, kStart + kTimeout + milliseconds(1)));
}

TEST(FailureDetectorTest, SuspectsNobodyWhoWasHeard) {
  TestGroup group(0);
  const FailureDetector detector(*group);
  group->peers[1]->last_heard = kStart + milliseconds(200);
  EXPECT_FALSE(detector.Suspects(1, kStart + milliseconds(400)));
  EXPECT_TRUE(detector.Suspects(2, kStart + milliseconds(400)));
  EXPECT_TRUE(detector.SuspectsAny(kStart + milliseconds(400)));
  EXPECT_FALSE(detector.SuspectsAny(kStart + milliseconds(200)));
}

TEST(FailureDetectorTest, NeverSuspectsItself) {
  TestGroup group(1);
  const FailureDetector detector(*group);
  EXPECT_FALSE(detector.Suspects(1, kStart + milliseconds(10'000)));
}

TEST(FailureDetectorTest, RenewalStartsAllSuspicionsAnew) {
  TestGroup group(0);
  FailureDetector detector(*group);
  const Timestamp late = kStart + milliseconds(10'000);
  detector.Renew(late);
  EXPECT_FALSE(detector.SuspectsAny(late + kTimeout));
  EXPECT_EQ(group->peers[2]->last_multicast, late);
  EXPECT_EQ(group->peers[2]->last_unicast, late);
}

TEST(FailureDetectorTest, TheFirstBackupTakesOverAsSoonAsItSuspectsTheSm) {
  TestGroup group(1);
  const FailureDetector detector(*group);
  EXPECT_EQ(detector.TakeOverAt(kStart), kStart + kTimeout);
}

// Managers 1, 2, 3, 4 in ranks 0 to 3; this is 4.
class StaggerTest : public ::testing::Test {
 protected:
  StaggerTest() : group_(3, 5) {
    for (Slot slot = 0; slot < 4; ++slot) group_->view.members[slot].role = Role::kManager;
  }
  TestGroup group_;
  FailureDetector detector_{*group_};
};

TEST_F(StaggerTest, LeavesTheManagersBeforeItTheFirstChance) {
  EXPECT_EQ(detector_.TakeOverAt(kStart), kStart + kTimeout + milliseconds(2 * 50));
}

TEST_F(StaggerTest, DoesNotWaitForManagersThatItSuspects) {
  const Timestamp now = kStart + milliseconds(300);
  group_->peers[2]->last_heard = now;
  EXPECT_EQ(detector_.TakeOverAt(now), kStart + kTimeout + milliseconds(50));
}

TEST_F(StaggerTest, DoesNotWaitForManagersThatAreLearners) {
  group_.SetStatus(1, MemberStatus::kLearner);
  EXPECT_EQ(detector_.TakeOverAt(kStart), kStart + kTimeout + milliseconds(50));
}

TEST_F(StaggerTest, CountsFromWhenTheSmWasLastHeard) {
  group_->peers[0]->last_heard = kStart + milliseconds(70);
  EXPECT_EQ(detector_.TakeOverAt(kStart), kStart + milliseconds(70 + 100) + kTimeout);
}

}  // namespace
}  // namespace strata::multicast
