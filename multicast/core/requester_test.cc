#include "multicast/core/requester.h"

#include <gtest/gtest.h>

#include "multicast/core/test_group.h"

namespace strata::multicast {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::kStart;
using testing::TestGroup;

// Member 3 of three. Repair timer 1 ms, reordering delay 200 µs.
class RequesterTest : public ::testing::Test {
 protected:
  void Miss(Slot slot, Seq seq, StreamId stream = 0) {
    group_.StreamOf(slot, stream).known = true;
    requester_.NoteExists(slot, stream, seq, kStart);
  }
  std::vector<Resend> At(Timestamp now) {
    group_.Clear();
    requester_.EndTurn(now);
    return group_.Sent(PacketType::kResend, DecodeResend);
  }

  TestGroup group_{2};
  Requester requester_{*group_};
};

TEST_F(RequesterTest, WaitsForReorderingBeforeItAsks) {
  Miss(0, 2);
  EXPECT_EQ(requester_.deadline(), kStart + microseconds(200));
  EXPECT_TRUE(At(kStart + microseconds(199)).empty());
  const auto sent = At(kStart + microseconds(200));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].requests, (std::vector<ResendRequest>{{0, 0, 2, 1}}));
  EXPECT_EQ(sent[0].log_from, 0u);
}

TEST_F(RequesterTest, AsksTheWholeGroup) {
  Miss(0, 1);
  At(kStart + milliseconds(1));
  ASSERT_EQ(group_.Sent().size(), 1u);
  EXPECT_EQ(group_.Sent()[0].to, Destination::kGroup);
}

TEST_F(RequesterTest, AsksForSeveralStreamsInOnePacket) {
  Miss(0, 1);
  Miss(1, 3, 4);
  const auto sent = At(kStart + milliseconds(1));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].requests, (std::vector<ResendRequest>{{0, 0, 1, 1}, {1, 4, 3, 1}}));
}

TEST_F(RequesterTest, AsksAgainAfterTheRepairTimer) {
  Miss(0, 1);
  const Timestamp first = kStart + microseconds(200);
  ASSERT_EQ(At(first).size(), 1u);
  EXPECT_TRUE(At(first + microseconds(999)).empty());
  EXPECT_EQ(At(first + microseconds(1000)).size(), 1u);
}

TEST_F(RequesterTest, StopsWhenTheGapIsFilled) {
  Miss(0, 1);
  group_.Hold(0, 0, 1, 1);
  EXPECT_TRUE(At(kStart + milliseconds(1)).empty());
  EXPECT_EQ(requester_.deadline(), Timestamp::Never());
}

TEST_F(RequesterTest, AsksForNothingOfItsOwn) {
  group_.StreamOf(2).known = true;
  requester_.NoteExists(2, 0, 5, kStart);
  EXPECT_EQ(requester_.deadline(), Timestamp::Never());
}

TEST_F(RequesterTest, AsksForNothingOfAStreamWhosePositionItDoesNotKnow) {
  requester_.NoteExists(0, 0, 5, kStart);
  EXPECT_EQ(requester_.deadline(), Timestamp::Never());
}

TEST_F(RequesterTest, AWitnessAsksForNoRecords) {
  group_->self.role = Role::kWitness;
  Miss(0, 1);
  EXPECT_EQ(requester_.deadline(), Timestamp::Never());
}

TEST_F(RequesterTest, AnothersRequestSilencesItForARepairTimer) {
  Miss(0, 2);
  requester_.OnResend({0, 0, {{0, 0, 2, 1}}}, kStart + microseconds(100));
  EXPECT_TRUE(At(kStart + microseconds(1050)).empty());
  EXPECT_EQ(At(kStart + microseconds(1100)).size(), 1u);
  EXPECT_EQ(group_->counters[Counter::kResendsSuppressed], 2u);
}

TEST_F(RequesterTest, ARequestForAMemberThatIsNotThereIsIgnored) {
  Miss(0, 1);
  requester_.OnResend({0, 0, {{40, 0, 2, 1}}}, kStart);
  EXPECT_EQ(At(kStart + microseconds(200)).size(), 1u);
}

TEST_F(RequesterTest, HurryAsksAtOnce) {
  Miss(0, 1);
  requester_.Hurry(kStart);
  EXPECT_EQ(At(kStart).size(), 1u);
}

TEST_F(RequesterTest, AsksForMissingLogRecords) {
  group_->log.StartAfter(20);
  requester_.NoteLog(23, kStart);
  EXPECT_TRUE(At(kStart + microseconds(199)).empty());
  const auto sent = At(kStart + microseconds(200));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].log_from, 21u);
  EXPECT_EQ(sent[0].log_to, 23u);
}

TEST_F(RequesterTest, AsksForTheLogAgainWithDoublingPatience) {
  requester_.NoteLog(3, kStart);
  Timestamp now = kStart + microseconds(200);
  for (const int wait : {1, 2, 4, 8}) {
    ASSERT_EQ(At(now).size(), 1u);
    EXPECT_TRUE(At(now + milliseconds(wait) - microseconds(1)).empty());
    now += milliseconds(wait);
  }
}

TEST_F(RequesterTest, AsksForTheLogNoMoreOnceItIsHere) {
  requester_.NoteLog(1, kStart);
  group_->log.Append({});
  EXPECT_TRUE(At(kStart + milliseconds(1)).empty());
  EXPECT_EQ(requester_.deadline(), Timestamp::Never());
}

TEST_F(RequesterTest, AnothersRequestForTheLogPutsItOff) {
  requester_.NoteLog(3, kStart);
  requester_.OnResend({1, 3, {}}, kStart + microseconds(100));
  EXPECT_TRUE(At(kStart + microseconds(1050)).empty());
  EXPECT_EQ(At(kStart + microseconds(1100)).size(), 1u);
}

TEST_F(RequesterTest, AnothersRequestForALaterPartOfTheLogDoesNot) {
  requester_.NoteLog(3, kStart);
  requester_.OnResend({3, 3, {}}, kStart + microseconds(100));
  EXPECT_EQ(At(kStart + microseconds(200)).size(), 1u);
}

TEST_F(RequesterTest, OnePacketHoldsNoMoreThanItsLimitOfRequests) {
  PeerStream& side = group_.StreamOf(0);
  side.known = true;
  for (Seq seq = 2; seq <= 200; seq += 2) group_.Hold(0, 0, seq, seq);
  requester_.NoteGap(0, 0, kStart);
  const auto first = At(kStart + microseconds(200));
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].requests.size(), kMaxResendRequests);
  const auto second = At(kStart + microseconds(500));
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].requests.size(), 100 - kMaxResendRequests);
}

TEST_F(RequesterTest, AResetLooksAtEveryStreamAnew) {
  group_.StreamOf(1).known = true;
  group_.StreamOf(1).records.NoteExists(4, 100, kStart);
  requester_.Reset(kStart);
  const auto sent = At(kStart + milliseconds(1));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].requests, (std::vector<ResendRequest>{{1, 0, 4, 1}}));
}

}  // namespace
}  // namespace strata::multicast
