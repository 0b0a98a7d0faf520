#include "tests/simulation/order_checker.h"

#include <gtest/gtest.h>

#include "tests/simulation/branch_book.h"
#include "tests/simulation/checker_case.h"

namespace strata::simulation {
namespace {

using multicast::MemberId;
using multicast::MemberStatus;
using multicast::PacketType;

using OrderCheckerTest = CheckerCase;

TEST_F(OrderCheckerTest, TheSameOrderEverywhereIsFine) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  const SentMessage a = Send(1, 10);
  const SentMessage b = Send(2, 11);
  for (uint32_t id = 1; id <= 3; ++id) {
    Deliver(id, a, 2, 1, {&checker});
    Deliver(id, b, 2, 1, {&checker});
  }
  checker.OnEnd(m(1));
  EXPECT_TRUE(Silent());
}

TEST_F(OrderCheckerTest, AMessageDeliveredTwiceIsCaught) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  const SentMessage a = Send(1, 10);
  Deliver(1, a, 2, 1, {&checker});
  Deliver(1, a, 3, 1, {&checker});
  EXPECT_TRUE(Caught("once"));
}

TEST_F(OrderCheckerTest, WrongBytesAreCaught) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  SentMessage a = Send(1, 10);
  a.hash ^= 1;
  Deliver(1, a, 2, 1, {&checker});
  EXPECT_TRUE(Caught("content"));
}

TEST_F(OrderCheckerTest, AStreamOutOfOrderIsCaught) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  const SentMessage a = Send(1, 10);
  const SentMessage b = Send(1, 11);
  Deliver(1, b, 2, 2, {&checker});
  Deliver(1, a, 3, 1, {&checker});
  EXPECT_TRUE(Caught("fifo"));
}

TEST_F(OrderCheckerTest, AnotherOrderInsideACommitIsCaught) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  const SentMessage a = Send(1, 10);
  const SentMessage b = Send(2, 11);
  Deliver(1, b, 2, 1, {&checker});
  Deliver(1, a, 2, 1, {&checker});
  EXPECT_TRUE(Caught("order"));
}

TEST_F(OrderCheckerTest, AnotherOrderAtOneMemberIsCaught) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  const SentMessage a = Send(1, 10);
  const SentMessage b = Send(2, 11);
  Deliver(1, a, 2, 1, {&checker});
  Deliver(1, b, 3, 1, {&checker});
  Deliver(2, b, 2, 1, {&checker});
  Deliver(2, a, 3, 1, {&checker});
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("total-order"));
}

// Member 1, the SM, commits a and b one after the other, and dies unheard; the survivors flush both
// in one commit.
TEST_F(OrderCheckerTest, AnSmThatDiesAloneMayHaveGroupedOtherwise) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  ShowViews(branches);
  const SentMessage a = Send(1, 10);
  const SentMessage b = Send(2, 11);
  Deliver(1, a, 2, 1, {&checker});
  Deliver(1, b, 3, 1, {&checker});
  for (uint32_t id = 2; id <= 3; ++id) {
    Deliver(id, a, 2, 1, {&checker});
    Deliver(id, b, 2, 1, {&checker});
    m(id).current = MakeView(2, 3, {2, 3});
    branches.OnViewChanged(m(id), m(id).current, MemberStatus::kFull);
  }
  checker.OnEnd(m(2));
  EXPECT_TRUE(Silent());
}

TEST_F(OrderCheckerTest, WhatAnSmDeliveredAloneMustNotBeLost) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  ShowViews(branches);
  Deliver(1, Send(1, 10), 2, 1, {&checker});
  m(2).current = MakeView(2, 3, {2, 3});
  branches.OnViewChanged(m(2), m(2).current, MemberStatus::kFull);
  checker.OnEnd(m(2));
  EXPECT_TRUE(Caught("lost"));
}

// A survivor knew log record 3: there the order is fixed.
TEST_F(OrderCheckerTest, WhatASurvivorHadHeardMustNotBeGroupedOtherwise) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  ShowViews(branches);
  const SentMessage a = Send(1, 10);
  const SentMessage b = Send(2, 11);
  Deliver(1, a, 2, 1, {&checker});
  Deliver(1, b, 3, 1, {&checker});
  multicast::Propose propose{.ballot = {2, MemberId(2)}, .log_seen = 3};
  branches.OnTransmit(m(2), *Encoded(m(2), PacketType::kPropose, propose), Sent::kGroup);
  Deliver(2, a, 2, 1, {&checker});
  Deliver(2, b, 2, 1, {&checker});
  m(2).current = MakeView(2, 3, {2, 3});
  branches.OnViewChanged(m(2), m(2).current, MemberStatus::kFull);
  checker.OnEnd(m(2));
  EXPECT_TRUE(Caught("total-order"));
}

}  // namespace
}  // namespace strata::simulation
