#include "multicast/core/repairer.h"

#include <gtest/gtest.h>

#include <string>

#include "multicast/core/test_group.h"

namespace strata::multicast {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::kStart;
using testing::SentPacket;
using testing::TestGroup;

constexpr Timestamp kLater = kStart + std::chrono::milliseconds(20);

struct Repair {
  Slot origin;
  uint8_t flags;
  std::vector<Seq> seqs;
  friend bool operator==(const Repair&, const Repair&) = default;
};

std::vector<Repair> Repairs(const TestGroup& group) {
  std::vector<Repair> repairs;
  for (const SentPacket& packet : group.Sent()) {
    if (packet.type != PacketType::kData) continue;
    DataReader reader(packet.body);
    EXPECT_FALSE(reader.Check());
    Repair repair{reader.origin(), reader.flags(), {}};
    while (const auto record = reader.Next()) repair.seqs.push_back(record->seq);
    repairs.push_back(repair);
  }
  return repairs;
}

LogRecord Advance(Seq seq) {
  LogRecord record;
  record.positions.push_back({0, 0, seq});
  return record;
}

// A member of three that holds records 1 to 5 of slot 1.
class RepairerTest : public ::testing::Test {
 protected:
  explicit RepairerTest(Slot self = 1) : group_(self) { group_.Hold(1, 0, 1, 5); }

  std::vector<Repair> Asked(Slot from, const ResendRequest& request, Timestamp now = kLater) {
    group_.Clear();
    repairer_.OnResend(from, {0, 0, {request}}, now);
    repairer_.EndTurn(now);
    return Repairs(group_);
  }

