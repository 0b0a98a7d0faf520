#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "multicast/core/sender.h"
#include "multicast/core/test_group.h"
#include "multicast/core/test_sender.h"

// How sends end: by commits, coverage, replies, aborts, evictions (sender_outcomes.cc).
namespace strata::multicast {
namespace {

using std::chrono::milliseconds;
using testing::kStart;
using testing::SenderTest;

// ---- Ends.

TEST_F(SenderTest, ACommitEndsTheSend) {
  const SendId id = Send("x");
  End();
  Commit(1, 77);
  ASSERT_EQ(Done().size(), 1u);
  EXPECT_EQ(Done()[0].id, id);
  EXPECT_EQ(Done()[0].outcome, SendOutcome::kCommitted);
  EXPECT_EQ(Done()[0].commit_number, 77u);
}

TEST_F(SenderTest, ACommitEndsOnlyWhatItCovers) {
  Send("x");
  Send("y");
  End();
  Commit(1);
  EXPECT_EQ(Done().size(), 1u);
}

TEST_F(SenderTest, AReceivedSendEndsWhenItIsCovered) {
  Send("x", {.received = true});
  End();
  sender_.OnCovered(0, 1, kStart);
  ASSERT_EQ(Done().size(), 1u);
  EXPECT_EQ(Done()[0].outcome, SendOutcome::kReceived);
}

TEST_F(SenderTest, AnAbortEndsTheSendWithItsReason) {
  const SendId id = Send("x");
  sender_.OnAborted({2, 0, 300, 1, 1});
  ASSERT_EQ(Done().size(), 1u);
  EXPECT_EQ(Done()[0].id, id);
  EXPECT_EQ(Done()[0].outcome, SendOutcome::kAborted);
  EXPECT_EQ(Done()[0].reason, 300);
}

TEST_F(SenderTest, AnEvictedMemberDoesNotKnowWhatBecameOfItsSends) {
  Send("x");
  Send("y", {}, 2);
  sender_.EndAll();
  ASSERT_EQ(Done().size(), 2u);
  EXPECT_EQ(Done()[0].outcome, SendOutcome::kUnknown);
  EXPECT_EQ(Done()[1].outcome, SendOutcome::kUnknown);
  EXPECT_EQ(sender_.outstanding(), 0u);
}

// ---- Replies.

class RepliesTest : public SenderTest {
 protected:
  RepliesTest() {
    id_ = Send("ask", {.prepare = true, .replies = true});
    End();
  }
  // To this member's message, or that of another incarnation.
  void Reply(uint32_t from, std::string_view text, uint8_t last = 1, uint8_t incarnation = 3) {
    Bytes message(16, incarnation);
    message.insert(message.end(), {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last});
    message.insert(message.end(), text.begin(), text.end());
    sender_.OnReply(MemberId(from), message, kStart);
  }
  SendId id_;
};

TEST_F(RepliesTest, TheSendEndsWithTheLastReply) {
  Commit(1, 5);
  Reply(1, "a");
  Reply(3, "c");
  EXPECT_TRUE(Done().empty());
  Reply(2, "b");
  ASSERT_EQ(Done().size(), 1u);
  EXPECT_EQ(Done()[0].outcome, SendOutcome::kCommitted);
  EXPECT_EQ(Done()[0].commit_number, 5u);
  ASSERT_EQ(Done()[0].replies.size(), 3u);
  EXPECT_EQ(Done()[0].replies[1].member, MemberId(3));
  EXPECT_EQ(AsText(Done()[0].replies[1].bytes), "c");
}

TEST_F(RepliesTest, RepliesMayComeBeforeTheCommit) {
  for (uint32_t id : {1, 2, 3}) Reply(id, "yes");
  EXPECT_TRUE(Done().empty());
  Commit(1);
  ASSERT_EQ(Done().size(), 1u);
  EXPECT_EQ(Done()[0].replies.size(), 3u);
}

TEST_F(RepliesTest, AMemberRepliesOnce) {
  Commit(1);
  Reply(1, "a");
  Reply(1, "again");
  Reply(2, "b");
  EXPECT_TRUE(Done().empty());
  Reply(3, "c");
  EXPECT_EQ(Done()[0].replies.size(), 3u);
}

TEST_F(RepliesTest, AReplyToAnotherMessageDoesNotCount) {
  Commit(1);
  for (uint32_t id : {1, 2, 3}) Reply(id, "yes", 9);
  EXPECT_TRUE(Done().empty());
}

TEST_F(RepliesTest, AReplyToAnEarlierIncarnationDoesNotCount) {
  Commit(1);
  for (uint32_t id : {1, 2, 3}) Reply(id, "yes", 1, 77);
  EXPECT_TRUE(Done().empty()) << "its messages had the same numbers";
}

TEST_F(RepliesTest, NobodyWaitsForAMemberThatIsGone) {
  Commit(1);
  Reply(1, "a");
  Reply(3, "c");
  sender_.OnMemberGone(MemberId(2), kStart);
  ASSERT_EQ(Done().size(), 1u);
  EXPECT_EQ(Done()[0].replies.size(), 2u);
}

TEST_F(RepliesTest, EndsWithoutTheMissingAfterTheReplyTimeout) {
  Commit(1);
  Reply(1, "a");
  sender_.OnTimer(kStart + group_->settings.reply_timeout - milliseconds(1));
  EXPECT_TRUE(Done().empty());
  sender_.OnTimer(kStart + group_->settings.reply_timeout);
  ASSERT_EQ(Done().size(), 1u);
  EXPECT_EQ(Done()[0].outcome, SendOutcome::kCommitted);
  EXPECT_EQ(Done()[0].replies.size(), 1u);
}

// ---- Aborting.

TEST_F(SenderTest, SaysAbortOfAWholeMessageAndRepeatsIt) {
  const SendId id = Send(std::string(3000, 'x'));
  End();
  EXPECT_TRUE(sender_.Abort(id, 0, kStart));
  group_.Clear();
  sender_.EndTurn(kStart);
  auto aborts = group_.Sent(PacketType::kAbort, DecodeRanges);
  ASSERT_EQ(aborts.size(), 1u);
  EXPECT_EQ(aborts[0].ranges, (std::vector<Range>{{2, 0, kAbortedBySender, 1, 3}}));
  EXPECT_EQ(sender_.TakeSaidAborts(), aborts[0].ranges);
  group_.Clear();
  sender_.EndTurn(kStart + group_->rtt.repair_timer() * 2);
  EXPECT_EQ(group_.Sent(PacketType::kAbort, DecodeRanges).size(), 1u);
}

TEST_F(SenderTest, AbortsWithTheApplicationsReason) {
  const SendId id = Send("x");
  sender_.Abort(id, 300, kStart);
  sender_.EndTurn(kStart);
  EXPECT_EQ(group_.Sent(PacketType::kAbort, DecodeRanges)[0].ranges[0].reason, 300);
}

TEST_F(SenderTest, WhatHasEndedIsNotAborted) {
  const SendId id = Send("x");
  End();
  Commit(1);
  EXPECT_FALSE(sender_.Abort(id, 0, kStart));
  EXPECT_FALSE(sender_.Abort(99, 0, kStart));
}

TEST_F(SenderTest, AReceivedSendIsNotAborted) {
  EXPECT_FALSE(sender_.Abort(Send("x", {.received = true}), 0, kStart));
}

TEST_F(SenderTest, AFrozenMemberSaysNoAbortUntilTheNextView) {
  const SendId id = Send("x");
  End();
  group_->frozen = true;
  sender_.Abort(id, 0, kStart);
  End();
  EXPECT_TRUE(group_.Sent().empty());
  group_->frozen = false;
  sender_.OnViewInstalled(false, kStart);
  group_.Clear();
  sender_.EndTurn(kStart);
  EXPECT_EQ(group_.Sent(PacketType::kAbort, DecodeRanges).size(), 1u);
}

TEST_F(SenderTest, AnAbortThatTheSmBeganIsRepeatedByTheOwner) {
  Send("x");
  End();
  sender_.AdoptAbort({2, 0, 300, 1, 1}, kStart);
  group_.Clear();
  sender_.EndTurn(kStart + milliseconds(10));
  const auto aborts = group_.Sent(PacketType::kAbort, DecodeRanges);
  ASSERT_EQ(aborts.size(), 1u);
  EXPECT_EQ(aborts[0].ranges[0].reason, 300);
}

TEST_F(SenderTest, AnEvictedTargetAbortsWhatWantedAll) {
  Send("some");
  Send("all", {.all_of = true});
  End();
  sender_.AbortAllOf(kStart);
  group_.Clear();
  sender_.EndTurn(kStart);
  EXPECT_EQ(group_.Sent(PacketType::kAbort, DecodeRanges)[0].ranges,
            (std::vector<Range>{{2, 0, kAbortTargetEvicted, 2, 2}}));
}

}  // namespace
}  // namespace strata::multicast
