#include "multicast/core/log_applier.h"

#include <gtest/gtest.h>

#include "multicast/core/test_group.h"

namespace strata::multicast {
namespace {

using testing::kStart;
using testing::MakeView;
using testing::TestGroup;

LogRecord Advance(std::vector<Position> positions) {
  LogRecord record;
  record.positions = std::move(positions);
  return record;
}
LogRecord Aborted(const Range& range) {
  LogRecord record;
  record.kind = LogRecord::Kind::kAborted;
  record.ranges = {range};
  return record;
}

// Member 3 of three.
class LogApplierTest : public ::testing::Test {
 protected:
  explicit LogApplierTest(CoreSettings settings = {}) : group_(2, 3, std::move(settings)) {
    sender_.OnViewInstalled(true, kStart);
  }
  void End() {
    group_.Clear();
    applier_.EndTurn(kStart);
  }
  std::vector<DeliverAction> Delivered() { return group_.Actions<DeliverAction>(); }

  TestGroup group_;
  Sender sender_{*group_};
  Acknowledger acknowledger_{*group_};
  Requester requester_{*group_};
  AbortBook aborts_{*group_};
  LogApplier applier_{*group_, {sender_, acknowledger_, requester_, aborts_}};
};

TEST_F(LogApplierTest, DeliversWhatARecordCommits) {
  group_.Hold(1, 3, 1, 3);
  applier_.Enqueue(1, Advance({{1, 3, 2}}));
  End();
  ASSERT_EQ(Delivered().size(), 2u);
  EXPECT_EQ(Delivered()[0].origin, MemberId(2));
  EXPECT_EQ(Delivered()[0].stream, 3);
  EXPECT_EQ(Delivered()[0].last_seq, 1u);
  EXPECT_EQ(Delivered()[0].commit_number, 1u);
  EXPECT_EQ(AsText(Delivered()[0].message), "message");
  EXPECT_EQ(Delivered()[1].last_seq, 2u);
  EXPECT_EQ(applier_.applied(), 1u);
}

TEST_F(LogApplierTest, DeliversInTheOrderOfTheLogAndOfTheRecord) {
  group_.Hold(0, 0, 1, 1);
  group_.Hold(1, 0, 1, 2);
  applier_.Enqueue(1, Advance({{1, 0, 1}}));
  applier_.Enqueue(2, Advance({{0, 0, 1}, {1, 0, 2}}));
  End();
  ASSERT_EQ(Delivered().size(), 3u);
  EXPECT_EQ(Delivered()[0].origin, MemberId(2));
  EXPECT_EQ(Delivered()[1].origin, MemberId(1));
  EXPECT_EQ(Delivered()[2].origin, MemberId(2));
  EXPECT_EQ(Delivered()[2].commit_number, 2u);
}

TEST_F(LogApplierTest, WaitsForWhatItDoesNotHold) {
  group_.Hold(1, 0, 1, 1);
  group_.Hold(0, 0, 1, 1);
  applier_.Enqueue(1, Advance({{1, 0, 2}}));
  applier_.Enqueue(2, Advance({{0, 0, 1}}));
  End();
  EXPECT_TRUE(Delivered().empty()) << "nothing overtakes";
  EXPECT_TRUE(group_.StreamOf(1).records.HasGap()) << "and the missing one is asked for";
  group_.Hold(1, 0, 2, 2);
  End();
  EXPECT_EQ(Delivered().size(), 3u);
  EXPECT_TRUE(applier_.idle());
}

TEST_F(LogApplierTest, GathersAMessageOfSeveralRecords) {
  PeerStream& side = group_.StreamOf(1);
  side.known = true;
  Record record;
  record.seq = 1;
  record.flags = kInit;
  record.message_bytes = 5;
  record.payload = AsBytes("abc");
  side.records.Insert(record, 100, kStart);
  side.records.Insert({0, kNoMore, 2, 0, AsBytes("de")}, 100, kStart);
  applier_.Enqueue(1, Advance({{1, 0, 2}}));
  End();
  ASSERT_EQ(Delivered().size(), 1u);
  EXPECT_EQ(AsText(Delivered()[0].message), "abcde");
  EXPECT_EQ(group_->counters[Counter::kBytesDelivered], 5u);
}

TEST_F(LogApplierTest, AnAbortedMessageIsDeliveredToNobody) {
  group_.Hold(1, 0, 1, 3);
  applier_.Enqueue(1, Aborted({1, 0, 1, 2, 2}));
  applier_.Enqueue(2, Advance({{1, 0, 3}}));
  End();
  ASSERT_EQ(Delivered().size(), 2u);
  EXPECT_EQ(Delivered()[0].last_seq, 1u);
  EXPECT_EQ(Delivered()[1].last_seq, 3u);
  EXPECT_EQ(group_->counters[Counter::kAbortsClosed], 1u);
}

TEST_F(LogApplierTest, WhatIsMissingBeforeAnAbortedMessageIsAskedFor) {
  applier_.Enqueue(1, Aborted({1, 0, 1, 3, 3}));
  End();
  requester_.EndTurn(kStart + std::chrono::seconds(1));
  const auto resends = group_.Sent(PacketType::kResend, DecodeResend);
  ASSERT_EQ(resends.size(), 1u) << "nobody else may tell this member of records 1 and 2";
  EXPECT_EQ(resends[0].requests, (std::vector<ResendRequest>{{1, 0, 2, 1}}));
}

TEST_F(LogApplierTest, AnAbortOpensTheGateOfItsMessage) {
  group_.Hold(1, 0, 1, 3);
  aborts_.OnAbort(1, {{{1, 0, 1, 2, 2}}}, kStart);
  EXPECT_EQ(group_.StreamOf(1).ackable(), 1u);
  applier_.Enqueue(1, Aborted({1, 0, 1, 2, 2}));
  End();
  EXPECT_EQ(group_.StreamOf(1).ackable(), 3u);
}

TEST_F(LogApplierTest, AnAbortOfWhatWasCommittedChangesNothing) {
  group_.Hold(1, 0, 1, 2);
  applier_.Enqueue(1, Advance({{1, 0, 2}}));
  applier_.Enqueue(2, Aborted({1, 0, 1, 2, 2}));
  End();
  EXPECT_EQ(Delivered().size(), 2u);
  EXPECT_EQ(group_->counters[Counter::kAbortsClosed], 0u);
}

TEST_F(LogApplierTest, TheOwnersSendEndsWithTheCommit) {
  const auto sent = sender_.Send(0, AsBytes("own"), {}, kStart);
  sender_.EndTurn(kStart);
  applier_.Enqueue(1, Advance({{2, 0, 1}}));
  End();
  const auto done = group_.Actions<SendDoneAction>();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0].id, std::get<SendId>(sent));
  EXPECT_EQ(done[0].outcome, SendOutcome::kCommitted);
  EXPECT_EQ(done[0].commit_number, 1u);
  EXPECT_EQ(Delivered().size(), 1u) << "its own messages too";
}

