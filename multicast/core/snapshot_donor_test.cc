#include "multicast/core/snapshot_donor.h"

#include <gtest/gtest.h>

#include "multicast/core/test_group.h"

namespace strata::multicast {
namespace {

using std::chrono::milliseconds;
using testing::kStart;
using testing::TestGroup;

const Endpoint kLearner = {IpAddress::V4(10, 0, 0, 9), 5000};

// A full member of three.
class SnapshotDonorTest : public ::testing::Test {
 protected:
  void Request(uint64_t nonce, uint64_t min_commit, uint64_t offset = 0, uint32_t bytes = 32 << 10,
               uint64_t applied = 50, Timestamp now = kStart) {
    group_.Clear();
    donor_.OnRequest({nonce, min_commit, offset, bytes}, learner_, kLearner, applied, now);
  }
  std::vector<SnapshotChunk> Chunks() {
    return group_.Sent(PacketType::kSnapshotChunk, DecodeSnapshotChunk);
  }
  std::vector<TakeSnapshotAction> Asked() { return group_.Actions<TakeSnapshotAction>(); }
  // A transfer of `state` that is ready.
  void Serve(uint64_t nonce, Bytes state) {
    Request(nonce, 10);
    ASSERT_EQ(Asked().size(), 1u);
    ASSERT_TRUE(donor_.OnTaken(Asked()[0].transfer, std::move(state), kStart));
  }

