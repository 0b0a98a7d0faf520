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
      shards_(std::make_unique<Shard[]>(kParts)),
      digests_(std::make_unique<std::atomic<uint64_t>[]>(kRanges)),
      pool_(memory) {}

LocationIndex::~LocationIndex() {
  for (const Retired& retired : retired_) ShardTable::Destroy(retired.table, pool_);
  for (uint32_t i = 0; i < kParts; ++i) ShardTable::Destroy(shards_[i].table.load(), pool_);
}

size_t LocationIndex::ReadSlotOfAnySize(const Slot& slot, uint64_t third,
                                        std::span<Location> out) const {
  size_t count = 0;
  const auto put = [&](uint64_t word) {
    if ((word & kPresent) == 0) return;
    if (count < out.size()) out[count] = LocationOf(word);
    ++count;
  };
  put(slot.word(0).load(std::memory_order_acquire));
  put(slot.word(1).load(std::memory_order_acquire));
  if (!HasBlock(third)) {
    put(third);
    return count;
  }
  for (const std::atomic<uint64_t>& entry : blocks_.At(BlockOf(third))) {
    put(entry.load(std::memory_order_acquire));
  }
  return count;
}

void LocationIndex::ReadRanges(uint32_t first, uint32_t count, Visitor visit) const {
  const ShardTable* table = shards_[first / kRangesPerPart].table.load(std::memory_order_seq_cst);
  if (table == nullptr) return;
  struct Entry {
    farm::ContentKey key;
    size_t begin;
    size_t count;
  };
  std::vector<Entry> entries;
  std::vector<Location> locations;
  for (uint32_t i = 0; i < table->slots(); ++i) {
    const Slot slot = table->SlotAt(i);
    if (slot.word(0).load(std::memory_order_acquire) == 0) continue;
    const farm::ContentKey key = KeyOf(WordsOf(slot));
    if (RangeOf(key) - first >= count) continue;
    const size_t begin = locations.size();
    locations.resize(begin + ReadSlot(slot, {}));
    const std::span<Location> room = std::span(locations).subspan(begin);
    locations.resize(begin + std::min(room.size(), ReadSlot(slot, room)));
    if (locations.size() > begin) entries.push_back({key, begin, locations.size() - begin});
  }
  std::ranges::sort(entries, {}, &Entry::key);
  for (const Entry& entry : entries) {
    const std::span<Location> found = std::span(locations).subspan(entry.begin, entry.count);
    std::ranges::sort(found);
    visit(entry.key, found);
  }
}

Slot LocationIndex::FindSlot(Shard& shard, const farm::ContentKey& key) {
  ShardTable* table = shard.table.load(kRelaxed);
  return table == nullptr ? Slot() : table->Find(key, HashOf(key));
}

AddResult LocationIndex::Add(const farm::ContentKey& key, const Location& location) {
  Shard& shard = shards_[PartOf(key)];
  const Slot slot = FindSlot(shard, key);
  if (!slot) {
    AddKey(shard, key, location);
    return AddResult::kAdded;
  }
  if (const LocationWord found = Locate(slot, location.holder); found.word != nullptr) {
    const Location before = LocationOf(found.word->load(kRelaxed));
    if (before == location) return AddResult::kUnchanged;
    Store(*found.word, found.mask, WordOf(location));
    Account(key, before, false);
    Account(key, location, true);
    return AddResult::kChanged;
  }
  const bool was_live = IsLive(WordsOf(slot));
  if (ReadSlot(slot, {}) >= kLocationsPerKeyMax) return AddResult::kTooMany;
  if (!AddToSlot(slot, location)) return AddResult::kTooMany;
  if (!was_live) {
    ++shard.live;
    keys_.store(size() + 1, kRelaxed);
  }
  Account(key, location, true);
  return AddResult::kAdded;
}

void LocationIndex::AddKey(Shard& shard, const farm::ContentKey& key, const Location& location) {
  ShardTable* table = shard.table.load(kRelaxed);
  if (table == nullptr || shard.used >= ShardTable::UsedMax(table->slots())) {
    Replace(shard, shard.live + 1);
    table = shard.table.load(kRelaxed);
  }
  std::array<uint64_t, 4> words = WordsOf(key);
  words[0] |= WordOf(location);
  STRATA_CHECK(table->Insert(words, HashOf(key)));
  ++shard.used;
  ++shard.live;
  keys_.store(size() + 1, kRelaxed);
  Account(key, location, true);
}

bool LocationIndex::AddToSlot(const Slot& slot, const Location& location) {
  for (size_t i = 0; i < kInlineLocations; ++i) {
    if ((slot.word(i).load(kRelaxed) & kPresent) != 0) continue;
    Store(slot.word(i), kLocationMask[i], WordOf(location));
    return true;
  }
  return AddToBlock(slot, location);
}

// Into a free word of the block, or into a larger block, to which the third word's location goes.
bool LocationIndex::AddToBlock(const Slot& slot, const Location& location) {
  const uint64_t third = slot.word(2).load(kRelaxed);
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
  Store(slot.word(2), kLocationMask[2], kBlock | kPresent | *block);
  if (HasBlock(third)) Retire({.epoch = 0, .table = nullptr, .block = BlockOf(third)});
  return true;
}