TEST_F(LogApplierTest, TheOwnersSendEndsWithTheAbort) {
  sender_.Send(0, AsBytes("own"), {}, kStart);
  applier_.Enqueue(1, Aborted({2, 0, 300, 1, 1}));
  End();
  const auto done = group_.Actions<SendDoneAction>();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0].outcome, SendOutcome::kAborted);
  EXPECT_EQ(done[0].reason, 300);
}

TEST_F(LogApplierTest, AnAbortOfAnOwnMessageThatDoesNotExistLeavesTheStreamAlone) {
  sender_.Send(0, AsBytes("own"), {}, kStart);
  applier_.Enqueue(1, Aborted({2, 0, 1, 2, 2}));
  End();
  EXPECT_EQ(group_.StreamOf(2).records.highest(), 1u);
  EXPECT_TRUE(std::holds_alternative<SendId>(sender_.Send(0, AsBytes("next"), {}, kStart)));
}

TEST_F(LogApplierTest, AViewTakesItsPlaceInTheOrder) {
  group_.Hold(1, 0, 1, 2);
  applier_.Enqueue(1, Advance({{1, 0, 1}}));
  applier_.EnqueueView(MakeView(2, 2), MemberStatus::kFull);
  applier_.Enqueue(3, Advance({{1, 0, 2}}));
  End();
  ASSERT_EQ(group_->batch.actions().size(), 3u);
  EXPECT_TRUE(std::holds_alternative<DeliverAction>(group_->batch.actions()[0]));
  const auto* view = std::get_if<ViewChangedAction>(&group_->batch.actions()[1]);
  ASSERT_NE(view, nullptr);
  EXPECT_EQ(view->view.number, 2u);
  EXPECT_EQ(view->status, MemberStatus::kFull);
  EXPECT_EQ(applier_.applied(), 3u);
}

TEST_F(LogApplierTest, ReceivedMessagesNeedNoCommit) {
  group_.Hold(1, 4, 1, 2, kReceived);
  applier_.NoteReceived(group_->peers[1], 4);
  applier_.NoteReceived(group_->peers[1], 4);
  End();
  ASSERT_EQ(Delivered().size(), 2u);
  EXPECT_EQ(Delivered()[0].commit_number, 0u);
}

