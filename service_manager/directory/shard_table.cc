#include "service_manager/directory/shard_table.h"

#include <bit>
#include <new>

#include "common/check.h"

namespace strata::manager::directory {
namespace {

constexpr uint32_t kSlotsMin = 8;
// A new table is filled to 77 %, and replaced at 87 %: 37 to 42 bytes a key, and a table is copied
// whenever its keys grew by an eighth.
constexpr uint32_t kFillNewPercent = 77;
constexpr uint32_t kFillMaxPercent = 87;

}  // namespace

uint32_t ShardTable::SlotsFor(size_t keys) {
  const size_t wanted = keys * 100 / kFillNewPercent + 1;
  if (wanted < kChunkSlots) return std::bit_ceil(static_cast<uint32_t>(wanted) | (kSlotsMin - 1));
  const size_t chunks = (wanted + kChunkSlots - 1) / kChunkSlots;
  STRATA_CHECK(chunks * kChunkSlots <= UINT32_MAX);
  return static_cast<uint32_t>(chunks * kChunkSlots);
}

uint32_t ShardTable::UsedMax(uint32_t slots) {
  return static_cast<uint32_t>(uint64_t{slots} * kFillMaxPercent / 100);
}

ShardTable* ShardTable::Make(uint32_t slots, ChunkPool& pool) {
  const uint32_t chunk_count = (slots + kChunkSlots - 1) / kChunkSlots;
  void* memory = ::operator new(sizeof(ShardTable) + chunk_count * sizeof(void*));
  auto* table = new (memory) ShardTable(slots);
  if (table->small()) {
    table->chunks()[0] = new Slot[slots]{};
  } else {
    for (uint32_t i = 0; i < chunk_count; ++i) table->chunks()[i] = pool.Take();
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

const Slot* ShardTable::Find(const KeyPattern& pattern, uint32_t hash) const {
  const uint32_t home = HomeOf(hash);
  const uint64_t first = At(home).words[0].load(std::memory_order_acquire);
  if (first == 0) return nullptr;
  const uint32_t reach = ReachOf(first);
  if (reach == kReachUnlimited) [[unlikely]]
    return FindFar(pattern, home);
  uint32_t position = home;
  for (uint32_t left = DistanceOf(reach) + 1; left > 0; --left) {
    const Slot& slot = At(position);
    if (HasKey(slot, pattern)) return &slot;
    if (++position == slots_) position = 0;
  }
  return nullptr;
}

const Slot* ShardTable::FindFar(const KeyPattern& pattern, uint32_t home) const {
  uint32_t position = home;
  for (uint32_t left = slots_; left > 0; --left) {
    const Slot& slot = At(position);
    if (slot.words[0].load(std::memory_order_acquire) == 0) return nullptr;
    if (HasKey(slot, pattern)) return &slot;
    if (++position == slots_) position = 0;
  }
  return nullptr;
}

bool ShardTable::Insert(const std::array<uint64_t, 4>& words, uint32_t hash) {
  const uint32_t home = HomeOf(hash);
  uint32_t position = home;
  for (uint32_t distance = 0; distance < slots_; ++distance) {
    Slot& slot = At(position);
    if (slot.words[0].load(std::memory_order_relaxed) == 0) {
      for (size_t i = 1; i < words.size(); ++i) {
        slot.words[i].store(words[i], std::memory_order_relaxed);
      }
      slot.words[0].store((words[0] & ~kReachMask) | kUsed, std::memory_order_release);
      RaiseReach(home, distance);
      return true;
    }
    if (++position == slots_) position = 0;
  }
  return false;
}

// After the key is in its slot: who looks before finds nothing, as if it had come later.
void ShardTable::RaiseReach(uint32_t home, uint32_t distance) {
  std::atomic<uint64_t>& word = At(home).words[0];
  const uint64_t first = word.load(std::memory_order_relaxed);
  const uint64_t reach = ReachFor(distance);
  if (reach <= ReachOf(first)) return;
  word.store((first & ~kReachMask) | reach << kReachShift, std::memory_order_release);
}

size_t ShardTable::memory_bytes() const {
  return sizeof(ShardTable) + chunk_count() * sizeof(void*) + (small() ? slots_ * sizeof(Slot) : 0);
}

}  // namespace strata::manager::directory
