#include "service_manager/directory/shard_table.h"

#include <bit>
#include <new>

#include "common/check.h"

namespace strata::manager::directory {
namespace {

constexpr uint32_t kSlotsMin = 8;
// A new table is filled to 74 %, and replaced at 84 %: 38 to 43 bytes a key, and a table is copied
// whenever its keys grew by an eighth.
constexpr uint32_t kFillNewPercent = 74;
constexpr uint32_t kFillMaxPercent = 84;

}  // namespace

Slot FindAmongEqualLowHalves(Bucket& bucket, const farm::ContentKey& key) {
  for (size_t i = 0; i < kBucketSlots; ++i) {
    const Slot slot(bucket, i);
    const bool same_low = slot.word(3).load(std::memory_order_relaxed) == key.low;
    if (same_low && HasHighHalf(slot, key)) return slot;
  }
  return {};
}

uint32_t ShardTable::SlotsFor(size_t keys) {
  const size_t wanted = keys * 100 / kFillNewPercent + 1;
  if (wanted < kChunkBuckets * kBucketSlots)
    return std::bit_ceil(static_cast<uint32_t>(wanted) | (kSlotsMin - 1));
  const size_t chunks = wanted / (kChunkBuckets * kBucketSlots) + 1;
  STRATA_CHECK(chunks * kChunkBuckets <= UINT32_MAX / kBucketSlots);
  return static_cast<uint32_t>(chunks * kChunkBuckets * kBucketSlots);
}

uint32_t ShardTable::UsedMax(uint32_t slots) {
  return static_cast<uint32_t>(uint64_t{slots} * kFillMaxPercent / 100);
}

ShardTable* ShardTable::Make(uint32_t slots, ChunkPool& pool) {
  const auto buckets = static_cast<uint32_t>(slots / kBucketSlots);
  const size_t chunks = (buckets + kChunkBuckets - 1) / kChunkBuckets;
  void* memory = ::operator new(sizeof(ShardTable) + chunks * sizeof(void*));
  auto* table = new (memory) ShardTable(buckets);
  if (table->small()) {
    table->chunks()[0] = new Bucket[buckets]{};
  } else {
    for (size_t i = 0; i < chunks; ++i) table->chunks()[i] = pool.Take();
  }
  return table;
}

void ShardTable::Destroy(ShardTable* table, ChunkPool& pool) {
  if (table == nullptr) return;
  if (table->small()) {
    delete[] table->chunks()[0];
  } else {
    for (uint32_t i = 0; i < table->chunk_count(); ++i) pool.Give(table->chunks()[i]);
  }
  table->~ShardTable();
  ::operator delete(table);
}

// A bucket fills from its first slot: one with a free last slot ends every search.
Slot ShardTable::FindBeyond(const farm::ContentKey& key, uint32_t home, uint32_t reach) const {
  const bool unlimited = reach == kReachUnlimited;
  uint32_t position = home;
  for (uint32_t left = unlimited ? buckets_ - 1 : DistanceOf(reach); left > 0; --left) {
    if (++position == buckets_) position = 0;
    Bucket& bucket = At(position);
    if (const Slot slot = FindIn(bucket, key); slot) return slot;
    const uint64_t last = Slot(bucket, kBucketSlots - 1).word(0).load(std::memory_order_acquire);
    if (last == 0) return {};
  }
  return {};
}

bool ShardTable::Insert(const std::array<uint64_t, 4>& words, uint32_t hash) {
  const uint32_t home = HomeOf(hash);
  uint32_t position = home;
  for (uint32_t distance = 0; distance < buckets_; ++distance) {
    Bucket& bucket = At(position);
    for (size_t i = 0; i < kBucketSlots; ++i) {
      const Slot slot(bucket, i);
      if (slot.word(0).load(std::memory_order_relaxed) != 0) continue;
      for (size_t w = 1; w < words.size(); ++w) {
        slot.word(w).store(words[w], std::memory_order_relaxed);
      }
      slot.word(0).store((words[0] & ~kReachMask) | kUsed, std::memory_order_release);
      RaiseReach(home, distance);
      return true;
    }
    if (++position == buckets_) position = 0;
  }
  return false;
}

// After the key is in its slot: who looks before finds nothing, as if it had come later.
void ShardTable::RaiseReach(uint32_t home, uint32_t distance) {
  std::atomic<uint64_t>& word = Slot(At(home), 0).word(0);
  const uint64_t first = word.load(std::memory_order_relaxed);
  const uint64_t reach = ReachFor(distance);
  if (reach <= ReachOf(first)) return;
  word.store((first & ~kReachMask) | reach << kReachShift, std::memory_order_release);
}

size_t ShardTable::memory_bytes() const {
  return sizeof(ShardTable) + chunk_count() * sizeof(void*) +
         (small() ? buckets_ * sizeof(Bucket) : 0);
}

}  // namespace strata::manager::directory