  TestGroup group_;
  Repairer repairer_{*group_};
};

// Slot 1, the owner.
using OwnerRepairsTest = RepairerTest;

TEST_F(OwnerRepairsTest, SendsItsOwnRecordsAgain) {
  EXPECT_EQ(Asked(2, {1, 0, 2, 3}), (std::vector<Repair>{{1, kRepair | kAckNow, {3, 4}}}));
  EXPECT_EQ(group_.Sent()[0].to, Destination::kGroup);
}

TEST_F(OwnerRepairsTest, CountsRepairsAndTheirBytes) {
  Asked(2, {1, 0, 2, 3});
  EXPECT_EQ(group_->counters[Counter::kRepairsSent], 1u);
  EXPECT_EQ(group_->counters[Counter::kRepairBytesSent], 2 * std::string("message").size());
}

TEST_F(OwnerRepairsTest, IgnoresARequestForWhatItIsJustSendingAgain) {
  Asked(2, {1, 0, 2, 3});
  EXPECT_TRUE(Asked(0, {1, 0, 2, 3}, kLater + microseconds(499)).empty());
  EXPECT_EQ(group_->counters[Counter::kResendsIgnored], 2u);
}

TEST_F(OwnerRepairsTest, AnswersAgainAfterHalfARepairTimer) {
  Asked(2, {1, 0, 2, 3});
  EXPECT_EQ(Asked(0, {1, 0, 2, 3}, kLater + microseconds(500)).size(), 1u);
}

TEST_F(OwnerRepairsTest, LeavesWhatItHasNotSentForTheFirstTime) {
  group_.StreamOf(1).records.Find(4)->when = 0;
  EXPECT_EQ(Asked(2, {1, 0, 5, 1}), (std::vector<Repair>{{1, kRepair | kAckNow, {1, 2, 3, 5}}}));
}

TEST_F(OwnerRepairsTest, SendsNothingOfAnAbortedMessage) {
  group_.StreamOf(1).records.MarkAborted(2, 2);
  EXPECT_EQ(Asked(2, {1, 0, 5, 1}), (std::vector<Repair>{{1, kRepair | kAckNow, {1, 3, 4, 5}}}));
}

TEST_F(OwnerRepairsTest, PacksOnlyWhatFitsADatagram) {
  const std::string large(1000, 'x');
  for (Seq seq = 6; seq <= 8; ++seq) {
    group_.StreamOf(1).records.Insert(testing::WholeRecord(seq, large), 1000, kStart);
  }
  const auto repairs = Asked(2, {1, 0, 3, 6});
  ASSERT_EQ(repairs.size(), 3u);
  EXPECT_EQ(repairs[2].seqs, (std::vector<Seq>{8}));
}

TEST_F(OwnerRepairsTest, TellsItsTailsWhenAskedForWhatIsGone) {
  Stream& records = group_.StreamOf(1).records;
  records.Deliver(3, [](Seq, Seq, bool) {});
  records.Release(3);
  EXPECT_EQ(Asked(2, {1, 0, 5, 1}), (std::vector<Repair>{{1, kRepair | kAckNow, {4, 5}}}));
  EXPECT_TRUE(repairer_.TakeTellTails(kLater));
  EXPECT_FALSE(repairer_.TakeTellTails(kLater)) << "once";
}

TEST_F(OwnerRepairsTest, TellsItsTailsAtMostOnceInARepairTimer) {
  Stream& records = group_.StreamOf(1).records;
  records.Deliver(3, [](Seq, Seq, bool) {});
  records.Release(3);
  Asked(2, {1, 0, 1, 1});
  repairer_.TakeTellTails(kLater);
  Asked(2, {1, 0, 1, 1}, kLater + microseconds(999));
  EXPECT_FALSE(repairer_.TakeTellTails(kLater + microseconds(999)));
  Asked(2, {1, 0, 1, 1}, kLater + microseconds(1000));
  EXPECT_TRUE(repairer_.TakeTellTails(kLater + microseconds(1000)));
}

TEST_F(OwnerRepairsTest, ReportsHowManyOfItsRecordsWereLost) {
  const Resend resend{0, 0, {{1, 0, 2, 3}, {0, 0, 7, 1}, {1, 0, 1, 5}}};
  EXPECT_EQ(repairer_.OnResend(2, resend, kLater), 3u);
}

TEST_F(OwnerRepairsTest, IgnoresARequestForASlotThatIsNotThere) {
  EXPECT_TRUE(Asked(2, {63, 0, 5, 1}).empty());
}

TEST_F(OwnerRepairsTest, ARequestBeyondItsStreamBringsWhatThereIs) {
  EXPECT_EQ(Asked(2, {1, 0, UINT16_MAX, 4}), (std::vector<Repair>{{1, kRepair | kAckNow, {4, 5}}}));
}

// Slot 2, which holds what slot 1 sent.
class HolderRepairsTest : public RepairerTest {
 protected:
  HolderRepairsTest() : RepairerTest(2) {}
  void Silence(Slot slot) { group_->peers[slot]->last_heard = kLater - milliseconds(100); }
  void Hear(Slot slot) { group_->peers[slot]->last_heard = kLater; }
};

TEST_F(HolderRepairsTest, LeavesTheAnswerToALivingOwner) {
  Hear(1);
  EXPECT_TRUE(Asked(0, {1, 0, 2, 3}).empty());
}

TEST_F(HolderRepairsTest, AnswersForASilentOwner) {
  Silence(1);
  Hear(0);
  EXPECT_EQ(Asked(0, {1, 0, 2, 3}), (std::vector<Repair>{{1, kRepair | kAckNow, {3, 4}}}));
}

TEST_F(HolderRepairsTest, ALearnerAnswersForNobody) {
  Silence(1);
  Hear(0);
  group_.SetStatus(2, MemberStatus::kLearner);
  EXPECT_TRUE(Asked(0, {1, 0, 2, 3}).empty()) << "it may not know that they were aborted";
}

TEST_F(HolderRepairsTest, LeavesTheAnswerToALowerRankThatHoldsTheRecords) {
  Silence(1);
  Hear(0);
  group_->board.Raise(0, 1, 0, 4);
  EXPECT_TRUE(Asked(0, {1, 0, 2, 3}).empty());
}

TEST_F(HolderRepairsTest, AnswersIfTheLowerRankIsSilentToo) {
  Silence(1);
  Silence(0);
  group_->board.Raise(0, 1, 0, 4);
  EXPECT_EQ(Asked(0, {1, 0, 2, 3}).size(), 1u);
}

TEST_F(HolderRepairsTest, NobodyAsksTheOneWhoAsks) {
  Silence(1);
  EXPECT_TRUE(Asked(1, {1, 0, 2, 3}).empty()) << "the owner asks for its own";
}

// The SM and the log.
class SmRepairsLogTest : public RepairerTest {
 protected:
  SmRepairsLogTest() : RepairerTest(0) {
    for (Seq number = 1; number <= 10; ++number) group_->log.Append(Advance(number));
  }
  std::vector<Commit> Wanted(uint64_t from, uint64_t to, Timestamp now = kLater) {
    group_.Clear();
    repairer_.WantLog(from, to);
    repairer_.EndTurn(now);
    return group_.Sent(PacketType::kCommit, DecodeCommit);
  }
};

TEST_F(SmRepairsLogTest, RepeatsTheRecordsAskedFor) {
  const auto commits = Wanted(3, 4);
  ASSERT_EQ(commits.size(), 1u);
  EXPECT_EQ(commits[0].first, 3u);
  EXPECT_EQ(commits[0].records, (std::vector<LogRecord>{Advance(3), Advance(4)}));
}

TEST_F(SmRepairsLogTest, AnswersSeveralRequestsAtOnce) {
  repairer_.WantLog(7, 8);
  const auto commits = Wanted(2, 3);
  ASSERT_EQ(commits.size(), 1u);
  EXPECT_EQ(commits[0].first, 2u);
  EXPECT_EQ(commits[0].records.size(), 7u);
}

TEST_F(SmRepairsLogTest, KnowsNothingBehindItsEndOrBelowWhatItKeeps) {
  EXPECT_TRUE(Wanted(11, 20).empty());
  group_->log.RetainBelowFloor(2);
  group_->log.TrimTo(6);
  const auto commits = Wanted(1, 6);
  ASSERT_EQ(commits.size(), 1u);
  EXPECT_EQ(commits[0].first, 5u);
  EXPECT_EQ(commits[0].floor, 6u);
}

TEST_F(SmRepairsLogTest, IgnoresARequestForWhatItHasJustRepeated) {
  Wanted(3, 4);
  EXPECT_TRUE(Wanted(3, 4, kLater + microseconds(499)).empty());
  EXPECT_EQ(Wanted(3, 4, kLater + microseconds(500)).size(), 1u);
}

TEST_F(SmRepairsLogTest, StopsBeforeAView) {
  LogRecord view;
  view.kind = LogRecord::Kind::kView;
  view.view = group_->view;
  group_->log.Append(view);
  group_->log.Append(Advance(12));
  const auto commits = Wanted(10, 12);
  ASSERT_EQ(commits.size(), 1u);
  EXPECT_EQ(commits[0].records.size(), 1u);
}

TEST_F(SmRepairsLogTest, CutsALongAnswerIntoDatagrams) {
  for (Seq number = 11; number <= 300; ++number) group_->log.Append(Advance(number));
  const auto commits = Wanted(1, 300);
  ASSERT_GT(commits.size(), 1u);
  uint64_t next = 1;
  for (const Commit& commit : commits) {
    EXPECT_EQ(commit.first, next);
    next += commit.records.size();
  }
  EXPECT_EQ(next, 301u);
}

TEST_F(OwnerRepairsTest, OnlyTheSmRepeatsTheLog) {
  group_->log.Append(Advance(1));
  repairer_.WantLog(1, 1);
  repairer_.EndTurn(kLater);
  EXPECT_TRUE(group_.Sent().empty());
}

}  // namespace
}  // namespace strata::multicast
