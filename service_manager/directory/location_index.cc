#include "service_manager/directory/location_index.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/check.h"
#include "service_manager/directory/location_digest.h"
#include "service_manager/directory/slot.h"

namespace strata::manager::directory {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

bool HasBlock(uint64_t third_word) { return (third_word & kBlock) != 0; }

uint32_t BlockOf(uint64_t third_word) { return static_cast<uint32_t>(third_word & kHolderMask); }

bool IsLive(const std::array<uint64_t, 4>& words) {
  return ((words[0] | words[1] | words[2]) & kPresent) != 0;
}

std::array<uint64_t, 4> WordsOf(const Slot& slot) {
  std::array<uint64_t, 4> words;
  for (size_t i = 0; i < words.size(); ++i) words[i] = slot.words[i].load(kRelaxed);
  return words;
}

// Gives the location bits of a word another value; readers see the old or the new.
void Store(std::atomic<uint64_t>& word, uint64_t mask, uint64_t bits) {
  word.store((word.load(kRelaxed) & ~mask) | bits, std::memory_order_seq_cst);
}

bool Names(uint64_t word, Holder holder) {
  return (word & kPresent) != 0 && (word & kHolderMask) == holder.value();
}

}  // namespace

LocationIndex::LocationIndex(RandomSource& random, std::pmr::memory_resource& memory)
    : seed_({random.Next(), random.Next()}),
      shards_(std::make_unique<Shard[]>(kRanges)),
      pool_(memory) {}

LocationIndex::~LocationIndex() {
  for (const Retired& retired : retired_) ShardTable::Destroy(retired.table, pool_);
  for (uint32_t i = 0; i < kRanges; ++i) ShardTable::Destroy(shards_[i].table.load(), pool_);
}

uint32_t LocationIndex::HashOf(const farm::ContentKey& key) const {
  const auto product = static_cast<unsigned __int128>(key.low ^ seed_[0]) * (key.high ^ seed_[1]);
  return static_cast<uint32_t>((product >> 64 ^ product) >> 32);
}

size_t LocationIndex::Read(const farm::ContentKey& key, std::span<Location> out) const {
  const ShardTable* table = shards_[RangeOf(key)].table.load(std::memory_order_seq_cst);
  if (table == nullptr) return 0;
  const Slot* slot = table->Find(PatternOf(key), HashOf(key));
  return slot == nullptr ? 0 : ReadSlot(*slot, out);
}

size_t LocationIndex::ReadSlot(const Slot& slot, std::span<Location> out) const {
  size_t count = 0;
  const auto put = [&](const Location& location) {
    if (count < out.size()) out[count] = location;
    ++count;
  };
  for (size_t i = 0; i < kInlineLocations; ++i) {
    const uint64_t word = slot.words[i].load(std::memory_order_seq_cst);
    if ((word & kPresent) == 0) continue;
    if (i < 2 || !HasBlock(word)) {
      put(LocationOf(word));
    } else {
      for (const std::atomic<uint64_t>& entry : blocks_.At(BlockOf(word))) {
        const uint64_t in_block = entry.load(std::memory_order_acquire);
        if ((in_block & kPresent) != 0) put(LocationOf(in_block));
      }
    }
  }
  return count;
}

void LocationIndex::ReadRange(uint32_t range, Visitor visit) const {
  const ShardTable* table = shards_[range].table.load(std::memory_order_seq_cst);
  if (table == nullptr) return;
  struct Entry {
    farm::ContentKey key;
    size_t begin;
    size_t count;
  };
  std::vector<Entry> entries;
  std::vector<Location> locations;
  for (uint32_t i = 0; i < table->slots(); ++i) {
    const Slot& slot = table->At(i);
    if (slot.words[0].load(std::memory_order_acquire) == 0) continue;
    const size_t begin = locations.size();
    size_t count = ReadSlot(slot, {});
    locations.resize(begin + count);
    count = std::min(count, ReadSlot(slot, std::span(locations).subspan(begin)));
    locations.resize(begin + count);
    if (count > 0) entries.push_back({KeyOf(WordsOf(slot)), begin, count});
  }
  std::ranges::sort(entries, {}, &Entry::key);
  for (const Entry& entry : entries) {
    const std::span<Location> found = std::span(locations).subspan(entry.begin, entry.count);
    std::ranges::sort(found);
    visit(entry.key, found);
  }
}

Slot* LocationIndex::FindSlot(Shard& shard, const farm::ContentKey& key) {
  ShardTable* table = shard.table.load(kRelaxed);
  return table == nullptr ? nullptr : table->Find(PatternOf(key), HashOf(key));
}