  MemberInfo learner_ = testing::MakeMember(9, Role::kEngine, MemberStatus::kLearner);
  TestGroup group_{0};
  SnapshotDonor donor_{*group_};
};

TEST_F(SnapshotDonorTest, AsksTheApplicationAndPutsTheLearnerOff) {
  Request(1, 10);
  ASSERT_EQ(Asked().size(), 1u);
  EXPECT_EQ(Asked()[0].commit_number, 50u);
  ASSERT_EQ(Chunks().size(), 1u);
  EXPECT_TRUE(Chunks()[0].not_ready);
  EXPECT_EQ(Chunks()[0].nonce, 1u);
  EXPECT_EQ(group_.Sent()[0].unicast, kLearner);
}

TEST_F(SnapshotDonorTest, TellsTheApplicationForWhom) {
  learner_.light = true;
  Request(1, 10);
  ASSERT_EQ(Asked().size(), 1u);
  EXPECT_EQ(Asked()[0].learner, MemberId(9));
  EXPECT_TRUE(Asked()[0].light);
}

TEST_F(SnapshotDonorTest, ALightMemberGivesNothing) {
  group_->self.light = true;
  Request(1, 10);
  EXPECT_TRUE(Asked().empty());
  ASSERT_EQ(Chunks().size(), 1u);
  EXPECT_TRUE(Chunks()[0].refused);
}

TEST_F(SnapshotDonorTest, AsksTheApplicationOnce) {
  Request(1, 10);
  Request(1, 10);
  EXPECT_TRUE(Asked().empty());
}

TEST_F(SnapshotDonorTest, WaitsUntilItHasAppliedWhatTheLearnerNeeds) {
  Request(1, 60);
  EXPECT_TRUE(Asked().empty());
  donor_.EndTurn(59);
  EXPECT_TRUE(Asked().empty());
  donor_.EndTurn(61);
  ASSERT_EQ(Asked().size(), 1u);
  EXPECT_EQ(Asked()[0].commit_number, 61u);
}

TEST_F(SnapshotDonorTest, SendsThePieceThatIsAskedFor) {
  Serve(1, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  Request(1, 10, 4, 3);
  ASSERT_EQ(Chunks().size(), 1u);
  const SnapshotChunk chunk = Chunks()[0];
  EXPECT_EQ(chunk.commit, 50u);
  EXPECT_EQ(chunk.total, 10u);
  EXPECT_EQ(chunk.offset, 4u);
  EXPECT_EQ(Bytes(chunk.bytes.begin(), chunk.bytes.end()), (Bytes{4, 5, 6}));
}

TEST_F(SnapshotDonorTest, CutsALargePieceIntoDatagramsWithoutGaps) {
  Bytes state(20'000);
  for (size_t i = 0; i < state.size(); ++i) state[i] = static_cast<uint8_t>(i * 7 / 3);
  Serve(1, state);
  Request(1, 10);
  Bytes got;
  for (const SnapshotChunk& chunk : Chunks()) {
    EXPECT_EQ(chunk.offset, got.size());
    got.insert(got.end(), chunk.bytes.begin(), chunk.bytes.end());
  }
  EXPECT_EQ(got, state);
}

TEST_F(SnapshotDonorTest, SendsABoundedNumberOfBytesForARequest) {
  Serve(1, Bytes(1 << 20));
  Request(1, 10, 0, UINT32_MAX);
  size_t bytes = 0;
  for (const SnapshotChunk& chunk : Chunks()) bytes += chunk.bytes.size();
  EXPECT_EQ(bytes, size_t{64} << 10);
}

TEST_F(SnapshotDonorTest, AnEmptyStateIsOneEmptyChunk) {
  Serve(1, {});
  Request(1, 10);
  ASSERT_EQ(Chunks().size(), 1u);
  EXPECT_EQ(Chunks()[0].total, 0u);
  EXPECT_FALSE(Chunks()[0].not_ready);
}

TEST_F(SnapshotDonorTest, NothingIsBehindTheEnd) {
  Serve(1, {1, 2, 3});
  Request(1, 10, 4);
  EXPECT_TRUE(Chunks().empty());
  EXPECT_EQ(group_->counters[Counter::kNotExpected], 1u);
}

TEST_F(SnapshotDonorTest, RefusesWithoutStateOfItsOwn) {
  group_->synced = false;
  Request(1, 10);
  ASSERT_EQ(Chunks().size(), 1u);
  EXPECT_TRUE(Chunks()[0].refused);
  EXPECT_TRUE(Asked().empty());
}

TEST_F(SnapshotDonorTest, RefusesAsALearner) {
  group_.SetStatus(0, MemberStatus::kLearner);
  Request(1, 10);
  EXPECT_TRUE(Chunks()[0].refused);
}

TEST_F(SnapshotDonorTest, ServesABoundedNumberOfLearners) {
  for (uint64_t nonce = 1; nonce <= 4; ++nonce) {
    Request(nonce, 10);
    EXPECT_FALSE(Chunks()[0].refused);
  }
  Request(5, 10);
  EXPECT_TRUE(Chunks()[0].refused);
}

TEST_F(SnapshotDonorTest, ForgetsALearnerThatStoppedAsking) {
  Serve(1, {1});
  EXPECT_EQ(donor_.deadline(), kStart + milliseconds(5001));
  donor_.OnTimer(kStart + milliseconds(5000));
  EXPECT_NE(donor_.deadline(), Timestamp::Never());
  donor_.OnTimer(kStart + milliseconds(5001));
  EXPECT_EQ(donor_.deadline(), Timestamp::Never());
}

TEST_F(SnapshotDonorTest, AStateThatIsTooLargeIsARefusal) {
  Request(1, 10);
  EXPECT_TRUE(donor_.OnTaken(Asked()[0].transfer, Bytes(kMaxSnapshotBytes + 1), kStart));
  Request(1, 10);
  ASSERT_EQ(Chunks().size(), 1u);
  EXPECT_TRUE(Chunks()[0].refused);
}

TEST_F(SnapshotDonorTest, AStateThatNobodyWaitsForIsTurnedAway) {
  EXPECT_FALSE(donor_.OnTaken(1, {1}, kStart));
  Serve(1, {1});
  EXPECT_FALSE(donor_.OnTaken(1, {1}, kStart)) << "it has one already";
}

}  // namespace
}  // namespace strata::multicast
