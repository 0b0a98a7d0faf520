#include "multicast/core/committer.h"

#include <gtest/gtest.h>

#include "multicast/core/test_group.h"

namespace strata::multicast {
namespace {

using std::chrono::milliseconds;
using testing::kStart;
using testing::TestGroup;

LogRecord Advance(std::vector<Position> positions) {
  LogRecord record;
  record.positions = std::move(positions);
  return record;
}

// The SM of three.
class CommitterTest : public ::testing::Test {
 protected:
  explicit CommitterTest(CoreSettings settings = {}) : group_(0, 3, std::move(settings)) {
    committer_.Reset(kStart);
    End();
    group_.Clear();
  }
  // `slot` has sent single-record messages up to `to`; they are here.
  void Sent(Slot slot, StreamId stream, Seq from, Seq to) {
    group_.Hold(slot, stream, from, to);
    committer_.OnOwnersData(slot, stream, to);
    committer_.NoteChange(slot, stream);
  }
  void Acked(Slot member, Slot origin, StreamId stream, Seq seq) {
    group_->board.Raise(member, origin, stream, seq);
    committer_.NoteChange(origin, stream);
  }
  std::vector<uint64_t> End(Timestamp now = kStart) {
    std::vector<uint64_t> numbers;
    committer_.EndTurn(now, [&numbers](uint64_t number) { numbers.push_back(number); });
    return numbers;
  }
  std::vector<Commit> Commits() const { return group_.Sent(PacketType::kCommit, DecodeCommit); }