AddResult LocationIndex::Add(const farm::ContentKey& key, const Location& location) {
  Shard& shard = shards_[RangeOf(key)];
  Slot* slot = FindSlot(shard, key);
  if (slot == nullptr) {
    AddKey(shard, key, location);
    return AddResult::kAdded;
  }
  if (const LocationWord found = Locate(*slot, location.holder); found.word != nullptr) {
    const Location before = LocationOf(found.word->load(kRelaxed));
    if (before == location) return AddResult::kUnchanged;
    Store(*found.word, found.mask, WordOf(location));
    Account(shard, key, before, false);
    Account(shard, key, location, true);
    return AddResult::kChanged;
  }
  const bool was_live = IsLive(WordsOf(*slot));
  if (ReadSlot(*slot, {}) >= kLocationsPerKeyMax) return AddResult::kTooMany;
  if (!AddToSlot(*slot, location)) return AddResult::kTooMany;
  if (!was_live) {
    ++shard.live;
    keys_.store(size() + 1, kRelaxed);
  }
  Account(shard, key, location, true);
  return AddResult::kAdded;
}

void LocationIndex::AddKey(Shard& shard, const farm::ContentKey& key, const Location& location) {
  ShardTable* table = shard.table.load(kRelaxed);
  if (table == nullptr || shard.used >= ShardTable::UsedMax(table->slots())) {
    Replace(shard, shard.live + 1);
    table = shard.table.load(kRelaxed);
  }
  std::array<uint64_t, 4> words = PatternOf(key).words;
  words[0] |= WordOf(location);
  STRATA_CHECK(table->Insert(words, HashOf(key)));
  ++shard.used;
  ++shard.live;
  keys_.store(size() + 1, kRelaxed);
  Account(shard, key, location, true);
}

bool LocationIndex::AddToSlot(Slot& slot, const Location& location) {
  for (size_t i = 0; i < kInlineLocations; ++i) {
    if ((slot.words[i].load(kRelaxed) & kPresent) != 0) continue;
    Store(slot.words[i], kLocationMask[i], WordOf(location));
    return true;
  }
  return AddToBlock(slot, location);
}

// Into a free word of the block, or into a larger block, to which the third word's location goes.
bool LocationIndex::AddToBlock(Slot& slot, const Location& location) {
  const uint64_t third = slot.words[2].load(kRelaxed);
  std::vector<uint64_t> words;
  if (HasBlock(third)) {
    for (std::atomic<uint64_t>& entry : blocks_.At(BlockOf(third))) {
      words.push_back(entry.load(kRelaxed));
      if ((words.back() & kPresent) != 0) continue;
      Store(entry, UINT64_MAX, WordOf(location));
      return true;
    }
  } else {
    words.push_back(WordOf(LocationOf(third)));
  }
  words.push_back(WordOf(location));
  const std::optional<uint32_t> block = blocks_.Make(words);
  if (!block) return false;
  Store(slot.words[2], kLocationMask[2], kBlock | kPresent | *block);
  if (HasBlock(third)) Retire({.epoch = 0, .table = nullptr, .block = BlockOf(third)});
  return true;
}

LocationIndex::LocationWord LocationIndex::Locate(Slot& slot, Holder holder) {
  const uint64_t third = slot.words[2].load(kRelaxed);
  for (size_t i = 0; i < (HasBlock(third) ? kInlineLocations - 1 : kInlineLocations); ++i) {
    if (Names(slot.words[i].load(kRelaxed), holder)) return {&slot.words[i], kLocationMask[i]};
  }
  if (!HasBlock(third)) return {};
  for (std::atomic<uint64_t>& entry : blocks_.At(BlockOf(third))) {
    if (Names(entry.load(kRelaxed), holder)) return {&entry, UINT64_MAX};
  }
  return {};
}

bool LocationIndex::Remove(const farm::ContentKey& key, Holder holder) {
  Shard& shard = shards_[RangeOf(key)];
  Slot* slot = FindSlot(shard, key);
  Location taken;
  if (slot == nullptr || !Take(*slot, holder, taken)) return false;
  Account(shard, key, taken, false);
  if (!IsLive(WordsOf(*slot))) {
    --shard.live;
    keys_.store(size() - 1, kRelaxed);
    ShrinkIfEmpty(shard);
  }
  return true;
}

bool LocationIndex::Take(Slot& slot, Holder holder, Location& taken) {
  const LocationWord found = Locate(slot, holder);
  if (found.word == nullptr) return false;
  taken = LocationOf(found.word->load(kRelaxed));
  Store(*found.word, found.mask, 0);
  DissolveSmallBlock(slot);
  return true;
}

