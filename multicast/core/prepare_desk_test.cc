#include "multicast/core/prepare_desk.h"

#include <gtest/gtest.h>

#include <string>

#include "multicast/core/test_group.h"

namespace strata::multicast {
namespace {

using std::chrono::milliseconds;
using testing::kStart;
using testing::TestGroup;

constexpr Timestamp kTimeout = kStart + std::chrono::seconds(2);

// Member 3 of three.
class PrepareDeskTest : public ::testing::Test {
 protected:
  PrepareDeskTest() { sender_.OnViewInstalled(true, kStart); }
  // Messages of one record with the prepare flag are here.
  void Prepare(Slot slot, Seq from, Seq to, uint8_t more_flags = 0) {
    group_.Hold(slot, 0, from, to, static_cast<uint8_t>(kPrepare | more_flags));
    PeerStream& side = group_.StreamOf(slot);
    if (side.first_prepare == 0) side.first_prepare = from;
    desk_.Examine(slot, 0, kStart);
  }
  std::vector<PrepareAction> Asked() { return group_.Actions<PrepareAction>(); }
  std::vector<Ranges> Refusals() { return group_.Sent(PacketType::kRefuse, DecodeRanges); }
  auto Accept(PrepareToken token, std::string_view reply = "") {
    return desk_.OnPrepared(token, true, 0, AsBytes(reply), kStart);
  }
  auto Refuse(PrepareToken token, uint16_t reason) {
    return desk_.OnPrepared(token, false, reason, {}, kStart);
  }

