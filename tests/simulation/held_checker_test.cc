#include "tests/simulation/held_checker.h"

#include <gtest/gtest.h>

#include "tests/simulation/checker_case.h"

namespace strata::simulation {
namespace {

using HeldCheckerTest = CheckerCase;

TEST_F(HeldCheckerTest, DeliveryWhileSomebodyLacksTheMessageIsCaught) {
  HeldChecker checker(stage_);
  const SentMessage& message = Send(1, 10);
  m(1).holds[{0, 0}] = m(2).holds[{0, 0}] = 1;
  m(3).runs = false;
  checker.OnDeliver(m(2), DeliveryOf(message, 2, 1));
  EXPECT_TRUE(Silent());
  m(3).runs = true;
  checker.OnDeliver(m(2), DeliveryOf(message, 2, 1));
  EXPECT_TRUE(Caught("held"));
}

TEST_F(HeldCheckerTest, AnAckForWhatIsNotHeldIsCaught) {
  HeldChecker checker(stage_);
  m(2).holds[{0, 0}] = 4;
  checker.OnTransmit(m(2), *AckOf(2, 4), Sent::kAcks);
  EXPECT_TRUE(Silent());
  checker.OnTransmit(m(2), *AckOf(2, 5), Sent::kAcks);
  EXPECT_TRUE(Caught("ack-held"));
}

}  // namespace
}  // namespace strata::simulation
