#include "multicast/core/sender.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "multicast/core/test_group.h"
#include "multicast/core/test_sender.h"

namespace strata::multicast {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::Data;
using testing::kPackDelay;
using testing::kStart;
using testing::SenderTest;
using testing::SentRecord;

// ---- Accepting.

TEST_F(SenderTest, NumbersSendsAndRecordsInOneStep) {
  EXPECT_EQ(Send("one"), 1u);
  EXPECT_EQ(Send("two"), 2u);
  EXPECT_EQ(Send("other", {}, 3), 3u);
  EXPECT_EQ(group_.StreamOf(2).records.highest(), 2u);
  EXPECT_EQ(group_.StreamOf(2, 3).records.highest(), 1u);
}

TEST_F(SenderTest, RefusesAStreamThatIsNotTheApplications) {
  ExpectRefused(SendRefusal::kBadStream, kReplyStream, "x");
  EXPECT_EQ(group_->counters[Counter::kSendsRefused], 1u);
}

TEST_F(SenderTest, RefusesTheOtherKindOfDelivery) {
  Send("committed");
  ExpectRefused(SendRefusal::kBadStream, 0, "x", {.received = true});
  Send("received", {.received = true}, 1);
  ExpectRefused(SendRefusal::kBadStream, 1, "x");
}

TEST_F(SenderTest, RefusesOptionsThatDoNotGoTogether) {
  ExpectRefused(SendRefusal::kBadOptions, 0, "x", {.received = true, .prepare = true});
  ExpectRefused(SendRefusal::kBadOptions, 0, "x", {.received = true, .all_of = true});
  ExpectRefused(SendRefusal::kBadOptions, 0, "x", {.replies = true});
}

TEST_F(SenderTest, RefusesTooLongAMessage) {
  ExpectRefused(SendRefusal::kTooLong, 0, std::string(kMaxMessageBytes + 1, 'x'));
}

TEST_F(SenderTest, RefusesWithoutAView) {
  group_->self_slot = kNoSlot;
  ExpectRefused(SendRefusal::kNotMember, 0, "x");
}

TEST_F(SenderTest, AWitnessSendsNothing) {
  group_->self.role = Role::kWitness;
  ExpectRefused(SendRefusal::kNotMember, 0, "x");
}

class SmallQueueTest : public SenderTest {
 protected:
  static CoreSettings Settings() {
    CoreSettings settings;
    settings.send_queue_records = 3;
    return settings;
  }
  SmallQueueTest() : SenderTest(Settings()) {}
};

TEST_F(SmallQueueTest, RefusesWhenItsQueueIsFullAndTakesAgainOnceItDrained) {
  for (int i = 0; i < 3; ++i) Send("x");
  ExpectRefused(SendRefusal::kQueueFull, 0, "x");
  End();
  Send("x");
}

// ---- Sending.

TEST_F(SenderTest, SendsAtOnceWhenNothingIsUnacknowledged) {
  Send("hello");
  const auto data = End();
  ASSERT_EQ(data.size(), 1u);
  EXPECT_EQ(data[0].origin, 2);
  EXPECT_EQ(data[0].flags, kAckNow);
  EXPECT_EQ(data[0].records, (std::vector<SentRecord>{{0, 1, kInit | kNoMore, "hello"}}));
  EXPECT_EQ(group_.Sent()[0].to, Destination::kGroup);
}

TEST_F(SenderTest, PacksWhatIsQueuedInOneTurn) {
  Send("one");
  Send("two", {}, 3);
  Send("three");
  const auto data = End();
  ASSERT_EQ(data.size(), 1u);
  EXPECT_EQ(data[0].records.size(), 3u);
}

TEST_F(SenderTest, APacketThatIsNotFullWaitsWhileSomethingIsUnacknowledged) {
  Send("one");
  End();
  Send("two");
  EXPECT_TRUE(End().empty());
  EXPECT_EQ(sender_.deadline(), kPackDelay);
  EXPECT_TRUE(End(kPackDelay - microseconds(1)).empty());
  EXPECT_EQ(End(kPackDelay).size(), 1u);
}

TEST_F(SenderTest, AFullPacketDoesNotWait) {
  Send("one");
  End();
  Send(std::string(1000, 'x'));
  EXPECT_TRUE(End().empty());
  Send(std::string(1000, 'y'));
  const auto data = End();
  ASSERT_EQ(data.size(), 1u) << "the rest waits for company";
  EXPECT_EQ(data[0].records.size(), 1u);
}

TEST_F(SenderTest, CutsALongMessageIntoEqualRecords) {
  Send(std::string(5000, 'x'));
  const auto data = End();
  std::vector<SentRecord> records;
  for (const Data& packet : data) {
    records.insert(records.end(), packet.records.begin(), packet.records.end());
  }
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0].flags, kInit);
  EXPECT_EQ(records[1].flags, 0);
  EXPECT_EQ(records[3].flags, kNoMore);
  EXPECT_EQ(records[0].payload.size(), records[1].payload.size());
  EXPECT_EQ(records[1].payload.size(), records[2].payload.size());
  EXPECT_EQ(records[0].payload.size() * 3 + records[3].payload.size(), 5000u);
}

