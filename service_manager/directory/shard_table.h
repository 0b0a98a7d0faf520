#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "farm/content_key.h"
#include "service_manager/directory/chunk_pool.h"
#include "service_manager/directory/slot.h"

namespace strata::manager::directory {

// The slots of one shard: open addressing, linear probing by buckets. One writer, any number of
// readers. A key gets a slot once and for all; a table that is full, or mostly dead, is replaced by
// another.
//
// Never allocates after Make. Its memory ends with Destroy, not before the last reader left it.
class ShardTable {
 public:
  // An empty table of `slots` slots, as SlotsFor said.
  static ShardTable* Make(uint32_t slots, ChunkPool& pool);
  static void Destroy(ShardTable* table, ChunkPool& pool);

  // How many slots a table needs for `keys` keys.
  static uint32_t SlotsFor(size_t keys);
  // How many of them may be in use before a table must be replaced.
  static uint32_t UsedMax(uint32_t slots);

  // The key's slot, or none. `hash` is the key's, the same in all calls. Any thread.
  Slot Find(const farm::ContentKey& key, uint32_t hash) const {
    const uint32_t home = HomeOf(hash);
    Bucket& bucket = At(home);
    if (const Slot slot = FindIn(bucket, key); slot) [[likely]]
      return slot;
    const uint32_t reach = ReachOf(Slot(bucket, 0).word(0).load(std::memory_order_acquire));
    return reach == 0 ? Slot() : FindBeyond(key, home, reach);
  }

  // Asks for the memory that Find will read, and does not wait for it. Any thread.
  void Prefetch(uint32_t hash) const {
    const Bucket& bucket = At(HomeOf(hash));
    __builtin_prefetch(&bucket.words[0]);
    __builtin_prefetch(&bucket.words[2 * kBucketSlots]);
  }

  // Puts a key that is not there, with the locations in `words`; false if no slot is free. The
  // reach bits of words[0] are not looked at. The writer's.
  bool Insert(const std::array<uint64_t, 4>& words, uint32_t hash);

  uint32_t slots() const { return buckets_ * kBucketSlots; }
  // A slot by its number, used or not.
  Slot SlotAt(uint32_t i) const { return {At(i / kBucketSlots), i % kBucketSlots}; }
  // Without whole chunks, which are the pool's.
  size_t memory_bytes() const;

 private:
  explicit ShardTable(uint32_t buckets) : buckets_(buckets) {}

  // The pointers lie behind the object: one step less for a reader.
  Bucket** chunks() const { return reinterpret_cast<Bucket**>(const_cast<ShardTable*>(this) + 1); }
  Bucket& At(uint32_t bucket) const {
    return chunks()[bucket / kChunkBuckets][bucket % kChunkBuckets];
  }
  uint32_t chunk_count() const { return (buckets_ + kChunkBuckets - 1) / kChunkBuckets; }
  bool small() const { return buckets_ < kChunkBuckets; }
  uint32_t HomeOf(uint32_t hash) const {
    return static_cast<uint32_t>((uint64_t{hash} * buckets_) >> 32);
  }
  Slot FindBeyond(const farm::ContentKey& key, uint32_t home, uint32_t reach) const;
  void RaiseReach(uint32_t home, uint32_t distance);

  alignas(8) const uint32_t buckets_;
};

}  // namespace strata::manager::directory
