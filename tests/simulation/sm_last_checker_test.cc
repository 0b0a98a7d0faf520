#include "tests/simulation/sm_last_checker.h"

#include <gtest/gtest.h>

#include "tests/simulation/checker_case.h"

namespace strata::simulation {
namespace {

using multicast::PacketType;

using SmLastCheckerTest = CheckerCase;

TEST_F(SmLastCheckerTest, AnSmThatWaitsForAllAcksIsFine) {
  SmLastChecker checker(stage_);
  ShowViews(checker);
  checker.OnTransmit(m(1), *MakeData(m(1), 1), Sent::kGroup);
  checker.OnHanded(m(1), *AckOf(2, 1));
  checker.OnHanded(m(1), *AckOf(3, 1));
  checker.OnTransmit(m(1), *CommitOf(1, 2, 1), Sent::kGroup);
  EXPECT_TRUE(Silent());
}

TEST_F(SmLastCheckerTest, AnSmThatCommitsBeforeAnAckIsCaught) {
  SmLastChecker checker(stage_);
  ShowViews(checker);
  checker.OnTransmit(m(1), *MakeData(m(1), 1), Sent::kGroup);
  checker.OnHanded(m(1), *AckOf(2, 1));
  checker.OnTransmit(m(1), *CommitOf(1, 2, 1), Sent::kGroup);
  EXPECT_TRUE(Caught("sm-last"));
}

TEST_F(SmLastCheckerTest, AnSmThatSkipsALogNumberIsCaught) {
  SmLastChecker checker(stage_);
  ShowViews(checker);
  checker.OnTransmit(m(1), *ClosedAbort(4, 1), Sent::kGroup);
  EXPECT_TRUE(Caught("sm-last"));
}

TEST_F(SmLastCheckerTest, ACommitInTheMiddleOfAMessageIsCaught) {
  SmLastChecker checker(stage_);
  ShowViews(checker);
  checker.OnTransmit(m(1), *MakeData(m(1), 1, 0, 20, multicast::kInit), Sent::kGroup);
  checker.OnHanded(m(1), *AckOf(2, 1));
  checker.OnHanded(m(1), *AckOf(3, 1));
  checker.OnTransmit(m(1), *CommitOf(1, 2, 1), Sent::kGroup);
  EXPECT_TRUE(Caught("message-end"));
}

TEST_F(SmLastCheckerTest, AnAbortClosedBeforeAnAbortAckIsCaught) {
  SmLastChecker checker(stage_);
  ShowViews(checker);
  multicast::Ranges ranges{{{.slot = 0, .stream = 0, .reason = 1, .from = 1, .to = 1}}};
  checker.OnHanded(m(1), *Encoded(m(2), PacketType::kAbortAck, ranges));
  checker.OnTransmit(m(1), *ClosedAbort(2, 1), Sent::kGroup);
  EXPECT_TRUE(Caught("sm-last"));
}

TEST_F(SmLastCheckerTest, CommitsOfAnotherThanTheSmAreCaught) {
  SmLastChecker checker(stage_);
  ShowViews(checker);
  checker.OnTransmit(m(2), *CommitOf(2, 2, 1), Sent::kGroup);
  EXPECT_TRUE(Caught("sm-last"));
}

}  // namespace
}  // namespace strata::simulation
