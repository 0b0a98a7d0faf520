#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "farm/content_key.h"
#include "service_manager/directory/chunk_pool.h"
#include "service_manager/directory/slot.h"

namespace strata::manager::directory {

// The slots of one shard: open addressing, linear probing. One writer, any number of readers. A key
// gets a slot once and for all; a table that is full, or mostly dead, is replaced by another.
//
// Never allocates after Make. Its memory ends with Destroy, not before the last reader left it.
class ShardTable {
 public:
  // An empty table of `slots` slots, as SlotsFor said.
  static ShardTable* Make(uint32_t slots, ChunkPool& pool);
  static void Destroy(ShardTable* table, ChunkPool& pool);

  // How many slots a table needs for `keys` keys, some new ones included.
  static uint32_t SlotsFor(size_t keys);
  // How many of them may be in use before a table must be replaced.
  static uint32_t UsedMax(uint32_t slots);

  // The key's slot, or null. `hash` is the key's, the same in all calls. Any thread.
  const Slot* Find(const KeyPattern& pattern, uint32_t hash) const;
  Slot* Find(const KeyPattern& pattern, uint32_t hash) {
    return const_cast<Slot*>(static_cast<const ShardTable*>(this)->Find(pattern, hash));
  }

  // Puts a key that is not there, with the locations in `words`; false if no slot is free. The
  // reach bits of words[0] are not looked at. The writer's.
  bool Insert(const std::array<uint64_t, 4>& words, uint32_t hash);

  uint32_t slots() const { return slots_; }
  Slot& At(uint32_t position) { return chunks()[position / kChunkSlots][position % kChunkSlots]; }
  const Slot& At(uint32_t position) const { return const_cast<ShardTable*>(this)->At(position); }
  // Without whole chunks, which are the pool's.
  size_t memory_bytes() const;

 private:
  explicit ShardTable(uint32_t slots) : slots_(slots) {}

  // The pointers lie behind the object: one step less for a reader.
  Slot** chunks() { return reinterpret_cast<Slot**>(this + 1); }
  uint32_t chunk_count() const { return (slots_ + kChunkSlots - 1) / kChunkSlots; }
  bool small() const { return slots_ < kChunkSlots; }
  uint32_t HomeOf(uint32_t hash) const {
    return static_cast<uint32_t>((uint64_t{hash} * slots_) >> 32);
  }
  const Slot* FindFar(const KeyPattern& pattern, uint32_t home) const;
  void RaiseReach(uint32_t home, uint32_t distance);

  const uint32_t slots_;
};

}  // namespace strata::manager::directory