  TestGroup group_{2};
  Sender sender_{*group_};
  PrepareDesk desk_{*group_, sender_};
};

TEST_F(PrepareDeskTest, ShowsAWholeMessageToTheApplication) {
  Prepare(1, 1, 1);
  ASSERT_EQ(Asked().size(), 1u);
  EXPECT_EQ(Asked()[0].origin, MemberId(2));
  EXPECT_EQ(Asked()[0].stream, 0);
  EXPECT_EQ(Asked()[0].last_seq, 1u);
  EXPECT_EQ(AsText(Asked()[0].message), "message");
  EXPECT_EQ(group_->counters[Counter::kPreparesAsked], 1u);
}

TEST_F(PrepareDeskTest, ShowsAMessageOfSeveralRecordsInOnePiece) {
  PeerStream& side = group_.StreamOf(1);
  side.known = true;
  side.first_prepare = 1;
  Record record;
  record.seq = 1;
  record.flags = kInit | kPrepare;
  record.message_bytes = 5;
  record.payload = AsBytes("abc");
  side.records.Insert(record, 100, kStart);
  desk_.Examine(1, 0, kStart);
  EXPECT_TRUE(Asked().empty()) << "not whole yet";
  record = {0, kNoMore, 2, 0, AsBytes("de")};
  side.records.Insert(record, 100, kStart);
  desk_.Examine(1, 0, kStart);
  ASSERT_EQ(Asked().size(), 1u);
  EXPECT_EQ(AsText(Asked()[0].message), "abcde");
}

TEST_F(PrepareDeskTest, TheAckStopsBeforeTheMessageUntilTheAnswer) {
  Prepare(1, 1, 1);
  EXPECT_EQ(group_.StreamOf(1).ackable(), 0u);
  const auto answered = Accept(Asked()[0].token);
  EXPECT_TRUE(answered.taken);
  EXPECT_EQ(answered.slot, 1);
  EXPECT_EQ(answered.stream, 0);
  EXPECT_EQ(group_.StreamOf(1).ackable(), 1u);
}

TEST_F(PrepareDeskTest, AsksForEachMessageOnce) {
  Prepare(1, 1, 2);
  desk_.Examine(1, 0, kStart);
  EXPECT_EQ(Asked().size(), 2u);
  EXPECT_NE(Asked()[0].token, Asked()[1].token);
}

TEST_F(PrepareDeskTest, AMessageWithoutTheFlagIsNotShown) {
  Prepare(1, 1, 1);
  group_.Hold(1, 0, 2, 2);
  desk_.Examine(1, 0, kStart);
  EXPECT_EQ(Asked().size(), 1u);
}

TEST_F(PrepareDeskTest, AnAnswerCountsOnce) {
  Prepare(1, 1, 1);
  EXPECT_TRUE(Accept(Asked()[0].token).taken);
  EXPECT_FALSE(Accept(Asked()[0].token).taken);
  EXPECT_FALSE(Accept(0).taken);
  EXPECT_FALSE(Accept(12345).taken);
}

TEST_F(PrepareDeskTest, ARefusalIsToldToTheGroup) {
  Prepare(1, 1, 1);
  Refuse(Asked()[0].token, 300);
  ASSERT_EQ(Refusals().size(), 1u);
  EXPECT_EQ(Refusals()[0].ranges, (std::vector<Range>{{1, 0, 300, 1, 1}}));
  EXPECT_EQ(group_.StreamOf(1).ackable(), 0u);
  EXPECT_EQ(group_->counters[Counter::kPreparesRefused], 1u);
  EXPECT_EQ(desk_.TakeRefusals().size(), 1u);
  EXPECT_TRUE(desk_.TakeRefusals().empty());
}

TEST_F(PrepareDeskTest, ARefusalWithoutAReasonHasTheProtocols) {
  Prepare(1, 1, 1);
  Refuse(Asked()[0].token, 0);
  EXPECT_EQ(Refusals()[0].ranges[0].reason, kAbortRefused);
}

TEST_F(PrepareDeskTest, ARefusedMessageIsNotAcceptedAfterwards) {
  Prepare(1, 1, 1);
  Refuse(Asked()[0].token, 300);
  EXPECT_FALSE(Accept(Asked()[0].token).taken);
  EXPECT_EQ(group_.StreamOf(1).ackable(), 0u);
}

TEST_F(PrepareDeskTest, RepeatsTheRefusalUntilTheLogDecides) {
  Prepare(1, 1, 1);
  Refuse(Asked()[0].token, 300);
  const Timestamp due = desk_.deadline();
  EXPECT_LT(due, kStart + milliseconds(10));
  desk_.OnTimer(due);
  ASSERT_EQ(Refusals().size(), 2u);
  EXPECT_EQ(Refusals()[1].ranges[0].reason, 300);
  EXPECT_EQ(group_->counters[Counter::kPreparesRefused], 1u) << "counted once";
}

TEST_F(PrepareDeskTest, NoAnswerInTimeIsARefusal) {
  Prepare(1, 1, 1);
  EXPECT_EQ(desk_.deadline(), kTimeout);
  desk_.OnTimer(kTimeout - milliseconds(1));
  EXPECT_TRUE(Refusals().empty());
  desk_.OnTimer(kTimeout);
  ASSERT_EQ(Refusals().size(), 1u);
  EXPECT_EQ(Refusals()[0].ranges[0].reason, kAbortPrepareTimeout);
}

TEST_F(PrepareDeskTest, ATooLongReplyIsARefusal) {
  Prepare(1, 1, 1);
  Accept(Asked()[0].token, std::string(kMaxReplyBytes + 1, 'x'));
  EXPECT_EQ(Refusals().size(), 1u);
}

TEST_F(PrepareDeskTest, AReplyThatIsWantedGoesOutOnTheProtocolsStream) {
  Prepare(1, 1, 1, kReplies);
  Accept(Asked()[0].token, "yes");
  const Stream& replies = group_.StreamOf(2, kReplyStream).records;
  ASSERT_EQ(replies.held(), 1u);
  const ByteSpan reply = replies.RecordAt(1).payload;
  ASSERT_EQ(reply.size(), 28u + 3);
  EXPECT_EQ(reply[15], 2) << "the origin's incarnation";
  EXPECT_EQ(reply[27], 1) << "the message's last record";
  EXPECT_EQ(AsText(reply.subspan(28)), "yes");
}

TEST_F(PrepareDeskTest, AReplyThatNobodyWantsStaysHere) {
  Prepare(1, 1, 1);
  Accept(Asked()[0].token, "yes");
  EXPECT_EQ(group_.StreamOf(2, kReplyStream).records.held(), 0u);
}

TEST_F(PrepareDeskTest, WithoutStateTheApplicationIsAskedLater) {
  group_->synced = false;
  Prepare(1, 1, 1);
  EXPECT_TRUE(Asked().empty());
  EXPECT_EQ(group_.StreamOf(1).ackable(), 0u);
  desk_.OnTimer(kTimeout);
  EXPECT_TRUE(Refusals().empty()) << "who was not asked is not late";
  group_->synced = true;
  desk_.OnSynced(kTimeout);
  EXPECT_EQ(Asked().size(), 1u);
}

TEST_F(PrepareDeskTest, LearnersAreNotAsked) {
  group_.SetStatus(2, MemberStatus::kLearner);
  Prepare(1, 1, 1);
  EXPECT_TRUE(Asked().empty());
  EXPECT_EQ(group_.StreamOf(1).ackable(), 1u);
}

TEST_F(PrepareDeskTest, AFrozenMemberTellsItsRefusalInTheNextView) {
  Prepare(1, 1, 1);
  group_->frozen = true;
  Refuse(Asked()[0].token, 300);
  EXPECT_TRUE(Refusals().empty());
  group_->frozen = false;
  desk_.OnViewInstalled(kStart);
  desk_.OnTimer(kStart);
  ASSERT_EQ(Refusals().size(), 1u);
  EXPECT_EQ(Refusals()[0].ranges[0].reason, 300);
}

TEST_F(PrepareDeskTest, AnAbortedMessageIsNotShown) {
  PeerStream& side = group_.StreamOf(1);
  group_.Hold(1, 0, 1, 1, kPrepare);
  side.first_prepare = 1;
  side.records.MarkAborted(1, 1);
  desk_.Examine(1, 0, kStart);
  EXPECT_TRUE(Asked().empty());
}

}  // namespace
}  // namespace strata::multicast
