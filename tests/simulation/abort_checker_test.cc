#include "tests/simulation/abort_checker.h"

#include <gtest/gtest.h>

#include "tests/simulation/branch_book.h"
#include "tests/simulation/checker_case.h"

namespace strata::simulation {
namespace {

using AbortCheckerTest = CheckerCase;

TEST_F(AbortCheckerTest, ADeliveryAfterACompletedAbortIsCaught) {
  BranchBook branches;
  AbortChecker checker(stage_, branches);
  ShowViews(checker);
  checker.OnTransmit(m(1), *ClosedAbort(2, 1), Sent::kGroup);
  checker.OnDeliver(m(3), DeliveryOf(Send(1, 10), 3, 2));
  checker.OnEnd(m(1));
  EXPECT_TRUE(Silent());
  checker.OnDeliver(m(3), DeliveryOf(Send(1, 11), 3, 1));
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("abort"));
}

}  // namespace
}  // namespace strata::simulation
