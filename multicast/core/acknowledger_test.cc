#include "multicast/core/acknowledger.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "multicast/core/test_group.h"

namespace strata::multicast {
namespace {

using std::chrono::milliseconds;
using testing::kStart;
using testing::TestGroup;

constexpr Timestamp kTick = kStart + std::chrono::milliseconds(1);

// Member 3 of three.
class AcknowledgerTest : public ::testing::Test {
 protected:
  void Take(Slot slot, StreamId stream, Seq from, Seq to) {
    group_.Hold(slot, stream, from, to);
    acknowledger_.NoteChange(slot, stream, kStart);
  }
  std::vector<Ack> At(Timestamp now) {
    group_.Clear();
    acknowledger_.EndTurn(now);
    return group_.Sent(PacketType::kAck, DecodeAck);
  }

  TestGroup group_{2};
  Acknowledger acknowledger_{*group_};
};

TEST_F(AcknowledgerTest, AcknowledgesWhatIsHeldOnceATick) {
  Take(1, 0, 1, 4);
  EXPECT_EQ(acknowledger_.deadline(), kTick);
  EXPECT_TRUE(At(kTick - milliseconds(1)).empty());
  const auto acks = At(kTick);
  ASSERT_EQ(acks.size(), 1u);
  ASSERT_GE(acks[0].positions.size(), 1u);
  EXPECT_EQ(acks[0].positions[0], (Position{1, 0, 4}));
  EXPECT_TRUE(acks[0].synced);
}

TEST_F(AcknowledgerTest, SendsAcksToTheirOwnPort) {
  Take(1, 0, 1, 4);
  At(kTick);
  ASSERT_EQ(group_.Sent().size(), 1u);
  EXPECT_EQ(group_.Sent()[0].to, Destination::kAcks);
}

TEST_F(AcknowledgerTest, NeverAcknowledgesBeyondAGap) {
  Take(1, 0, 1, 2);
  Take(1, 0, 4, 5);
  EXPECT_EQ(At(kTick)[0].positions[0], (Position{1, 0, 2}));
}

TEST_F(AcknowledgerTest, NeverAcknowledgesAMessageThatTheApplicationHasNotPrepared) {
  Take(1, 0, 1, 4);
  Gate gate;
  gate.from = gate.last = 3;
  group_.StreamOf(1).AddGate(gate);
  EXPECT_EQ(At(kTick)[0].positions[0], (Position{1, 0, 2}));
}

TEST_F(AcknowledgerTest, SaysNothingWhileNothingChanges) {
  Take(1, 0, 1, 4);
  At(kTick);
  acknowledger_.NoteChange(1, 0, kTick);
  EXPECT_EQ(acknowledger_.deadline(), Timestamp::Never());
  EXPECT_TRUE(At(kTick + milliseconds(10)).empty());
}

TEST_F(AcknowledgerTest, AnswersAtOnceWhereSomebodyWaits) {
  Take(1, 0, 1, 1);
  acknowledger_.Now();
  EXPECT_EQ(At(kStart).size(), 1u);
}

TEST_F(AcknowledgerTest, SaysTheSameAgainWhereSomebodyWaits) {
  Take(1, 0, 1, 1);
  At(kTick);
  acknowledger_.Now();
  const auto acks = At(kTick);
  ASSERT_EQ(acks.size(), 1u);
  ASSERT_EQ(acks[0].positions.size(), 1u) << "the rotating part tells the old positions again";
  EXPECT_EQ(acks[0].positions[0], (Position{1, 0, 1}));
}

TEST_F(AcknowledgerTest, HalfAWindowOfRecordsIsAcknowledgedAtOnce) {
  Take(1, 0, 1, 1);
  acknowledger_.NoteRecords(group_->settings.window_initial / 2 - 1);
  EXPECT_TRUE(At(kStart).empty());
  acknowledger_.NoteRecords(1);
  EXPECT_EQ(At(kStart).size(), 1u);
}

TEST_F(AcknowledgerTest, ListsEveryStreamThatChanged) {
  Take(0, 3, 1, 2);
  Take(1, 5, 1, 7);
  const auto acks = At(kTick);
  ASSERT_EQ(acks.size(), 1u);
  const auto& positions = acks[0].positions;
  EXPECT_NE(std::find(positions.begin(), positions.end(), Position{0, 3, 2}), positions.end());
  EXPECT_NE(std::find(positions.begin(), positions.end(), Position{1, 5, 7}), positions.end());
}

TEST_F(AcknowledgerTest, TellsTheLogPositionAndTheNonce) {
  group_->log.StartAfter(41);
  acknowledger_.SetNonce(77);
  group_->synced = false;
  acknowledger_.Now();
  const auto acks = At(kStart);
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0].log_seen, 41u);
  EXPECT_EQ(acks[0].nonce, 77u);
  EXPECT_FALSE(acks[0].synced);
}

