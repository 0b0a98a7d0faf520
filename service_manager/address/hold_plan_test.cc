#include "service_manager/address/hold_plan.h"

#include <gtest/gtest.h>

#include <vector>

namespace strata::manager::address {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Change = HoldPlan::Change;

class HoldPlanTest : public ::testing::Test {
 protected:
  HoldPlan::Step Next(bool leads, Duration later = milliseconds(50)) {
    return Next(leads ? Claim::kLeads : Claim::kNone, later);
  }
  HoldPlan::Step Next(Claim claim, Duration later = milliseconds(50)) {
    now_ += later;
    return plan_.Next(claim, now_);
  }

  HoldPlan plan_{seconds(1)};
  Timestamp now_ = Timestamp::FromNanos(1'000'000'000'000);
};

TEST_F(HoldPlanTest, DoesNothingWhileItMayNotHold) {
  EXPECT_EQ(Next(false).change, Change::kNone);
  EXPECT_FALSE(plan_.held());
}

TEST_F(HoldPlanTest, TakesAndAnnouncesAtOnce) {
  const HoldPlan::Step step = Next(true);
  EXPECT_EQ(step.change, Change::kTake);
  EXPECT_TRUE(step.announce);
  EXPECT_TRUE(plan_.held());
}

TEST_F(HoldPlanTest, RenewsWellWithinTheLifetime) {
  Next(true);
  EXPECT_EQ(Next(true, milliseconds(150)).change, Change::kNone);
  EXPECT_EQ(Next(true, milliseconds(50)).change, Change::kRenew);
  EXPECT_EQ(Next(true, milliseconds(50)).change, Change::kNone);
}

TEST_F(HoldPlanTest, DropsAtOnceAndOnce) {
  Next(true);
  EXPECT_EQ(Next(false).change, Change::kDrop);
  EXPECT_EQ(Next(false).change, Change::kNone);
}

TEST_F(HoldPlanTest, WhoLostThemWithoutAWordEndsConnectionsUntilItHearsWhoLeads) {
  EXPECT_EQ(Next(Claim::kLeads).welcome, Welcome::kOpen);
  EXPECT_EQ(Next(Claim::kNone).welcome, Welcome::kLast);
  EXPECT_EQ(Next(Claim::kNone, seconds(5)).welcome, Welcome::kLast);
  EXPECT_EQ(Next(Claim::kYields).welcome, Welcome::kOpen);
}

TEST_F(HoldPlanTest, AnnouncesOftenFirstThenSeldom) {
  int first = 0;
  for (int i = 0; i < 50; ++i) first += Next(true).announce ? 1 : 0;  // 2.5 s
  EXPECT_EQ(first, 25);
  int later = 0;
  for (int i = 0; i < 20 * 120; ++i) later += Next(true).announce ? 1 : 0;  // 2 minutes
  EXPECT_GE(later, 10);
  EXPECT_LE(later, 20);
}

TEST_F(HoldPlanTest, TakesAnewWhatItRenewsTooLate) {
  Next(true);
  const HoldPlan::Step step = Next(true, seconds(1));
  EXPECT_EQ(step.change, Change::kRetake);
  EXPECT_TRUE(step.announce);
}

TEST_F(HoldPlanTest, YieldsWithoutCuttingAConnection) {
  Next(true);
  std::vector<Welcome> welcomes;
  HoldPlan::Step step;
  for (int i = 0; i < 5; ++i) {
    step = Next(Claim::kYields);
    EXPECT_EQ(step.change, Change::kNone);
    EXPECT_FALSE(step.announce);
    welcomes.push_back(step.welcome);
  }
  EXPECT_EQ(welcomes, (std::vector<Welcome>{Welcome::kLast, Welcome::kLast, Welcome::kLast,
                                            Welcome::kNone, Welcome::kNone}));
  step = Next(Claim::kYields);
  EXPECT_EQ(step.change, Change::kDrop);
  EXPECT_EQ(step.welcome, Welcome::kOpen);
  EXPECT_EQ(Next(Claim::kYields).change, Change::kNone);
}

TEST_F(HoldPlanTest, WaitsForWhoYields) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Next(Claim::kLeadsBehind).change, Change::kNone);
  EXPECT_EQ(Next(Claim::kLeadsBehind).change, Change::kTake);
  EXPECT_LT(kTakeAfter, kDropAfter) << "somebody has them all the time";
  EXPECT_GT(kTakeAfter, kCloseFor);
}

TEST_F(HoldPlanTest, WaitsForNobodyWhoIsGone) {
  Next(Claim::kLeadsBehind);
  EXPECT_EQ(Next(Claim::kLeads).change, Change::kTake);
}

TEST_F(HoldPlanTest, WhoYieldedAndLeadsAgainGoesOn) {
  Next(true);
  EXPECT_EQ(Next(Claim::kYields).welcome, Welcome::kLast);
  const HoldPlan::Step step = Next(Claim::kLeadsBehind, milliseconds(200));
  EXPECT_EQ(step.welcome, Welcome::kOpen);
  EXPECT_EQ(step.change, Change::kRenew);
}

TEST_F(HoldPlanTest, TriesAgainWhatFailed) {
  Next(true);
  plan_.Failed();
  EXPECT_FALSE(plan_.held());
  EXPECT_EQ(Next(true).change, Change::kTake);
  EXPECT_EQ(Next(false).change, Change::kDrop);
  plan_.Failed();
  EXPECT_EQ(Next(false).change, Change::kDrop);
}

TEST_F(HoldPlanTest, RemovesWhatATakeThatFailedMayHaveLeft) {
  Next(true);
  plan_.Failed();
  EXPECT_EQ(Next(false).change, Change::kDrop);
}

}  // namespace
}  // namespace strata::manager::address
