#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>

#include "absl/functional/function_ref.h"
#include "common/random.h"
#include "farm/content_key.h"
#include "service_manager/directory/chunk_pool.h"
#include "service_manager/directory/holder_blocks.h"
#include "service_manager/directory/limits.h"
#include "service_manager/directory/location.h"
#include "service_manager/directory/reader_epochs.h"
#include "service_manager/directory/shard_table.h"

namespace strata::manager::directory {

enum class AddResult {
  kAdded,
  kChanged,    // The holder was there, with other flags.
  kUnchanged,  // It was there, with these flags.
  kTooMany,    // kLocationsPerKeyMax, or too many contents with many locations; nothing changed.
};

// The way of one holder out of the index, in steps.
struct HolderRemoval {
  Holder holder;
  uint64_t removed = 0;  // Locations so far.

  bool done() const { return part == kParts; }

  // Where it goes on: a slot of a part's table, and which table of that part it was.
  uint32_t part = 0;
  uint32_t slot = 0;
  uint64_t tables = 0;
};

// The hot index of a directory: content key -> who holds a copy. One thread at a time changes it;
// any number of threads read it, each through a LocationReader, and never wait: not for a change,
// not for growth, not for each other. About 40 bytes a content with up to kInlineLocations
// locations. docs/decisions/0010 tells the layout.
//
// The index is cut by the first kPartBits of the key into kParts shards. A shard that is full is
// copied, alone, into a larger table; the old one is freed when the last reader has left it.
//
// What reads of one key beside a change of it see: each location that is there all the time, once;
// one that comes or goes, or not. Flags belong to their holder always.
class LocationIndex {
 public:
  using Visitor = absl::FunctionRef<void(const farm::ContentKey&, std::span<const Location>)>;
  using RemovalVisitor = absl::FunctionRef<void(const farm::ContentKey&, const Location&)>;

  // `random` makes the places of keys unguessable, and is not used afterwards. `memory` is asked
  // for pieces of kArenaBytes, aligned to that (huge pages make lookups faster); it must outlive
  // the index.
  explicit LocationIndex(RandomSource& random,
                         std::pmr::memory_resource& memory = *std::pmr::new_delete_resource());
  ~LocationIndex();  // After its readers.
  LocationIndex(const LocationIndex&) = delete;
  LocationIndex& operator=(const LocationIndex&) = delete;

  // ---- The writer's thread.

  AddResult Add(const farm::ContentKey& key, const Location& location);
  // False if it was not there.
  bool Remove(const farm::ContentKey& key, Holder holder);
  // Goes on with the removal of a holder: looks at `slots_max` slots at most and calls
  // `removed` for what it took out. Repeat until removal.done(). Locations of that holder
  // that are added meanwhile may stay or go: let it return afterwards, or with another number.
  void Continue(HolderRemoval& removal, size_t slots_max, RemovalVisitor removed);

  // As the reader's (location_reader.h), without being one.
  size_t Find(const farm::ContentKey& key, std::span<Location> out) const { return Read(key, out); }
  bool Contains(const farm::ContentKey& key) const { return Read(key, {}) > 0; }
  // Of the location at this holder; nothing if there is none.
  std::optional<LocationFlags> FlagsOf(const farm::ContentKey& key, Holder holder) const;

  // Frees what readers have left; growth does it by itself. For a writer that rests.
  void Reclaim();

  // What the index takes of memory, in bytes, and how many tables still wait for a reader.
  size_t memory_bytes() const;
  size_t retired() const { return retired_.size(); }

  // ---- Any thread.

  size_t size() const { return keys_.load(std::memory_order_relaxed); }  // Contents.
  size_t locations() const { return locations_.load(std::memory_order_relaxed); }

  static constexpr uint32_t RangeOf(const farm::ContentKey& key) {
    return static_cast<uint32_t>(key.high >> (64 - kRangeBits));
  }
  static constexpr uint32_t PartOf(const farm::ContentKey& key) {
    return static_cast<uint32_t>(key.high >> (64 - kPartBits));
  }
  // Of what lies in the range (location_digest.h); 0 for nothing. Sums of digests are the digest of
  // the ranges together.
  uint64_t digest(uint32_t range) const { return digests_[range].load(std::memory_order_relaxed); }

