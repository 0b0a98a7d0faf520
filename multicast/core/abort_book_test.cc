#include "multicast/core/abort_book.h"

#include <gtest/gtest.h>

#include "multicast/core/test_group.h"

namespace strata::multicast {
namespace {

using testing::kStart;
using testing::TestGroup;

constexpr Range kRange = {1, 0, kAbortedBySender, 3, 3};

// A member of three; slot 1 sent records 1 to 5, which are here.
class AbortBookTest : public ::testing::Test {
 protected:
  explicit AbortBookTest(Slot self = 2) : group_(self) { group_.Hold(1, 0, 1, 5); }

  std::vector<Ranges> Sent(PacketType type) {
    book_.EndTurn(kStart);
    return group_.Sent(type, DecodeRanges);
  }

  TestGroup group_;
  AbortBook book_{*group_};
};

// ---- A member.

TEST_F(AbortBookTest, FreezesTheAckPositionBeforeTheMessage) {
  EXPECT_EQ(group_.StreamOf(1).ackable(), 5u);
  book_.OnAbort(1, {{kRange}}, kStart);
  EXPECT_EQ(group_.StreamOf(1).ackable(), 2u);
}

TEST_F(AbortBookTest, AcknowledgesTheAbort) {
  book_.OnAbort(1, {{kRange}}, kStart);
  const auto acks = Sent(PacketType::kAbortAck);
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0].ranges, (std::vector<Range>{kRange}));
}

TEST_F(AbortBookTest, AcknowledgesAgainWhenItHearsTheAbortAgain) {
  book_.OnAbort(1, {{kRange}}, kStart);
  Sent(PacketType::kAbortAck);
  group_.Clear();
  EXPECT_TRUE(Sent(PacketType::kAbortAck).empty());
  book_.OnAbort(1, {{kRange}}, kStart);
  EXPECT_EQ(Sent(PacketType::kAbortAck).size(), 1u);
  EXPECT_EQ(group_.StreamOf(1).gates.size(), 1u);
}

TEST_F(AbortBookTest, KeepsTheRecordsUntilTheAbortIsClosed) {
  book_.OnAbort(1, {{kRange}}, kStart);
  EXPECT_EQ(group_.StreamOf(1).records.Find(3)->state, Stream::State::kPresent);
}

TEST_F(AbortBookTest, OnlyTheOwnerOrTheSmAborts) {
  TestGroup group(2, 4);
  AbortBook book(*group);
  group.Hold(1, 0, 1, 5);
  book.OnAbort(3, {{kRange}}, kStart);
  EXPECT_EQ(group.StreamOf(1).ackable(), 5u);
  EXPECT_EQ(group->counters[Counter::kNotExpected], 1u);
  book.OnAbort(0, {{kRange}}, kStart);
  EXPECT_EQ(group.StreamOf(1).ackable(), 2u);
}

TEST_F(AbortBookTest, AcknowledgedMessagesStayAcknowledgedWhenTheOwnerAborts) {
  group_.StreamOf(1).acked = 3;
  book_.OnAbort(1, {{kRange}}, kStart);
  EXPECT_EQ(group_.StreamOf(1).ackable(), 5u);
  EXPECT_TRUE(Sent(PacketType::kAbortAck).empty()) << "a view change may still commit it";
}

TEST_F(AbortBookTest, TheSmsAbortFreezesEvenWhatIsAcknowledged) {
  group_.StreamOf(1).acked = 3;
  book_.OnAbort(0, {{kRange}}, kStart);
  EXPECT_EQ(group_.StreamOf(1).ackable(), 2u);
  EXPECT_EQ(Sent(PacketType::kAbortAck).size(), 1u);
}

TEST_F(AbortBookTest, ACommittedMessageIsNotFrozen) {
  group_.StreamOf(1).records.Deliver(3, [](Seq, Seq, bool) {});
  book_.OnAbort(1, {{kRange}}, kStart);
  EXPECT_TRUE(group_.StreamOf(1).gates.empty());
  EXPECT_TRUE(Sent(PacketType::kAbortAck).empty()) << "the log is the answer";
}

