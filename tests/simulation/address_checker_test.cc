#include "tests/simulation/address_checker.h"

#include <gtest/gtest.h>

#include "tests/simulation/checker_case.h"

namespace strata::simulation {
namespace {

using AddressCheckerTest = CheckerCase;

TEST_F(AddressCheckerTest, AnAckOrRequestByUnicastIsCaught) {
  AddressChecker checker(stage_);
  checker.OnTransmit(m(2), *AckOf(2, 4), Sent::kAcks);
  EXPECT_TRUE(Silent());
  checker.OnTransmit(m(2), *AckOf(2, 4), Sent::kUnicast);
  EXPECT_TRUE(Caught("address"));
}

}  // namespace
}  // namespace strata::simulation
