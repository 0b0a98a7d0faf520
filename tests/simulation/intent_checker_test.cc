#include "tests/simulation/intent_checker.h"

#include <gtest/gtest.h>

#include "tests/simulation/checker_case.h"

namespace strata::simulation {
namespace {

using multicast::MemberStatus;

using IntentCheckerTest = CheckerCase;

TEST_F(IntentCheckerTest, SeesALeaderThatLacksWhatWasAcknowledged) {
  IntentChecker checker(stage_);
  checker.OnLeads(m(1), 1, {});
  checker.OnAcknowledged(m(1), 7);
  checker.OnLeads(m(2), 2, {7, 8});
  EXPECT_TRUE(Silent());
  checker.OnLeads(m(3), 3, {8});
  EXPECT_TRUE(Caught("intent"));
}

TEST_F(IntentCheckerTest, SeesTwoWhoLeadInOneTerm) {
  IntentChecker checker(stage_);
  checker.OnLeads(m(1), 1, {});
  checker.OnLeads(m(1), 1, {});
  EXPECT_TRUE(Silent());
  checker.OnLeads(m(2), 1, {});
  EXPECT_TRUE(Caught("one-leader"));
}

TEST_F(IntentCheckerTest, SeesWhoIsFullAndWasNeverReady) {
  IntentChecker checker(stage_);
  checker.OnViewChanged(m(1), m(1).current, MemberStatus::kFull);  // The founder.
  checker.OnViewChanged(m(2), m(2).current, MemberStatus::kLearner);
  checker.OnReady(m(2));
  checker.OnViewChanged(m(2), m(2).current, MemberStatus::kFull);
  EXPECT_TRUE(Silent());
  checker.OnViewChanged(m(3), m(3).current, MemberStatus::kFull);
  EXPECT_TRUE(Caught("ready"));
}

}  // namespace
}  // namespace strata::simulation