 private:
  friend class LocationReader;

  struct Shard {
    std::atomic<ShardTable*> table{nullptr};
    uint64_t tables = 0;  // So far.
    uint32_t used = 0;    // Slots of the table, with those whose locations are all gone.
    uint32_t live = 0;    // Keys.
  };
  // A table or a block that readers may still be in.
  struct Retired {
    uint64_t epoch = 0;
    ShardTable* table = nullptr;  // Else:
    uint32_t block = 0;
  };

  uint32_t HashOf(const farm::ContentKey& key) const {
    const auto product = static_cast<unsigned __int128>(key.low ^ seed_[0]) * (key.high ^ seed_[1]);
    return static_cast<uint32_t>((product >> 64 ^ product) >> 32);
  }

  // In the header, short and without branches on what a slot holds: so a processor begins with the
  // next lookup while memory for this one is still on its way.
  size_t Read(const farm::ContentKey& key, std::span<Location> out) const {
    const ShardTable* table = shards_[PartOf(key)].table.load(std::memory_order_seq_cst);
    if (table == nullptr) return 0;
    const Slot slot = table->Find(key, HashOf(key));
    return slot ? ReadSlot(slot, out) : 0;
  }
  void Prefetch(const farm::ContentKey& key) const {
    const ShardTable* table = shards_[PartOf(key)].table.load(std::memory_order_seq_cst);
    if (table != nullptr) table->Prefetch(HashOf(key));
  }
  size_t ReadSlot(const Slot& slot, std::span<Location> out) const {
    const uint64_t third = slot.word(2).load(std::memory_order_seq_cst);
    if (out.size() < kInlineLocations || (third & kBlock) != 0) [[unlikely]]
      return ReadSlotOfAnySize(slot, third, out);
    const uint64_t first = slot.word(0).load(std::memory_order_acquire);
    const uint64_t second = slot.word(1).load(std::memory_order_acquire);
    size_t count = 0;
    const auto put = [&](uint64_t word) {
      out[count] = LocationOf(word);
      count += (word & kPresent) != 0 ? 1 : 0;
    };
    put(first);
    put(second);
    put(third);
    return count;
  }
  size_t ReadSlotOfAnySize(const Slot& slot, uint64_t third, std::span<Location> out) const;
  void ReadRanges(uint32_t first, uint32_t count, Visitor visit) const;

  // A word that holds one location, and its bits that do.
  struct LocationWord {
    std::atomic<uint64_t>* word = nullptr;
    uint64_t mask = 0;
  };

  Slot FindSlot(Shard& shard, const farm::ContentKey& key);
  void AddKey(Shard& shard, const farm::ContentKey& key, const Location& location);
  bool AddToSlot(const Slot& slot, const Location& location);
  bool AddToBlock(const Slot& slot, const Location& location);
  // Where the slot, or its block, has that holder; null if nowhere.
  LocationWord Locate(const Slot& slot, Holder holder);
  bool Take(const Slot& slot, Holder holder, Location& taken);
  void DissolveSmallBlock(const Slot& slot);
  void Account(const farm::ContentKey& key, const Location& location, bool added);

  void RemoveFrom(Shard& shard, const Slot& slot, HolderRemoval& removal, RemovalVisitor removed);
  void Replace(Shard& shard, size_t keys);
  void ShrinkIfEmpty(Shard& shard);
  void Retire(Retired retired);

  const std::array<uint64_t, 2> seed_;
  ReaderEpochs epochs_;
  HolderBlocks blocks_;
  const std::unique_ptr<Shard[]> shards_;                   // kParts
  const std::unique_ptr<std::atomic<uint64_t>[]> digests_;  // kRanges
  std::atomic<size_t> keys_{0};
  std::atomic<size_t> locations_{0};

  // The writer's only.
  ChunkPool pool_;
  std::deque<Retired> retired_;
  size_t tables_bytes_ = 0;
};

}  // namespace strata::manager::directory
