#include "multicast/core/core.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "multicast/core/test_lan.h"

namespace strata::multicast {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST_F(CoreTest, FoundsAGroupOfOneAndCommitsAlone) {
  lan_.Add(1, Role::kManager, true);
  lan_.Run(milliseconds(10));
  ASSERT_EQ(lan_[1].core->status(), MemberStatus::kFull);
  const SendId id = lan_.Send(1, 0, "hello");
  lan_.Run(milliseconds(5));
  EXPECT_EQ(lan_[1].done[id].outcome, SendOutcome::kCommitted);
  EXPECT_EQ(lan_[1].state, "hello;");
}

TEST_F(CoreTest, JoinersBecomeFullMembers) { FormFour(); }

TEST_F(CoreTest, CommitsAMessageInThreeHops) {
  FormFour();
  const SendId id = lan_.Send(3, 0, "hello");
  lan_.Run(microseconds(200));
  ASSERT_TRUE(lan_[3].done.contains(id));
  EXPECT_EQ(lan_[3].done[id].outcome, SendOutcome::kCommitted);
  for (uint32_t member = 1; member <= 4; ++member) {
    EXPECT_EQ(lan_[member].state, "hello;") << "member " << member;
  }
}

TEST_F(CoreTest, OrdersMessagesOfSeveralSendersEqually) {
  FormFour();
  for (int i = 0; i < 50; ++i) {
    for (uint32_t member = 1; member <= 4; ++member) {
      lan_.Send(member, static_cast<StreamId>(i % 3), std::to_string(member * 1000 + i));
    }
  }
  lan_.Run(milliseconds(100));
  EXPECT_EQ(lan_[1].delivered.size(), 200u);
  for (uint32_t member = 2; member <= 4; ++member) {
    EXPECT_EQ(lan_[member].delivered, lan_[1].delivered);
  }
}

TEST_F(CoreTest, DeliversAMessageOfManyRecords) {
  FormFour();
  std::string large(3'000'000, 'x');
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 23);
  const SendId id = lan_.Send(2, 1, large);
  lan_.Run(milliseconds(500));
  ASSERT_TRUE(lan_[2].done.contains(id));
  ASSERT_EQ(lan_[4].delivered.size(), 1u);
  EXPECT_TRUE(lan_[4].delivered[0].text == large);
}

TEST_F(CoreTest, RepairsALostLastPacketWithinTwoMilliseconds) {
  FormFour();
  lan_.drop_data[4] = 1;
  const SendId id = lan_.Send(3, 0, "lost");
  lan_.Run(milliseconds(2));
  ASSERT_TRUE(lan_[3].done.contains(id));
  EXPECT_EQ(lan_[3].done[id].outcome, SendOutcome::kCommitted);
  ExpectEqualStates({1, 2, 3, 4});
}

TEST_F(CoreTest, AsksForNothingThatMayBeAmongWhatIsUnread) {
  FormFour();
  lan_.drop_data[4] = 1;
  lan_.Send(3, 0, "lost");
  lan_.Send(3, 0, "heard");
  lan_.Run(microseconds(300));
  Core& core = *lan_[4].core;
  core.EndTurn(lan_.now() + milliseconds(1), true);
  EXPECT_EQ(core.counters()[Counter::kResendsSent], 0u);
  core.EndTurn(lan_.now() + milliseconds(1), false);
  EXPECT_EQ(core.counters()[Counter::kResendsSent], 1u);
}

TEST_F(CoreTest, ReceivedDeliveryReachesEverybodyAndEnds) {
  FormFour();
  SendOptions options;
  options.received = true;
  const SendId id = lan_.Send(3, 2, "load", options);
  lan_.Run(milliseconds(60));
  EXPECT_EQ(lan_[3].done[id].outcome, SendOutcome::kReceived);
  for (uint32_t member = 1; member <= 4; ++member) {
    ASSERT_EQ(lan_[member].delivered.size(), 1u);
    EXPECT_EQ(lan_[member].delivered[0].number, 0u);
  }
}

TEST_F(CoreTest, PreparedMessageBringsEveryReply) {
  FormFour();
  SendOptions options;
  options.prepare = options.replies = true;
  const SendId id = lan_.Send(1, 0, "ask", options);
  lan_.Run(milliseconds(50));
  ASSERT_TRUE(lan_[1].done.contains(id));
  EXPECT_EQ(lan_[1].done[id].outcome, SendOutcome::kCommitted);
  EXPECT_EQ(lan_[1].done[id].replies.size(), 4u);
}