TEST_F(LogApplierTest, RecordsAreReleasedATurnAfterTheirDelivery) {
  group_.Hold(1, 0, 1, 2);
  applier_.Enqueue(1, Advance({{1, 0, 2}}));
  End();
  EXPECT_EQ(group_.StreamOf(1).records.stored(), 2u) << "the actions still point to them";
  applier_.BeginTurn();
  EXPECT_EQ(group_.StreamOf(1).records.stored(), 0u);
}

TEST_F(LogApplierTest, TheOwnerReleasesItsRecordsItself) {
  sender_.Send(0, AsBytes("own"), {}, kStart);
  sender_.EndTurn(kStart);
  applier_.Enqueue(1, Advance({{2, 0, 1}}));
  End();
  applier_.BeginTurn();
  EXPECT_EQ(group_.StreamOf(2).records.stored(), 1u);
}

TEST_F(LogApplierTest, SlotsThatAreNotThereAreLeftOut) {
  group_.Hold(1, 0, 1, 1);
  applier_.Enqueue(1, Advance({{1, 0, 1}, {9, 0, 1}}));
  applier_.Enqueue(2, Aborted({9, 0, 1, 1, 1}));
  End();
  EXPECT_EQ(Delivered().size(), 1u);
  EXPECT_EQ(applier_.applied(), 2u);
}

TEST_F(LogApplierTest, AWitnessFollowsTheNumbersAndHoldsNothing) {
  group_->self.role = Role::kWitness;
  applier_.Enqueue(1, Advance({{1, 0, 7}}));
  applier_.EnqueueView(MakeView(2, 2), MemberStatus::kWitness);
  End();
  EXPECT_TRUE(Delivered().empty());
  EXPECT_EQ(group_.Actions<ViewChangedAction>().size(), 1u);
  EXPECT_EQ(applier_.applied(), 2u);
}

// ---- Without state.

class LearnerTest : public LogApplierTest {
 protected:
  static CoreSettings Small() {
    CoreSettings settings;
    settings.learner_queue_records = 5;
    return settings;
  }
  LearnerTest() : LogApplierTest(Small()) { group_->synced = false; }
};

TEST_F(LearnerTest, QueuesUntilTheSnapshotAndDropsWhatItContains) {
  group_.Hold(1, 0, 1, 3);
  for (Seq seq = 1; seq <= 3; ++seq) applier_.Enqueue(10 + seq, Advance({{1, 0, seq}}));
  End();
  EXPECT_TRUE(Delivered().empty());
  group_.Clear();
  applier_.InstallSnapshot(11, {1, 2, 3});
  const auto installed = group_.Actions<InstallSnapshotAction>();
  ASSERT_EQ(installed.size(), 1u);
  EXPECT_EQ(installed[0].commit_number, 11u);
  EXPECT_EQ(Bytes(installed[0].state.begin(), installed[0].state.end()), (Bytes{1, 2, 3}));
  ASSERT_EQ(Delivered().size(), 2u);
  EXPECT_EQ(Delivered()[0].commit_number, 12u);
  EXPECT_EQ(Delivered()[1].commit_number, 13u);
  EXPECT_EQ(AsText(Delivered()[1].message), "message");
}

TEST_F(LearnerTest, ReceivedMessagesFollowTheSnapshotWhateverItsNumber) {
  group_.Hold(1, 4, 1, 1, kReceived);
  applier_.NoteReceived(group_->peers[1], 4);
  End();
  EXPECT_TRUE(Delivered().empty());
  applier_.InstallSnapshot(1000, {});
  EXPECT_EQ(Delivered().size(), 1u);
}

TEST_F(LearnerTest, AnOverfullQueueIsAnOverrun) {
  group_.Hold(1, 0, 1, 6);
  applier_.Enqueue(11, Advance({{1, 0, 5}}));
  End();
  EXPECT_FALSE(applier_.Overrun());
  applier_.Enqueue(12, Advance({{1, 0, 6}}));
  End();
  EXPECT_TRUE(applier_.Overrun());
  applier_.Reset(0);
  EXPECT_FALSE(applier_.Overrun());
}

TEST_F(LearnerTest, ARecordWhoseOwnerIsGoneIsAnOverrun) {
  group_.StreamOf(1).known = true;
  group_->peers[1]->in_view = false;
  applier_.Enqueue(11, Advance({{1, 0, 5}}));
  End();
  EXPECT_TRUE(applier_.Overrun());
}

}  // namespace
}  // namespace strata::multicast
