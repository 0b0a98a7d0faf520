#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <memory_resource>
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
  uint32_t next_range = 0;
  uint64_t removed = 0;  // Locations so far.

  bool done() const { return next_range == kRanges; }
};

// The hot index of a directory: content key -> who holds a copy. One thread at a time changes it;
// any number of threads read it, each through a LocationReader, and never wait: not for a change,
// not for growth, not for each other. About 40 bytes a content with up to kInlineLocations
// locations. docs/decisions/0010 tells the layout.
//
// The index is cut by the first kRangeBits of the key into kRanges shards. A shard that is full is
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
  // Goes on with the removal of a holder: looks at about `slots_max` slots, one shard at least, and
  // calls `removed` for what it took out. Repeat until removal.done(). Locations of that holder
  // that are added meanwhile may stay or go: let it return afterwards, or with another number.
  void Continue(HolderRemoval& removal, size_t slots_max, RemovalVisitor removed);

  // As the reader's (location_reader.h), without being one.
  size_t Find(const farm::ContentKey& key, std::span<Location> out) const { return Read(key, out); }
  bool Contains(const farm::ContentKey& key) const { return Read(key, {}) > 0; }

  // Frees what readers have left; growth does it by itself. For a writer that rests.
  void Reclaim();

  // What the index takes of memory, in bytes, and how many tables still wait for a reader.
  size_t memory_bytes() const;
  size_t retired() const { return retired_.size(); }

  // ---- Any thread.

  size_t size() const { return keys_.load(std::memory_order_relaxed); }  // Contents.
  size_t locations() const { return locations_.load(std::memory_order_relaxed); }

  static uint32_t RangeOf(const farm::ContentKey& key) {
    return static_cast<uint32_t>(key.high >> (64 - kRangeBits));
  }
  // Of what lies in the range (location_digest.h); 0 for nothing. Sums of digests are the digest of
  // the ranges together.
  uint64_t digest(uint32_t range) const {
    return shards_[range].digest.load(std::memory_order_relaxed);
  }

 private:
  friend class LocationReader;

  struct Shard {
    std::atomic<ShardTable*> table{nullptr};
    std::atomic<uint64_t> digest{0};
    uint32_t used = 0;  // Slots of the table, with those whose locations are all gone.
    uint32_t live = 0;  // Keys.
  };
  // A table or a block that readers may still be in.
  struct Retired {
    uint64_t epoch = 0;
    ShardTable* table = nullptr;  // Else:
    uint32_t block = 0;
  };

  uint32_t HashOf(const farm::ContentKey& key) const;
  size_t Read(const farm::ContentKey& key, std::span<Location> out) const;
  size_t ReadSlot(const Slot& slot, std::span<Location> out) const;
  void ReadRange(uint32_t range, Visitor visit) const;

  // A word that holds one location, and its bits that do.
  struct LocationWord {
    std::atomic<uint64_t>* word = nullptr;
    uint64_t mask = 0;
  };

  Slot* FindSlot(Shard& shard, const farm::ContentKey& key);
  void AddKey(Shard& shard, const farm::ContentKey& key, const Location& location);
  bool AddToSlot(Slot& slot, const Location& location);
  bool AddToBlock(Slot& slot, const Location& location);
  // Where the slot, or its block, has that holder; null if nowhere.
  LocationWord Locate(Slot& slot, Holder holder);
  bool Take(Slot& slot, Holder holder, Location& taken);
  void DissolveSmallBlock(Slot& slot);
  void Account(Shard& shard, const farm::ContentKey& key, const Location& location, bool added);

  void RemoveFrom(Shard& shard, HolderRemoval& removal, RemovalVisitor removed);
  void Replace(Shard& shard, size_t keys);
  void ShrinkIfEmpty(Shard& shard);
  void Retire(Retired retired);

  const std::array<uint64_t, 2> seed_;
  ReaderEpochs epochs_;
  HolderBlocks blocks_;
  const std::unique_ptr<Shard[]> shards_;
  std::atomic<size_t> keys_{0};
  std::atomic<size_t> locations_{0};

  // The writer's only.
  ChunkPool pool_;
  std::deque<Retired> retired_;
  size_t tables_bytes_ = 0;
};

}  // namespace strata::manager::directory
