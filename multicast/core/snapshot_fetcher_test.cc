#include "multicast/core/snapshot_fetcher.h"

#include <gtest/gtest.h>

#include "multicast/core/test_group.h"

namespace strata::multicast {
namespace {

using std::chrono::milliseconds;
using testing::kStart;
using testing::MakeView;
using testing::TestGroup;

const Bytes kState = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

// Member 4 of four, a learner.
class SnapshotFetcherTest : public ::testing::Test {
 protected:
  SnapshotFetcherTest() {
    group_.SetStatus(3, MemberStatus::kLearner);
    group_->synced = false;
    group_->log.StartAfter(45);
    fetcher_.Start(40, kStart);
  }
  // The request that goes out now, and where to.
  SnapshotRequest Ask(Timestamp now) {
    group_.Clear();
    fetcher_.OnTimer(now);
    const auto requests = group_.Sent(PacketType::kSnapshotRequest, DecodeSnapshotRequest);
    EXPECT_EQ(requests.size(), 1u);
    if (requests.empty()) return {};
    asked_ = group_.Sent()[0].unicast;
    return requests[0];
  }
  SnapshotChunk Chunk(uint64_t nonce, uint64_t offset, size_t bytes, uint64_t commit = 45) {
    SnapshotChunk chunk;
    chunk.nonce = nonce;
    chunk.commit = commit;
    chunk.total = kState.size();
    chunk.offset = offset;
    chunk.bytes = ByteSpan(kState).subspan(offset, bytes);
    return chunk;
  }
  Endpoint AddressOf(Slot slot) { return group_->view.members[slot].unicast; }