LocationIndex::LocationWord LocationIndex::Locate(const Slot& slot, Holder holder) {
  const uint64_t third = slot.word(2).load(kRelaxed);
  for (size_t i = 0; i < (HasBlock(third) ? kInlineLocations - 1 : kInlineLocations); ++i) {
    if (Names(slot.word(i).load(kRelaxed), holder)) return {&slot.word(i), kLocationMask[i]};
  }
  if (!HasBlock(third)) return {};
  for (std::atomic<uint64_t>& entry : blocks_.At(BlockOf(third))) {
    if (Names(entry.load(kRelaxed), holder)) return {&entry, UINT64_MAX};
  }
  return {};
}

bool LocationIndex::Remove(const farm::ContentKey& key, Holder holder) {
  Shard& shard = shards_[PartOf(key)];
  const Slot slot = FindSlot(shard, key);
  Location taken;
  if (!slot || !Take(slot, holder, taken)) return false;
  Account(key, taken, false);
  if (!IsLive(WordsOf(slot))) {
    --shard.live;
    keys_.store(size() - 1, kRelaxed);
    ShrinkIfEmpty(shard);
  }
  return true;
}

bool LocationIndex::Take(const Slot& slot, Holder holder, Location& taken) {
  const LocationWord found = Locate(slot, holder);
  if (found.word == nullptr) return false;
  taken = LocationOf(found.word->load(kRelaxed));
  Store(*found.word, found.mask, 0);
  DissolveSmallBlock(slot);
  return true;
}

std::optional<LocationFlags> LocationIndex::FlagsOf(const farm::ContentKey& key,
                                                    Holder holder) const {
  const ShardTable* const table = shards_[PartOf(key)].table.load(kRelaxed);
  const Slot slot = table == nullptr ? Slot() : table->Find(key, HashOf(key));
  if (!slot) return std::nullopt;
  const uint64_t third = slot.word(2).load(kRelaxed);
  for (size_t i = 0; i < (HasBlock(third) ? kInlineLocations - 1 : kInlineLocations); ++i) {
    const uint64_t word = slot.word(i).load(kRelaxed);
    if (Names(word, holder)) return LocationOf(word).flags;
  }
  if (!HasBlock(third)) return std::nullopt;
  for (const std::atomic<uint64_t>& entry : blocks_.At(BlockOf(third))) {
    const uint64_t word = entry.load(kRelaxed);
    if (Names(word, holder)) return LocationOf(word).flags;
  }
  return std::nullopt;
}

// A block with a single location left gives it back to the slot.
void LocationIndex::DissolveSmallBlock(const Slot& slot) {
  const uint64_t third = slot.word(2).load(kRelaxed);
  if (!HasBlock(third)) return;
  uint64_t last = 0;
  for (const std::atomic<uint64_t>& entry : blocks_.At(BlockOf(third))) {
    const uint64_t word = entry.load(kRelaxed);
    if ((word & kPresent) == 0) continue;
    if (last != 0) return;
    last = word;
  }
  Store(slot.word(2), kLocationMask[2], last);
  Retire({.epoch = 0, .table = nullptr, .block = BlockOf(third)});
}

void LocationIndex::Account(const farm::ContentKey& key, const Location& location, bool added) {
  const uint64_t digest = DigestOf(key, location);
  std::atomic<uint64_t>& sum = digests_[RangeOf(key)];
  const uint64_t before = sum.load(kRelaxed);
  sum.store(added ? before + digest : before - digest, kRelaxed);
  locations_.store(added ? locations() + 1 : locations() - 1, kRelaxed);
}

void LocationIndex::Continue(HolderRemoval& removal, size_t slots_max, RemovalVisitor removed) {
  for (size_t left = slots_max; left > 0 && !removal.done();) {
    Shard& shard = shards_[removal.part];
    if (removal.tables != shard.tables) removal.slot = 0;  // Replaced meanwhile: from its start.
    removal.tables = shard.tables;
    const ShardTable* table = shard.table.load(kRelaxed);
    const uint32_t slots = table == nullptr ? 0 : table->slots();
    for (; left > 0 && removal.slot < slots; --left) {
      RemoveFrom(shard, table->SlotAt(removal.slot++), removal, removed);
    }
    if (removal.slot < slots) return;
    if (table != nullptr) ShrinkIfEmpty(shard);
    ++removal.part;
    removal.slot = 0;
    if (!removal.done()) removal.tables = shards_[removal.part].tables;
  }
}

void LocationIndex::RemoveFrom(Shard& shard, const Slot& slot, HolderRemoval& removal,
                               RemovalVisitor removed) {
  Location taken;
  if (!Take(slot, removal.holder, taken)) return;
  const std::array<uint64_t, 4> words = WordsOf(slot);
  const farm::ContentKey key = KeyOf(words);
  Account(key, taken, false);
  if (!IsLive(words)) {
    --shard.live;
    keys_.store(size() - 1, kRelaxed);
  }
  ++removal.removed;
  removed(key, taken);
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
    const std::array<uint64_t, 4> words = WordsOf(old->SlotAt(i));
    if (IsLive(words)) STRATA_CHECK(fresh->Insert(words, HashOf(KeyOf(words))));
  }
  shard.table.store(fresh, std::memory_order_seq_cst);
  shard.used = shard.live;
  ++shard.tables;
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
  return sizeof(*this) + kParts * sizeof(Shard) + kRanges * sizeof(digests_[0]) +
         pool_.memory_bytes() + blocks_.memory_bytes() + tables_bytes_ +
         retired_.size() * sizeof(Retired);
}

}  // namespace strata::manager::directory