TEST_F(AbortBookTest, ImplausibleRangesChangeNothing) {
  const Range no_member = {9, 0, 1, 3, 3};
  const Range own_stream_of_protocol = {1, kReplyStream, 1, 3, 3};
  const Range far = {1, 0, 1, uint64_t{1} << 40, uint64_t{1} << 40};
  const Range long_one = {1, 0, 1, 3, 30'000};
  book_.OnAbort(0, {{no_member, own_stream_of_protocol, far, long_one}}, kStart);
  EXPECT_EQ(group_->counters[Counter::kNotExpected], 4u);
  EXPECT_EQ(group_.StreamOf(1).ackable(), 5u);
}

TEST_F(AbortBookTest, ReceivedStreamsHaveNoAborts) {
  group_.Hold(1, 4, 1, 5, kReceived);
  book_.OnAbort(1, {{{1, 4, 1, 3, 3}}}, kStart);
  EXPECT_EQ(group_.StreamOf(1, 4).ackable(), 5u);
}

TEST_F(AbortBookTest, AnAbortOfAPreparingMessageEndsItsPreparation) {
  Gate gate;
  gate.from = gate.last = 3;
  gate.token = 17;
  group_.StreamOf(1).AddGate(gate);
  book_.OnAbort(1, {{kRange}}, kStart);
  ASSERT_EQ(group_.StreamOf(1).gates.size(), 1u);
  EXPECT_EQ(group_.StreamOf(1).gates[0].kind, Gate::Kind::kFrozen);
  EXPECT_EQ(group_.StreamOf(1).gates[0].token, 0u);
}

TEST_F(AbortBookTest, OneStreamHasABoundedNumberOfFrozenMessages) {
  group_.Hold(1, 0, 6, 400);
  for (Seq seq = 1; seq <= 400; ++seq) book_.OnAbort(1, {{{1, 0, 1, seq, seq}}}, kStart);
  EXPECT_EQ(group_.StreamOf(1).gates.size(), 256u);
  size_t acknowledged = 0;
  for (const Ranges& acks : Sent(PacketType::kAbortAck)) acknowledged += acks.ranges.size();
  EXPECT_EQ(acknowledged, 256u) << "what is not frozen is not acknowledged";
}

TEST_F(AbortBookTest, AFrozenMemberAcknowledgesNoAbort) {
  book_.OnAbort(1, {{kRange}}, kStart);
  group_->frozen = true;
  EXPECT_TRUE(Sent(PacketType::kAbortAck).empty());
}

TEST_F(AbortBookTest, TheSmsAbortOfAnOwnMessageIsAdopted) {
  group_.Hold(2, 0, 1, 1);
  group_.StreamOf(2).sent = 1;
  book_.OnAbort(0, {{{2, 0, kAbortRefused, 1, 1}}}, kStart);
  EXPECT_EQ(book_.TakeAdopted(), (std::vector<Range>{{2, 0, kAbortRefused, 1, 1}}));
  EXPECT_TRUE(book_.TakeAdopted().empty());
}

// ---- The SM.

class SmAbortBookTest : public AbortBookTest {
 protected:
  SmAbortBookTest() : AbortBookTest(0) {}
};

TEST_F(SmAbortBookTest, ClosesOnceEveryOtherFullMemberFroze) {
  book_.OnAbort(1, {{kRange}}, kStart);
  book_.OnAbortAck(2, {{kRange}});
  EXPECT_TRUE(book_.TakeClosed().empty()) << "the owner may be one of those who do not freeze";
  book_.OnAbortAck(1, {{kRange}});
  EXPECT_EQ(book_.TakeClosed(), (std::vector<Range>{kRange}));
  EXPECT_TRUE(book_.TakeClosed().empty()) << "once";
}

TEST_F(SmAbortBookTest, AnAcknowledgementOfAnotherMessageDoesNotCount) {
  book_.OnAbort(1, {{kRange}}, kStart);
  book_.OnAbortAck(2, {{{1, 0, 1, 4, 4}}});
  EXPECT_TRUE(book_.TakeClosed().empty());
}

TEST_F(SmAbortBookTest, DoesNotWaitForLearners) {
  group_.SetStatus(2, MemberStatus::kLearner);
  book_.OnAbort(1, {{kRange}}, kStart);
  book_.OnAbortAck(1, {{kRange}});
  EXPECT_EQ(book_.TakeClosed().size(), 1u);
}

TEST_F(SmAbortBookTest, SaysTheOwnersAbortItselfToWhoDidNotAcknowledgeIt) {
  book_.OnAbort(1, {{kRange}}, kStart);
  EXPECT_TRUE(Sent(PacketType::kAbort).empty()) << "most do at the first word";
  book_.EndTurn(book_.deadline());
  const auto aborts = group_.Sent(PacketType::kAbort, DecodeRanges);
  ASSERT_EQ(aborts.size(), 1u);
  EXPECT_EQ(aborts[0].ranges, (std::vector<Range>{kRange}));
}

TEST_F(SmAbortBookTest, NeverCommitsWhatItIsAborting) {
  book_.OnAbort(1, {{kRange}}, kStart);
  EXPECT_EQ(group_.StreamOf(1).ackable(), 2u);
}

TEST_F(SmAbortBookTest, WhatItHadCommittedIsNotAborted) {
  group_.StreamOf(1).records.Deliver(3, [](Seq, Seq, bool) {});
  book_.OnAbort(1, {{kRange}}, kStart);
  book_.OnAbortAck(2, {{kRange}});
  EXPECT_TRUE(book_.TakeClosed().empty());
}

TEST_F(SmAbortBookTest, ARefusalBecomesAnAbortOfItsOwn) {
  const Range refused = {1, 0, 300, 3, 3};
  book_.OnRefuse(2, refused, kStart);
  const auto aborts = Sent(PacketType::kAbort);
  ASSERT_EQ(aborts.size(), 1u);
  EXPECT_EQ(aborts[0].ranges, (std::vector<Range>{refused}));
  book_.OnAbortAck(1, {{refused}});
  book_.OnAbortAck(2, {{refused}});
  EXPECT_EQ(book_.TakeClosed(), (std::vector<Range>{refused}));
}

TEST_F(SmAbortBookTest, RepeatsItsAbortUntilItIsClosed) {
  const Range refused = {1, 0, 300, 3, 3};
  book_.OnRefuse(2, refused, kStart);
  Sent(PacketType::kAbort);
  const Timestamp due = book_.deadline();
  EXPECT_GT(due, kStart);
  group_.Clear();
  book_.EndTurn(due);
  EXPECT_EQ(group_.Sent(PacketType::kAbort, DecodeRanges).size(), 1u);
  book_.OnApplied(refused);
  EXPECT_EQ(book_.deadline(), Timestamp::Never());
}

TEST_F(SmAbortBookTest, TheFirstReasonStands) {
  book_.OnRefuse(2, {1, 0, 300, 3, 3}, kStart);
  book_.OnRefuse(1, {1, 0, 301, 3, 3}, kStart);
  book_.OnAbortAck(1, {{kRange}});
  book_.OnAbortAck(2, {{kRange}});
  const auto closed = book_.TakeClosed();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].reason, 300);
}

