#include "tests/simulation/send_checker.h"

#include <gtest/gtest.h>

#include "tests/simulation/branch_book.h"
#include "tests/simulation/checker_case.h"

namespace strata::simulation {
namespace {

using multicast::MemberId;
using multicast::MemberStatus;

using SendCheckerTest = CheckerCase;

TEST_F(SendCheckerTest, ALostCommittedSendIsCaught) {
  BranchBook branches;
  SendChecker checker(stage_, branches);
  SentMessage& a = Send(1, 10);
  a.outcome = Outcome::kCommitted;
  a.commit_number = 2;
  checker.OnSendDone(m(1), a, {});
  checker.OnEnd(m(2));
  EXPECT_TRUE(Caught("committed-lost"));
}

TEST_F(SendCheckerTest, ASendCommittedUnderAnotherNumberIsCaught) {
  BranchBook branches;
  SendChecker checker(stage_, branches);
  SentMessage& a = Send(1, 10);
  a.outcome = Outcome::kCommitted;
  a.commit_number = 2;
  ShowViews(branches);
  checker.OnSendDone(m(1), a, {});
  Deliver(1, a, 3, 1, {&checker});
  m(1).current = MakeView(2, 4, {1, 2});
  branches.OnViewChanged(m(1), m(1).current, MemberStatus::kFull);
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("committed-number"));
}

TEST_F(SendCheckerTest, AnAbortedSendThatSomebodyDeliveredIsCaught) {
  BranchBook branches;
  SendChecker checker(stage_, branches);
  SentMessage& a = Send(1, 10);
  a.outcome = Outcome::kAborted;
  checker.OnSendDone(m(1), a, {});
  Deliver(3, a, 2, 1, {&checker});
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("aborted-delivered"));
}

TEST_F(SendCheckerTest, UnknownAtAMemberThatKeepsItsViewIsCaught) {
  BranchBook branches;
  SendChecker checker(stage_, branches);
  SentMessage& a = Send(1, 10);
  a.outcome = Outcome::kUnknown;
  checker.OnSendDone(m(1), a, {});
  checker.OnLeft(m(1), false);
  checker.OnTurnEnd(m(1));
  EXPECT_TRUE(Silent());
  checker.OnSendDone(m(1), a, {});
  checker.OnTurnEnd(m(1));
  EXPECT_TRUE(Caught("unknown"));
}

TEST_F(SendCheckerTest, AReplyThatNobodyGaveIsCaught) {
  BranchBook branches;
  SendChecker checker(stage_, branches);
  SentMessage& a = Send(1, 10);
  a.outcome = Outcome::kCommitted;
  checker.OnReplied(m(2), 10, 77);
  checker.OnSendDone(m(1), a, {{MemberId(2), 77}});
  EXPECT_TRUE(Silent());
  checker.OnSendDone(m(1), a, {{MemberId(2), 78}});
  EXPECT_TRUE(Caught("reply"));
}

}  // namespace
}  // namespace strata::simulation