  TestGroup group_{3, 4};
  SnapshotFetcher fetcher_{*group_};
  Endpoint asked_;
};

TEST_F(SnapshotFetcherTest, AsksTheSmFirst) {
  const SnapshotRequest request = Ask(kStart);
  EXPECT_EQ(asked_, AddressOf(0));
  EXPECT_EQ(request.min_commit, 40u);
  EXPECT_EQ(request.offset, 0u);
  EXPECT_NE(request.nonce, 0u);
}

TEST_F(SnapshotFetcherTest, NeverAsksALightMember) {
  group_->view.members[1].light = true;
  SnapshotChunk refusal;
  refusal.nonce = Ask(kStart).nonce;
  refusal.refused = true;
  fetcher_.OnChunk(refusal, kStart);
  Ask(kStart + milliseconds(100));
  EXPECT_EQ(asked_, AddressOf(2));
}

TEST_F(SnapshotFetcherTest, IsDoneWhenAllPiecesAreHere) {
  const SnapshotRequest request = Ask(kStart);
  fetcher_.OnChunk(Chunk(request.nonce, 0, 4), kStart);
  EXPECT_FALSE(fetcher_.TakeFetched());
  fetcher_.OnChunk(Chunk(request.nonce, 4, 6), kStart);
  const auto fetched = fetcher_.TakeFetched();
  ASSERT_TRUE(fetched);
  EXPECT_EQ(fetched->commit, 45u);
  EXPECT_EQ(fetched->state, kState);
  EXPECT_FALSE(fetcher_.TakeFetched()) << "once";
}

TEST_F(SnapshotFetcherTest, PiecesMayComeInAnyOrderAndTwice) {
  const SnapshotRequest request = Ask(kStart);
  fetcher_.OnChunk(Chunk(request.nonce, 6, 4), kStart);
  fetcher_.OnChunk(Chunk(request.nonce, 6, 4), kStart);
  fetcher_.OnChunk(Chunk(request.nonce, 0, 4), kStart);
  fetcher_.OnChunk(Chunk(request.nonce, 3, 3), kStart);
  const auto fetched = fetcher_.TakeFetched();
  ASSERT_TRUE(fetched);
  EXPECT_EQ(fetched->state, kState);
}

TEST_F(SnapshotFetcherTest, AnEmptyStateIsAState) {
  const SnapshotRequest request = Ask(kStart);
  SnapshotChunk chunk;
  chunk.nonce = request.nonce;
  chunk.commit = 45;
  fetcher_.OnChunk(chunk, kStart);
  EXPECT_TRUE(fetcher_.TakeFetched());
}

TEST_F(SnapshotFetcherTest, AsksAgainFromTheFirstGap) {
  const SnapshotRequest request = Ask(kStart);
  fetcher_.OnChunk(Chunk(request.nonce, 0, 4), kStart);
  fetcher_.OnChunk(Chunk(request.nonce, 6, 4), kStart);
  EXPECT_EQ(fetcher_.deadline(), kStart + milliseconds(20));
  const SnapshotRequest again = Ask(kStart + milliseconds(20));
  EXPECT_EQ(again.nonce, request.nonce);
  EXPECT_EQ(again.offset, 4u);
}

TEST_F(SnapshotFetcherTest, GoesToTheNextDonorWhenOneRefuses) {
  const SnapshotRequest request = Ask(kStart);
  SnapshotChunk no;
  no.nonce = request.nonce;
  no.refused = true;
  fetcher_.OnChunk(no, kStart);
  const SnapshotRequest next = Ask(kStart + milliseconds(20));
  EXPECT_EQ(asked_, AddressOf(1));
  EXPECT_NE(next.nonce, request.nonce);
}

TEST_F(SnapshotFetcherTest, GoesToTheNextDonorWhenOneIsSilent) {
  Timestamp now = kStart;
  for (int i = 0; i < 20; ++i) {
    Ask(now);
    EXPECT_EQ(asked_, AddressOf(0));
    now += milliseconds(20);
  }
  Ask(now);
  EXPECT_EQ(asked_, AddressOf(1));
}

TEST_F(SnapshotFetcherTest, WaitsForADonorWhoseApplicationIsSlow) {
  Timestamp now = kStart;
  for (int i = 0; i < 100; ++i) {
    SnapshotChunk wait;
    wait.nonce = Ask(now).nonce;
    wait.not_ready = true;
    EXPECT_EQ(asked_, AddressOf(0));
    fetcher_.OnChunk(wait, now);
    now += milliseconds(20);
  }
}

TEST_F(SnapshotFetcherTest, AsksOnlyFullMembers) {
  group_.SetStatus(0, MemberStatus::kLearner);
  group_.SetStatus(1, MemberStatus::kWitness);
  fetcher_.Start(40, kStart);
  Ask(kStart);
  EXPECT_EQ(asked_, AddressOf(2));
}

TEST_F(SnapshotFetcherTest, GoesToTheNextDonorWhenTheDonorLeftTheView) {
  Ask(kStart);
  std::vector<MemberInfo> members = group_->view.members;
  members.erase(members.begin());
  group_->view = MakeView(2, members);
  group_->self_slot = 2;
  fetcher_.OnViewInstalled(kStart);
  Ask(kStart);
  EXPECT_EQ(asked_, AddressOf(0)) << "the new first full member";
}

TEST_F(SnapshotFetcherTest, ASnapshotAheadOfTheLogWaitsForTheLog) {
  const SnapshotRequest request = Ask(kStart);
  fetcher_.OnChunk(Chunk(request.nonce, 0, 10, 46), kStart);
  EXPECT_FALSE(fetcher_.TakeFetched()) << "number 46 may be known to the donor alone";
  EXPECT_EQ(fetcher_.deadline(), Timestamp::Never()) << "nothing more to ask for";
  group_->log.Append(LogRecord());
  EXPECT_TRUE(fetcher_.TakeFetched());
}

TEST_F(SnapshotFetcherTest, ASnapshotThatWaitsGoesWithItsDonor) {
  const SnapshotRequest request = Ask(kStart);
  fetcher_.OnChunk(Chunk(request.nonce, 0, 10, 46), kStart);
  group_->view.members[0].incarnation.bytes.fill(77);
  fetcher_.OnViewInstalled(kStart);
  group_->log.Append(LogRecord());
  EXPECT_FALSE(fetcher_.TakeFetched()) << "the new view has another number 46";
  EXPECT_NE(Ask(kStart).nonce, request.nonce);
}

TEST_F(SnapshotFetcherTest, KeepsItsDonorOverAViewChange) {
  const SnapshotRequest request = Ask(kStart);
  group_->view.number = 2;
  fetcher_.OnViewInstalled(kStart);
  EXPECT_EQ(Ask(kStart + milliseconds(20)).nonce, request.nonce);
}

TEST_F(SnapshotFetcherTest, ForeignChunksCountAndChangeNothing) {
  const SnapshotRequest request = Ask(kStart);
  fetcher_.OnChunk(Chunk(request.nonce + 1, 0, 10), kStart);
  EXPECT_FALSE(fetcher_.TakeFetched());
  EXPECT_EQ(group_->counters[Counter::kNotExpected], 1u);
}

TEST_F(SnapshotFetcherTest, ASnapshotThatIsTooOldIsMalformed) {
  const SnapshotRequest request = Ask(kStart);
  fetcher_.OnChunk(Chunk(request.nonce, 0, 10, 39), kStart);
  EXPECT_FALSE(fetcher_.TakeFetched());
  EXPECT_EQ(group_->counters[Counter::kMalformed], 1u);
}

TEST_F(SnapshotFetcherTest, PiecesOfTwoSnapshotsDoNotMix) {
  const SnapshotRequest request = Ask(kStart);
  fetcher_.OnChunk(Chunk(request.nonce, 0, 4, 45), kStart);
  fetcher_.OnChunk(Chunk(request.nonce, 4, 6, 46), kStart);
  EXPECT_FALSE(fetcher_.TakeFetched());
  EXPECT_EQ(group_->counters[Counter::kMalformed], 1u);
}

TEST_F(SnapshotFetcherTest, PiecesOfTwoSnapshotsDoNotMixBeforeTheFirstByteEither) {
  const SnapshotRequest request = Ask(kStart);
  fetcher_.OnChunk(Chunk(request.nonce, 4, 6, 45), kStart);
  fetcher_.OnChunk(Chunk(request.nonce, 0, 4, 46), kStart);
  EXPECT_FALSE(fetcher_.TakeFetched());
}

TEST_F(SnapshotFetcherTest, StopsWhenItIsTold) {
  fetcher_.Stop();
  EXPECT_FALSE(fetcher_.running());
  EXPECT_EQ(fetcher_.deadline(), Timestamp::Never());
  group_.Clear();
  fetcher_.OnTimer(kStart + milliseconds(100));
  EXPECT_TRUE(group_.Sent().empty());
}

}  // namespace
}  // namespace strata::multicast
