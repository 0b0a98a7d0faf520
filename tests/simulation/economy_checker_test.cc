#include "tests/simulation/economy_checker.h"

#include <gtest/gtest.h>

#include "tests/simulation/checker_case.h"

namespace strata::simulation {
namespace {

using multicast::PacketType;

using EconomyCheckerTest = CheckerCase;

TEST_F(EconomyCheckerTest, TooManyRequestsAreCaught) {
  EconomyChecker checker(stage_);
  multicast::Resend resend;
  resend.requests = {{.slot = 0, .stream = 0, .count = 1, .from = 1}};
  for (int i = 0; i < 30; ++i) {
    checker.OnTransmit(m(2), *Encoded(m(2), PacketType::kResend, resend), Sent::kGroup);
  }
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("economy"));
}

TEST_F(EconomyCheckerTest, ARepairForEachReceiverIsTooMuch) {
  EconomyChecker checker(stage_);
  for (multicast::Seq seq = 1; seq <= 50; ++seq) {
    PacketPtr data = MakeData(m(1), seq, 0, 1000);
    checker.OnTransmit(m(1), *data, Sent::kGroup);
    checker.OnLost(m(2), *data);
    checker.OnLost(m(3), *data);
    for (int i = 0; i < 2; ++i) {
      checker.OnTransmit(m(1), *MakeData(m(1), seq, multicast::kRepair, 1000), Sent::kGroup);
    }
  }
  EXPECT_EQ(checker.economy().lost_bytes, 50'000u);
  EXPECT_EQ(checker.economy().repair_bytes, 100'000u);
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("economy"));
}

TEST_F(EconomyCheckerTest, ALostTailThatIsMissedLateIsCaught) {
  EconomyChecker checker(stage_);
  PacketPtr data = MakeData(m(1), 1);
  checker.OnTransmit(m(1), *data, Sent::kGroup);
  checker.OnLost(m(2), *data);
  queue_.RunOne(Timestamp::FromNanos(200'000'000));
  multicast::Resend resend;
  resend.requests = {{.slot = 0, .stream = 0, .count = 1, .from = 1}};
  checker.OnTransmit(m(2), *Encoded(m(2), PacketType::kResend, resend), Sent::kGroup);
  EXPECT_TRUE(Caught("tail"));
}

}  // namespace
}  // namespace strata::simulation