TEST_F(SenderTest, OnlyTheLastPacketOfABurstAsksForAcknowledgement) {
  Send(std::string(5000, 'x'));
  const auto data = End();
  ASSERT_EQ(data.size(), 4u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(data[i].flags, 0);
  EXPECT_EQ(data[3].flags, kAckNow);
}

TEST_F(SenderTest, TheOptionsTravelInTheInitRecord) {
  Send("x", {.prepare = true, .replies = true, .all_of = true});
  EXPECT_EQ(End()[0].records[0].flags, kInit | kNoMore | kPrepare | kReplies | kAllOf);
}

TEST_F(SenderTest, AnEmptyMessageIsAMessage) {
  Send("");
  EXPECT_EQ(End()[0].records, (std::vector<SentRecord>{{0, 1, kInit | kNoMore, ""}}));
}

TEST_F(SenderTest, AFrozenMemberStartsNothing) {
  Send("x");
  group_->frozen = true;
  EXPECT_TRUE(End().empty());
  group_->frozen = false;
  EXPECT_EQ(End().size(), 1u);
}

TEST_F(SenderTest, TheWindowBoundsWhatIsUnacknowledged) {
  for (int i = 0; i < 1000; ++i) Send(std::string(100, 'x'));
  EndAll();
  EXPECT_EQ(sender_.outstanding(), group_->settings.window_initial);
  EXPECT_EQ(group_->counters[Counter::kWindowStalls], 1u);
  Commit(200);
  EndAll();
  EXPECT_EQ(sender_.outstanding(), group_->settings.window_initial);
}

TEST_F(SenderTest, OneTurnSendsNotMoreThanKeepsRequestsWaitingShortly) {
  for (int i = 0; i < 1000; ++i) Send(std::string(1000, 'x'));
  EXPECT_EQ(End().size(), 256u);
  EXPECT_LT(sender_.deadline(), kStart);  // The next turn is due at once.
  EXPECT_EQ(End().size(), 256u);
}

TEST_F(SenderTest, AnnouncesNoTailBetweenTheTurnsOfABurst) {
  for (int i = 0; i < 400; ++i) Send(std::string(1000, 'x'));
  End();
  group_.Clear();
  sender_.OnTimer(kStart + milliseconds(100));
  EXPECT_TRUE(group_.Sent().empty());
}

TEST_F(SenderTest, AMissingRecordDoesNotKeepTheWindowShut) {
  for (int i = 0; i < 1000; ++i) Send(std::string(100, 'x'));
  EndAll();
  // Member 2 has all of it; the SM misses records 1 and 401, so nothing is covered.
  group_->board.Raise(1, 2, 0, group_->settings.window_initial);
  EndAll();
  EXPECT_EQ(sender_.outstanding(), group_->settings.window_initial);
  sender_.OnRequest(0, 0, 1);
  sender_.OnRequest(0, 0, 401);
  EndAll();
  EXPECT_EQ(sender_.outstanding(), group_->settings.window_initial + 400);
}

TEST_F(SenderTest, TheWindowGrowsWhereNothingIsLost) {
  for (int i = 0; i < 3000; ++i) Send("x");
  EndAll();
  Commit(group_->settings.window_initial);
  EndAll();
  EXPECT_GT(sender_.outstanding(), group_->settings.window_initial);
}

// Six windows of a long flow, each acknowledged as a whole.
class LossyFlowTest : public SenderTest {
 protected:
  void Flow() {
    for (int i = 0; i < 5000; ++i) Send("x");
    Seq done = 0;
    for (int window = 0; window < 6; ++window) {
      EndAll(kStart + milliseconds(window));
      done += sender_.outstanding();
      Commit(done);
    }
    EndAll(kStart + milliseconds(6));
  }
};

TEST_F(LossyFlowTest, TheWindowShrinksWhenOneReceiverLosesMuch) {
  sender_.OnLoss(1, 500);
  Flow();
  EXPECT_EQ(group_->counters[Counter::kWindowReductions], 1u);
  EXPECT_LT(sender_.outstanding(), group_->settings.window_initial);
}

TEST_F(LossyFlowTest, LossesThatAreSpreadOverReceiversAreTolerated) {
  sender_.OnLoss(0, 180);
  sender_.OnLoss(1, 180);
  Flow();
  EXPECT_EQ(group_->counters[Counter::kWindowReductions], 0u);
  EXPECT_GT(sender_.outstanding(), group_->settings.window_initial);
}

class SmallLimitTest : public SenderTest {
 protected:
  // The receivers take 10 records.
  static CoreSettings Settings() {
    CoreSettings settings;
    settings.receive_records = 10;
    return settings;
  }
  SmallLimitTest() : SenderTest(Settings()) {}
};

TEST_F(SmallLimitTest, StopsAtTheReceiversLimitUntilTheyGrantMore) {
  for (int i = 0; i < 20; ++i) Send("x");
  End();
  EXPECT_EQ(sender_.outstanding(), 10u);
  EXPECT_EQ(group_->counters[Counter::kCreditStalls], 1u);
  sender_.OnLimit(15, kStart);
  End(kPackDelay);
  ASSERT_EQ(sender_.deadline(), kPackDelay + group_->settings.pack_delay);
  End(sender_.deadline());
  EXPECT_EQ(sender_.outstanding(), 15u);
}

TEST_F(SmallLimitTest, StartsNoMessageThatDoesNotFitAsAWhole) {
  for (int i = 0; i < 8; ++i) Send("x");
  Send(std::string(4000, 'y'));  // Three records.
  End();
  EXPECT_EQ(sender_.outstanding(), 8u);
}

TEST_F(SmallLimitTest, AnAbortedMessageThatWasNotSentIsNeverSent) {
  for (int i = 0; i < 10; ++i) Send("x");
  Send("late");
  End();
  group_.StreamOf(2).records.MarkAborted(11, 11);
  sender_.OnAborted({2, 0, 1, 11, 11});
  sender_.OnLimit(100, kStart);
  Send("after");
  const auto data = End(kStart + milliseconds(1));
  ASSERT_EQ(data.size(), 1u);
  EXPECT_EQ(data[0].records, (std::vector<SentRecord>{{0, 12, kInit | kNoMore, "after"}}));
}

TEST_F(SmallLimitTest, AnOldLimitTakesNothingBack) {
  sender_.OnLimit(15, kStart);
  sender_.OnLimit(12, kStart);
  for (int i = 0; i < 20; ++i) Send("x");
  End();
  EXPECT_EQ(sender_.outstanding(), 15u);
}

// ---- Tails.

TEST_F(SenderTest, AnnouncesTheTailOfABurstThatNobodyAcknowledged) {
  Send("x");
  End();
  const Timestamp due = sender_.deadline();
  EXPECT_EQ(due, kStart + milliseconds(1));
  group_.Clear();
  sender_.OnTimer(due);
  const auto heartbeats = group_.Sent(PacketType::kHeartbeat, DecodeHeartbeat);
  ASSERT_EQ(heartbeats.size(), 1u);
  EXPECT_TRUE(heartbeats[0].ack_requested);
  EXPECT_EQ(heartbeats[0].tails, (std::vector<StreamTail>{{0, 1, 1}}));
  EXPECT_EQ(group_->counters[Counter::kTailsAnnounced], 1u);
}

TEST_F(SenderTest, AnnouncesAgainWithDoublingPatienceUpToAHeartbeat) {
  Send("x");
  End();
  Timestamp now = sender_.deadline();
  for (const int wait : {2, 4, 8, 16, 32, 50, 50}) {
    sender_.OnTimer(now);
    EXPECT_EQ(sender_.deadline(), now + milliseconds(wait));
    now += milliseconds(wait);
  }
}

TEST_F(SenderTest, AnnouncesNothingThatIsAcknowledged) {
  Send("x");
  End();
  Commit(1);
  EXPECT_EQ(sender_.deadline(), Timestamp::Never());
}

TEST_F(SenderTest, MeasuresTheRoundTripToTheSmsAcknowledgement) {
  Send("x");
  End();
  Commit(1, 1, 0, kStart + microseconds(300));
  EXPECT_EQ(group_->rtt.smoothed(), microseconds(300));
}

TEST_F(SenderTest, MeasuresNothingAfterATailWasAnnounced) {
  Send("x");
  End();
  sender_.OnTimer(sender_.deadline());
  Commit(1, 1, 0, kStart + milliseconds(3));
  EXPECT_EQ(group_->rtt.smoothed(), Duration::zero());
}

TEST_F(SenderTest, KeepsCommittedRecordsForLearnersAndTellsWhatItKeeps) {
  const uint32_t retain = group_->settings.retain_records;
  for (uint32_t sent = 0; sent < retain + 500; sent += 250) {
    for (int i = 0; i < 250; ++i) Send("x");
    End(kStart + milliseconds(sent));
    Commit(sent + 250);
  }
  sender_.BeginTurn();
  const auto tails = sender_.Tails();
  ASSERT_EQ(tails.size(), 1u);
  EXPECT_EQ(tails[0].last - tails[0].first_kept, retain);
}

// ---- Views.

TEST_F(SenderTest, ANewViewKeepsWhatIsOpen) {
  Send("x");
  End();
  sender_.OnViewInstalled(false, kStart);
  Commit(1);
  EXPECT_EQ(Done().size(), 1u);
}

TEST_F(SenderTest, TheProtocolsOwnRepliesEndSilently) {
  sender_.SendReply(Incarnation(), 0, 5, AsBytes("yes"), kStart);
  const auto data = End();
  ASSERT_EQ(data.size(), 1u);
  EXPECT_EQ(data[0].records[0].stream, kReplyStream);
  EXPECT_EQ(data[0].records[0].flags, kInit | kNoMore | kReceived);
  sender_.OnCovered(kReplyStream, 1, kStart);
  EXPECT_TRUE(Done().empty());
}

}  // namespace
}  // namespace strata::multicast