// A block with a single location left gives it back to the slot.
void LocationIndex::DissolveSmallBlock(Slot& slot) {
  const uint64_t third = slot.words[2].load(kRelaxed);
  if (!HasBlock(third)) return;
  uint64_t last = 0;
  for (const std::atomic<uint64_t>& entry : blocks_.At(BlockOf(third))) {
    const uint64_t word = entry.load(kRelaxed);
    if ((word & kPresent) == 0) continue;
    if (last != 0) return;
    last = word;
  }
  Store(slot.words[2], kLocationMask[2], last);
  Retire({.epoch = 0, .table = nullptr, .block = BlockOf(third)});
}

void LocationIndex::Account(Shard& shard, const farm::ContentKey& key, const Location& location,
                            bool added) {
  const uint64_t digest = DigestOf(key, location);
  const uint64_t before = shard.digest.load(kRelaxed);
  shard.digest.store(added ? before + digest : before - digest, kRelaxed);
  locations_.store(added ? locations() + 1 : locations() - 1, kRelaxed);
}

void LocationIndex::Continue(HolderRemoval& removal, size_t slots_max, RemovalVisitor removed) {
  size_t slots = 0;
  while (!removal.done() && slots <= slots_max) {
    Shard& shard = shards_[removal.next_range++];
    const ShardTable* table = shard.table.load(kRelaxed);
    if (table == nullptr) continue;
    slots += table->slots();
    RemoveFrom(shard, removal, removed);
    ShrinkIfEmpty(shard);
  }
}

void LocationIndex::RemoveFrom(Shard& shard, HolderRemoval& removal, RemovalVisitor removed) {
  ShardTable* table = shard.table.load(kRelaxed);
  for (uint32_t i = 0; i < table->slots(); ++i) {
    Slot& slot = table->At(i);
    Location taken;
    if (!Take(slot, removal.holder, taken)) continue;
    const std::array<uint64_t, 4> words = WordsOf(slot);
    const farm::ContentKey key = KeyOf(words);
    Account(shard, key, taken, false);
    if (!IsLive(words)) {
      --shard.live;
      keys_.store(size() - 1, kRelaxed);
    }
    ++removal.removed;
    removed(key, taken);
  }
}

// Another table in the place of the shard's, with room for `keys` keys, without the dead ones.
void LocationIndex::Replace(Shard& shard, size_t keys) {
  ShardTable* old = shard.table.load(kRelaxed);
  ShardTable* fresh = nullptr;
  if (keys > 0) {
    fresh = ShardTable::Make(ShardTable::SlotsFor(keys), pool_);
    tables_bytes_ += fresh->memory_bytes();
  }
  for (uint32_t i = 0; old != nullptr && i < old->slots(); ++i) {
    const std::array<uint64_t, 4> words = WordsOf(old->At(i));
    if (IsLive(words)) STRATA_CHECK(fresh->Insert(words, HashOf(KeyOf(words))));
  }
  shard.table.store(fresh, std::memory_order_seq_cst);
  shard.used = shard.live;
  if (old != nullptr) Retire({.epoch = 0, .table = old, .block = 0});
}

void LocationIndex::ShrinkIfEmpty(Shard& shard) {
  const ShardTable* table = shard.table.load(kRelaxed);
  if (shard.live > 0 && shard.live * 2 >= ShardTable::UsedMax(table->slots())) return;
  if (shard.live == 0 || ShardTable::SlotsFor(shard.live) < table->slots()) {
    Replace(shard, shard.live);
  }
}

void LocationIndex::Retire(Retired retired) {
  retired.epoch = epochs_.Retire();
  retired_.push_back(retired);
  Reclaim();
}

void LocationIndex::Reclaim() {
  if (retired_.empty()) return;
  const uint64_t oldest = epochs_.Oldest();
  while (!retired_.empty() && retired_.front().epoch < oldest) {
    const Retired& retired = retired_.front();
    if (retired.table == nullptr) {
      blocks_.Free(retired.block);
    } else {
      tables_bytes_ -= retired.table->memory_bytes();
      ShardTable::Destroy(retired.table, pool_);
    }
    retired_.pop_front();
  }
}

size_t LocationIndex::memory_bytes() const {
  return sizeof(*this) + kRanges * sizeof(Shard) + pool_.memory_bytes() + blocks_.memory_bytes() +
         tables_bytes_ + retired_.size() * sizeof(Retired);
}

}  // namespace strata::manager::directory