TEST_F(CoreTest, OneRefusalAbortsEverywhere) {
  FormFour();
  lan_[4].refuses = true;
  SendOptions options;
  options.prepare = true;
  const SendId refused = lan_.Send(3, 0, "refused", options);
  lan_.Run(milliseconds(50));
  const SendId after = lan_.Send(3, 0, "after");
  lan_.Run(milliseconds(50));
  ASSERT_TRUE(lan_[3].done.contains(refused));
  EXPECT_EQ(lan_[3].done[refused].outcome, SendOutcome::kAborted);
  EXPECT_EQ(lan_[3].done[refused].reason, 300);
  EXPECT_EQ(lan_[3].done[after].outcome, SendOutcome::kCommitted);
  for (uint32_t member = 1; member <= 4; ++member) EXPECT_EQ(lan_[member].state, "after;");
}

TEST_F(CoreTest, SenderAbortsWhatIsNotCommitted) {
  FormFour();
  lan_[4].holds_prepares = true;
  SendOptions options;
  options.prepare = true;
  const SendId id = lan_.Send(3, 0, "held", options);
  lan_.Run(milliseconds(5));
  EXPECT_TRUE(lan_[3].core->Abort(id, 0, lan_.now()));
  lan_.Turn(3);
  lan_.Run(milliseconds(20));
  ASSERT_TRUE(lan_[3].done.contains(id));
  EXPECT_EQ(lan_[3].done[id].outcome, SendOutcome::kAborted);
  ExpectEqualStates({1, 2, 3, 4});
  EXPECT_EQ(lan_[1].state, "");
}

// The SM had queued it while the view changed in which the fourth became full.
TEST_F(CoreTest, WhatWasNotSentYetIsReceivedOnlyWhenWhoBecameFullHasItToo) {
  lan_.Add(1, Role::kManager, true);
  lan_.Add(2, Role::kManager);
  lan_.Add(3, Role::kEngine);
  lan_.Run(milliseconds(1500));
  SendOptions options;
  options.received = true;
  lan_.Send(1, 2, "earlier", options);
  lan_.Run(milliseconds(100));
  lan_.Add(4, Role::kEngine);
  const auto is_promoted = [this] {
    const View& view = lan_[1].core->view();
    const Slot slot = view.SlotOf(MemberId(4));
    return slot != kNoSlot && view.members[slot].status == MemberStatus::kLearner &&
           lan_[4].core->synced() && lan_[1].core->frozen();
  };
  for (int i = 0; i < 100'000 && !is_promoted(); ++i) lan_.Run(microseconds(10));
  ASSERT_TRUE(is_promoted());
  const SendId id = lan_.Send(1, 2, "load", options);
  lan_.drop_data[4] = 3;
  for (int i = 0; i < 100'000 && !lan_[1].done.contains(id); ++i) lan_.Run(microseconds(10));
  ASSERT_TRUE(lan_[1].done.contains(id));
  EXPECT_EQ(lan_[4].core->status(), MemberStatus::kFull);
  EXPECT_EQ(lan_[4].delivered.size(), 1u);
}

TEST_F(CoreTest, SmIsGrantedCreditBeyondTheFirstLimit) {
  FormFour();
  constexpr size_t kMessages = 20000;  // More than a receiver's capacity of 16384 records.
  size_t sent = 0;
  for (int step = 0; step < 20000 && lan_[1].done.size() < kMessages; ++step) {
    while (sent < kMessages && std::holds_alternative<SendId>(
                                   lan_[1].core->Send(0, AsBytes("credit"), {}, lan_.now()))) {
      ++sent;
    }
    lan_.Turn(1);
    lan_.Run(microseconds(200));
  }
  EXPECT_EQ(lan_[1].done.size(), kMessages);
  ExpectEqualStates({1, 2, 3, 4});
}

TEST_F(CoreTest, ForeignDurableStateIsRefused) {
  SeededRandom random(1);
  SelfDescription self;
  self.id = MemberId(1);
  Core core({}, self, random);
  const Bytes garbage = {1, 2, 3};
  EXPECT_FALSE(core.Start(garbage, 0, Timestamp()).ok());
}

}  // namespace
}  // namespace strata::multicast