  TestGroup group_;
  AbortBook aborts_{*group_};
  Committer committer_{*group_, aborts_};
};

TEST_F(CommitterTest, CommitsWhatEveryFullMemberHolds) {
  Sent(1, 0, 1, 5);
  Acked(2, 1, 0, 4);
  EXPECT_EQ(End(), (std::vector<uint64_t>{1}));
  EXPECT_EQ(group_->log.At(1), Advance({{1, 0, 4}}));
  ASSERT_EQ(Commits().size(), 1u);
  EXPECT_EQ(Commits()[0].first, 1u);
  EXPECT_EQ(Commits()[0].records, (std::vector<LogRecord>{Advance({{1, 0, 4}})}));
}

TEST_F(CommitterTest, CommitsNothingThatOneMemberLacks) {
  Sent(1, 0, 1, 5);
  EXPECT_TRUE(End().empty());
  EXPECT_EQ(group_->log.last(), 0u);
}

TEST_F(CommitterTest, CommitsNothingThatItLacksItself) {
  Acked(1, 2, 0, 5);
  committer_.OnOwnersData(2, 0, 5);
  EXPECT_TRUE(End().empty());
}

TEST_F(CommitterTest, WaitsForItsOwnRecordsToBeSent) {
  group_.StreamOf(0).sent = 3;
  Sent(0, 0, 1, 5);
  Acked(1, 0, 0, 5);
  Acked(2, 0, 0, 5);
  End();
  EXPECT_EQ(committer_.committed(0, 0), 3u);
}

TEST_F(CommitterTest, NobodyWaitsForALearner) {
  group_.SetStatus(2, MemberStatus::kLearner);
  Sent(1, 0, 1, 5);
  End();
  EXPECT_EQ(committer_.committed(1, 0), 5u);
}

TEST_F(CommitterTest, CommitsWholeMessagesOnly) {
  group_.Hold(1, 0, 1, 1);
  Record record;
  record.seq = 2;
  record.flags = kInit;
  record.message_bytes = 6;
  record.payload = AsBytes("abc");
  group_.StreamOf(1).records.Insert(record, 100, kStart);
  committer_.OnOwnersData(1, 0, 2);
  Acked(2, 1, 0, 2);
  End();
  EXPECT_EQ(committer_.committed(1, 0), 1u);
}

TEST_F(CommitterTest, AllThatAdvancesInATurnIsOneRecordInOrderOfSlotAndStream) {
  Sent(2, 1, 1, 1);
  Sent(1, 3, 1, 1);
  Sent(1, 0, 1, 1);
  Acked(2, 1, 0, 1);
  Acked(2, 1, 3, 1);
  Acked(1, 2, 1, 1);
  EXPECT_EQ(End().size(), 1u);
  EXPECT_EQ(group_->log.At(1), Advance({{1, 0, 1}, {1, 3, 1}, {2, 1, 1}}));
}

TEST_F(CommitterTest, CommitNumbersHaveNoGaps) {
  for (Seq seq = 1; seq <= 5; ++seq) {
    Sent(1, 0, seq, seq);
    Acked(2, 1, 0, seq);
    EXPECT_EQ(End(), (std::vector<uint64_t>{seq}));
  }
}

TEST_F(CommitterTest, CommitsNothingTwice) {
  Sent(1, 0, 1, 5);
  Acked(2, 1, 0, 5);
  End();
  committer_.NoteChange(1, 0);
  EXPECT_TRUE(End().empty());
}

TEST_F(CommitterTest, ADataPacketOfTheOwnerIsItsAcknowledgement) {
  group_.Hold(1, 0, 1, 5);
  Acked(2, 1, 0, 5);
  End();
  EXPECT_EQ(committer_.committed(1, 0), 0u) << "a repair by another says nothing of the owner";
  committer_.OnOwnersData(1, 0, 5);
  End();
  EXPECT_EQ(committer_.committed(1, 0), 5u);
}

TEST_F(CommitterTest, WhereAMessageIsPreparedTheOwnersDataIsNoAcknowledgement) {
  group_.StreamOf(1).first_prepare = 3;
  Sent(1, 0, 1, 5);
  Acked(2, 1, 0, 5);
  End();
  EXPECT_EQ(committer_.committed(1, 0), 2u);
  Acked(1, 1, 0, 5);
  End();
  EXPECT_EQ(committer_.committed(1, 0), 5u);
}

TEST_F(CommitterTest, ReceivedStreamsGetProgressInsteadOfACommit) {
  group_.Hold(1, 2, 1, 3, kReceived);
  committer_.OnOwnersData(1, 2, 3);
  Acked(2, 1, 2, 3);
  EXPECT_TRUE(End().empty());
  ASSERT_EQ(Commits().size(), 1u);
  EXPECT_TRUE(Commits()[0].records.empty());
  EXPECT_EQ(Commits()[0].progress, (std::vector<Position>{{1, 2, 3}}));
}

TEST_F(CommitterTest, TellsProgressAgainToWhoAnnouncesItsTail) {
  Sent(1, 0, 1, 2);
  Acked(2, 1, 0, 2);
  End();
  group_.Clear();
  committer_.Reannounce(1);
  End();
  ASSERT_EQ(Commits().size(), 1u);
  EXPECT_EQ(Commits()[0].progress, (std::vector<Position>{{1, 0, 2}}));
}

TEST_F(CommitterTest, OthersCommitNothing) {
  TestGroup group(1);
  AbortBook aborts(*group);
  Committer committer(*group, aborts);
  committer.Reset(kStart);
  group.Hold(2, 0, 1, 1);
  group->board.Raise(2, 2, 0, 1);
  committer.NoteChange(2, 0);
  committer.EndTurn(kStart, [](uint64_t) { FAIL(); });
  EXPECT_TRUE(group.Sent().empty());
}

TEST_F(CommitterTest, AFrozenSmCommitsNothing) {
  Sent(1, 0, 1, 1);
  Acked(2, 1, 0, 1);
  group_->frozen = true;
  EXPECT_TRUE(End().empty());
  EXPECT_TRUE(Commits().empty());
}

TEST_F(CommitterTest, AClosedAbortBecomesALogRecordBeforeTheAdvance) {
  Sent(1, 0, 1, 1);
  Acked(2, 1, 0, 1);
  group_.Hold(2, 0, 1, 1);
  aborts_.OnAbort(2, {{{2, 0, kAbortedBySender, 1, 1}}}, kStart);
  for (Slot slot : {1, 2}) aborts_.OnAbortAck(slot, {{{2, 0, kAbortedBySender, 1, 1}}});
  EXPECT_EQ(End(), (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(group_->log.At(1).kind, LogRecord::Kind::kAborted);
  EXPECT_EQ(group_->log.At(1).ranges, (std::vector<Range>{{2, 0, kAbortedBySender, 1, 1}}));
  EXPECT_EQ(group_->log.At(2), Advance({{1, 0, 1}}));
}

TEST_F(CommitterTest, TheLogFloorIsWhatEveryFullMemberHas) {
  group_->log.StartAfter(10);
  group_->log.Append({});
  group_->log.Append({});
  group_->board.RaiseLogSeen(1, 12);
  group_->board.RaiseLogSeen(2, 11);
  EXPECT_EQ(committer_.LogFloor(), 11u);
  group_.SetStatus(2, MemberStatus::kLearner);
  EXPECT_EQ(committer_.LogFloor(), 12u);
}

TEST_F(CommitterTest, TellsAndKeepsOnlyTheLogAboveTheFloor) {
  Sent(1, 0, 1, 1);
  Acked(2, 1, 0, 1);
  End();
  group_->board.RaiseLogSeen(1, 1);
  group_->board.RaiseLogSeen(2, 1);
  Sent(1, 0, 2, 2);
  Acked(2, 1, 0, 2);
  group_.Clear();
  End();
  EXPECT_EQ(group_->log.floor(), 1u);
  EXPECT_EQ(Commits()[0].floor, 1u);
}

class FullLogTest : public CommitterTest {
 protected:
  static CoreSettings Small() {
    CoreSettings settings;
    settings.log_records_max = 3;
    return settings;
  }
  FullLogTest() : CommitterTest(Small()) {}
};

TEST_F(FullLogTest, StopsCommittingUntilTheOthersHaveTheLog) {
  for (Seq seq = 1; seq <= 5; ++seq) {
    Sent(1, 0, seq, seq);
    Acked(2, 1, 0, seq);
    End();
  }
  EXPECT_EQ(group_->log.last(), 3u);
  group_->board.RaiseLogSeen(1, 2);
  group_->board.RaiseLogSeen(2, 2);
  EXPECT_EQ(End(), (std::vector<uint64_t>{4}));
  EXPECT_EQ(committer_.committed(1, 0), 5u);
}

TEST_F(CommitterTest, CommitsNothingBeforeAMajorityAnsweredTheNonce) {
  committer_.RequireConfirmation(99);
  Sent(1, 0, 1, 1);
  Acked(2, 1, 0, 1);
  EXPECT_TRUE(End().empty());
  EXPECT_TRUE(committer_.Confirming());
  group_->board.SetNonce(1, 98);
  EXPECT_TRUE(End().empty());
  group_->board.SetNonce(1, 99);
  EXPECT_EQ(End(), (std::vector<uint64_t>{1}));
  EXPECT_FALSE(committer_.Confirming());
}

TEST_F(CommitterTest, TellsTheSmallestLimitOfTheOthers) {
  group_->board.RaiseLimit(1, 2, 70'000);
  committer_.SendPeriodic();
  ASSERT_EQ(Commits().size(), 1u);
  const auto limits = Commits()[0].limits;
  ASSERT_EQ(limits.size(), 1u) << "of the others nobody has granted anything yet";
  EXPECT_EQ(limits[0], (Limit{2, group_->settings.receive_records})) << "its own is the smallest";
}

TEST_F(CommitterTest, AMemberThatHoldsOthersUpStallsAfterTheTimeout) {
  Sent(1, 0, 1, 1);
  const Duration patience = group_->settings.stall_timeout;
  EXPECT_TRUE(committer_.Stalled(kStart + patience).empty());
  EXPECT_EQ(committer_.Stalled(kStart + patience + milliseconds(1)), (std::vector<Slot>{2}));
}

TEST_F(CommitterTest, AMemberThatMovesDoesNotStall) {
  Sent(1, 0, 1, 2);
  group_->board.SetProgress(2, kStart + milliseconds(1500));
  EXPECT_TRUE(committer_.Stalled(kStart + milliseconds(2001)).empty());
}

TEST_F(CommitterTest, NobodyStallsWhoHoldsEverything) {
  Sent(1, 0, 1, 1);
  Acked(2, 1, 0, 1);
  EXPECT_TRUE(committer_.Stalled(kStart + milliseconds(60'000)).empty());
}

TEST_F(CommitterTest, WhatFitsNoPacketIsCommittedInTheNextTurn) {
  TestGroup group(0, 20);
  AbortBook aborts(*group);
  Committer committer(*group, aborts);
  committer.Reset(kStart);
  for (Slot origin = 1; origin < 20; ++origin) {
    for (StreamId stream = 0; stream < kMaxStreams; ++stream) {
      group.Hold(origin, stream, 1, 1);
      committer.OnOwnersData(origin, stream, 1);
      for (Slot member = 1; member < 20; ++member) {
        group->board.Raise(member, origin, stream, 1);
      }
    }
  }
  for (int turn = 0; turn < 10; ++turn) committer.EndTurn(kStart, [](uint64_t) {});
  for (Slot origin = 1; origin < 20; ++origin) {
    for (StreamId stream = 0; stream < kMaxStreams; ++stream) {
      EXPECT_EQ(committer.committed(origin, stream), 1u);
    }
  }
}

}  // namespace
}  // namespace strata::multicast