TEST_F(AcknowledgerTest, TheSmIsSilent) {
  TestGroup group(0);
  Acknowledger acknowledger(*group);
  group.Hold(1, 0, 1, 4);
  acknowledger.NoteChange(1, 0, kStart);
  acknowledger.Now();
  acknowledger.EndTurn(kTick);
  EXPECT_TRUE(group.Sent().empty());
}

TEST_F(AcknowledgerTest, AFrozenMemberIsSilent) {
  Take(1, 0, 1, 4);
  group_->frozen = true;
  acknowledger_.Now();
  EXPECT_TRUE(At(kTick).empty());
  EXPECT_EQ(acknowledger_.deadline(), Timestamp::Never());
}

TEST_F(AcknowledgerTest, AWitnessIsSilent) {
  group_->self.role = Role::kWitness;
  acknowledger_.Now();
  EXPECT_TRUE(At(kTick).empty());
}

TEST_F(AcknowledgerTest, ItsOwnStreamIsAcknowledgedByItsData) {
  Take(2, 0, 1, 4);
  acknowledger_.Now();
  EXPECT_TRUE(At(kTick)[0].positions.empty());
}

TEST_F(AcknowledgerTest, ItsOwnStreamIsAcknowledgedWhereItPrepares) {
  group_.StreamOf(2).first_prepare = 1;
  group_.StreamOf(2).sent = 4;
  Take(2, 0, 1, 4);
  EXPECT_EQ(At(kTick)[0].positions[0], (Position{2, 0, 4}));
}

TEST_F(AcknowledgerTest, GrantsALimitOfCapacityAboveWhatWasTaken) {
  Take(1, 0, 1, 4000);
  group_.StreamOf(1).records.Deliver(4000, [](Seq, Seq, bool) {});
  const auto acks = At(kTick);
  EXPECT_EQ(acks[0].limits, (std::vector<Limit>{{1, 4000 + group_->settings.receive_records}}));
}

TEST_F(AcknowledgerTest, GrantsNoMoreWhileTheApplicationIsFull) {
  Take(1, 0, 1, 4000);
  group_.StreamOf(1).records.Deliver(4000, [](Seq, Seq, bool) {});
  group_->credit_paused = true;
  for (int i = 0; i < 6; ++i) {
    acknowledger_.Now();
    const auto acks = At(kTick);
    ASSERT_EQ(acks.size(), 1u);
    for (const Limit& limit : acks[0].limits) {
      EXPECT_EQ(limit.records, group_->settings.receive_records);
    }
  }
}

TEST_F(AcknowledgerTest, ANewViewIsToldEverythingAnew) {
  Take(1, 0, 1, 4);
  At(kTick);
  acknowledger_.Reset(kTick);
  const auto acks = At(kTick);
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0].positions[0], (Position{1, 0, 4}));
}

TEST_F(AcknowledgerTest, WhatFitsNoPacketFollowsATickLater) {
  TestGroup group(2, 20);
  Acknowledger acknowledger(*group);
  for (Slot slot = 0; slot < 20; ++slot) {
    if (slot == 2) continue;
    for (StreamId stream = 0; stream < kMaxStreams; ++stream) {
      group.Hold(slot, stream, 1, 1);
      acknowledger.NoteChange(slot, stream, kStart);
    }
  }
  Timestamp now = kTick;
  std::vector<Position> told;
  for (int packets = 0; packets < 2; ++packets) {
    group.Clear();
    acknowledger.EndTurn(now);
    const auto acks = group.Sent(PacketType::kAck, DecodeAck);
    ASSERT_EQ(acks.size(), 1u);
    EXPECT_LE(acks[0].positions.size(), 80u);
    told.insert(told.end(), acks[0].positions.begin(), acks[0].positions.end());
    EXPECT_EQ(acknowledger.deadline() == Timestamp::Never(), packets == 1);
    now += milliseconds(1);
  }
  for (Slot slot = 0; slot < 20; ++slot) {
    if (slot == 2) continue;
    for (StreamId stream = 0; stream < kMaxStreams; ++stream) {
      EXPECT_NE(std::find(told.begin(), told.end(), Position{slot, stream, 1}), told.end());
    }
  }
}

}  // namespace
}  // namespace strata::multicast
