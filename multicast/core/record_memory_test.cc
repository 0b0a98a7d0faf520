#include "multicast/core/record_memory.h"

#include <gtest/gtest.h>

#include <deque>

#include "common/random.h"

namespace strata::multicast {
namespace {

constexpr size_t kBlock = RecordMemory::kBlockBytes;

TEST(RecordMemoryTest, CopiesThePayload) {
  RecordMemory memory;
  Bytes payload = {1, 2, 3};
  const auto place = memory.Store(payload);
  payload = {9, 9, 9};
  EXPECT_EQ(Bytes(place.data, place.data + 3), (Bytes{1, 2, 3}));
}

TEST(RecordMemoryTest, PutsRecordsBehindEachOther) {
  RecordMemory memory;
  const auto first = memory.Store(Bytes(10));
  const auto second = memory.Store(Bytes(20));
  EXPECT_EQ(first.block, second.block);
  EXPECT_EQ(second.data, first.data + 10);
}

TEST(RecordMemoryTest, TakesAnEmptyPayload) {
  RecordMemory memory;
  const auto place = memory.Store({});
  ASSERT_NE(place.block, nullptr);
  memory.Release(place.block);
}

TEST(RecordMemoryTest, OpensABlockWhenTheCurrentOneIsFull) {
  RecordMemory memory;
  const auto first = memory.Store(Bytes(kBlock));
  const auto second = memory.Store(Bytes(1));
  EXPECT_NE(first.block, second.block);
}

TEST(RecordMemoryTest, UsesAReleasedBlockAgain) {
  RecordMemory memory;
  const auto first = memory.Store(Bytes(kBlock));
  const auto second = memory.Store(Bytes(kBlock));
  memory.Release(first.block);
  const auto third = memory.Store(Bytes(kBlock));
  EXPECT_EQ(third.block, first.block);
  EXPECT_NE(third.block, second.block);
}

TEST(RecordMemoryTest, StartsTheCurrentBlockAnewOnceItIsEmpty) {
  RecordMemory memory;
  const auto first = memory.Store(Bytes(1000));
  memory.Release(first.block);
  EXPECT_EQ(memory.Store(Bytes(1000)).data, first.data);
}

TEST(RecordMemoryTest, UsesABlockAgainThatWasEmptiedWhileItWasCurrent) {
  RecordMemory memory;
  const auto first = memory.Store(Bytes(kBlock / 2));
  memory.Release(first.block);
  memory.Store(Bytes(kBlock / 2));
  const auto other = memory.Store(Bytes(kBlock));
  EXPECT_NE(other.block, first.block);
}

// Everything that lives keeps its bytes, whatever comes and goes around it.
TEST(RecordMemoryTest, NeverDisturbsALivingRecord) {
  struct Living {
    RecordMemory::Place place;
    size_t size;
    uint8_t fill;
  };
  RecordMemory memory;
  SeededRandom random(3);
  std::deque<Living> living;
  for (int round = 0; round < 20'000; ++round) {
    if (living.size() < 200 || random.Chance(0.5)) {
      const size_t size = random.Below(9000);
      const auto fill = static_cast<uint8_t>(random.Next());
      living.push_back({memory.Store(Bytes(size, fill)), size, fill});
    } else {
      const Living gone = living.front();
      living.pop_front();
      ASSERT_EQ(Bytes(gone.place.data, gone.place.data + gone.size), Bytes(gone.size, gone.fill));
      memory.Release(gone.place.block);
    }
  }
}

}  // namespace
}  // namespace strata::multicast