TEST_F(SmAbortBookTest, LearnersCannotRefuse) {
  group_.SetStatus(2, MemberStatus::kLearner);
  book_.OnRefuse(2, {1, 0, 300, 3, 3}, kStart);
  EXPECT_EQ(group_.StreamOf(1).ackable(), 5u);
}

TEST_F(SmAbortBookTest, AFrozenSmClosesNothing) {
  book_.OnAbort(1, {{kRange}}, kStart);
  book_.OnAbortAck(2, {{kRange}});
  group_->frozen = true;
  EXPECT_TRUE(book_.TakeClosed().empty());
}

TEST_F(SmAbortBookTest, ItsOwnAbortNeedsTheOthers) {
  group_.Hold(0, 0, 1, 1);
  const Range own = {0, 0, kAbortedBySender, 1, 1};
  book_.OnOwnAborts({own});
  book_.OnAbortAck(1, {{own}});
  EXPECT_TRUE(book_.TakeClosed().empty());
  book_.OnAbortAck(2, {{own}});
  EXPECT_EQ(book_.TakeClosed(), (std::vector<Range>{own}));
}

TEST_F(SmAbortBookTest, ClosesAgainWhatIsAheadOfWhoJoined) {
  book_.Remember(*group_->peers[1], kRange);
  book_.OnJoined();
  EXPECT_EQ(book_.TakeClosed(), (std::vector<Range>{kRange}));
  group_.StreamOf(1).records.Deliver(3, [](Seq, Seq, bool) {});
  book_.OnJoined();
  EXPECT_TRUE(book_.TakeClosed().empty()) << "it starts behind the message";
}

TEST_F(AbortBookTest, OthersCloseNothing) {
  book_.OnAbort(1, {{kRange}}, kStart);
  book_.OnAbortAck(0, {{kRange}});
  book_.OnAbortAck(1, {{kRange}});
  EXPECT_TRUE(book_.TakeClosed().empty());
}

TEST_F(AbortBookTest, OwnMessagesThatAreOutAreNotFrozenByTheOwnersAbort) {
  group_.Hold(2, 0, 1, 2);
  group_.StreamOf(2).sent = 1;
  book_.OnOwnAborts({{2, 0, 1, 1, 1}, {2, 0, 1, 2, 2}});
  ASSERT_EQ(group_.StreamOf(2).gates.size(), 1u) << "the SM may have committed what was sent";
  EXPECT_EQ(group_.StreamOf(2).gates[0].last, 2u);
  const auto acks = Sent(PacketType::kAbortAck);
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0].ranges, (std::vector<Range>{{2, 0, 1, 2, 2}}));
}

}  // namespace
}  // namespace strata::multicast
