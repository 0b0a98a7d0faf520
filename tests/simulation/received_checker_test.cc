#include "tests/simulation/received_checker.h"

#include <gtest/gtest.h>

#include "tests/simulation/branch_book.h"
#include "tests/simulation/checker_case.h"

namespace strata::simulation {
namespace {

using ReceivedCheckerTest = CheckerCase;

TEST_F(ReceivedCheckerTest, AGapInReceivedDeliveryIsCaught) {
  BranchBook branches;
  ReceivedChecker checker(stage_, branches);
  const SentMessage a = Send(1, 10, true);
  Send(1, 11, true);
  const SentMessage c = Send(1, 12, true);
  Deliver(2, a, 0, 1, {&checker});
  Deliver(2, c, 0, 3, {&checker});
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("received-gap"));
}

TEST_F(ReceivedCheckerTest, ReceivedDeliveryOutOfOrderIsCaught) {
  BranchBook branches;
  ReceivedChecker checker(stage_, branches);
  const SentMessage a = Send(1, 10, true);
  const SentMessage b = Send(1, 11, true);
  Deliver(2, b, 0, 2, {&checker});
  Deliver(2, a, 0, 1, {&checker});
  EXPECT_TRUE(Caught("received-fifo"));
}

TEST_F(ReceivedCheckerTest, AReceivedSendThatAMemberNeverTookIsCaught) {
  BranchBook branches;
  ReceivedChecker checker(stage_, branches);
  SentMessage& a = Send(1, 10, true);
  checker.OnSent(m(1), a);
  a.outcome = Outcome::kReceived;
  Deliver(1, a, 0, 1, {&checker});
  Deliver(2, a, 0, 1, {&checker});
  checker.OnSendDone(m(1), a, {});
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("received-lost"));
}

}  // namespace
}  // namespace strata::simulation
