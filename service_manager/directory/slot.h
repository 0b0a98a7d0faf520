#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "farm/content_key.h"
#include "service_manager/directory/location.h"

// A slot is the 32 bytes of one content in the index: four words. Every fact that changes lies in
// one 64-bit word, so that a reader needs no lock to see it whole:
//
//   bit  63                                                                          0
//   w[0] key 19 bits | reach 3 | used 1 | present 1 | flags 8 | holder 32
//   w[1] key 23 bits                    | present 1 | flags 8 | holder 32
//   w[2] key 22 bits          | block 1 | present 1 | flags 8 | holder 32, or a block's number
//   w[3] key, low half
//
// The key is written once, before `used`; a table never gives a slot to another key. Four slots
// make a bucket of two cache lines, the same words side by side: w[3] and w[0] of the four in the
// first, w[1] and w[2] in the second.
namespace strata::manager::directory {

inline constexpr size_t kInlineLocations = 3;

inline constexpr size_t kSlotBytes = 32;
inline constexpr size_t kBucketSlots = 4;

struct alignas(128) Bucket {
  std::array<std::atomic<uint64_t>, 4 * kBucketSlots> words;
};
static_assert(sizeof(Bucket) == kBucketSlots * kSlotBytes);

// Names a slot, or none.
class Slot {
 public:
  Slot() = default;
  Slot(Bucket& bucket, size_t number) : words_(&bucket.words[number]) {}

  std::atomic<uint64_t>& word(size_t i) const { return words_[(i + 1) % 4 * kBucketSlots]; }
  explicit operator bool() const { return words_ != nullptr; }

 private:
  std::atomic<uint64_t>* words_ = nullptr;  // The last word; the others follow.
};

inline constexpr uint64_t kHolderMask = 0xffffffff;
inline constexpr uint32_t kFlagsShift = 32;
inline constexpr uint64_t kPresent = uint64_t{1} << 40;
inline constexpr uint64_t kUsed = uint64_t{1} << 41;   // In w[0].
inline constexpr uint64_t kBlock = uint64_t{1} << 41;  // In w[2].
inline constexpr uint32_t kReachShift = 42;            // In w[0].
inline constexpr uint64_t kReachMask = uint64_t{7} << kReachShift;

// Where the key's bits begin, and the bits of a location: holder, flags, present, and block in
// w[2].
inline constexpr std::array<uint32_t, 3> kKeyShift = {45, 41, 42};
inline constexpr std::array<uint64_t, 3> kLocationMask = {
    kPresent | (kPresent - 1), kPresent | (kPresent - 1), kBlock | kPresent | (kPresent - 1)};

// The words of a slot that has the key and nothing else.
constexpr std::array<uint64_t, 4> WordsOf(const farm::ContentKey& key) {
  return {(key.high >> kKeyShift[0]) << kKeyShift[0], ((key.high << 19) >> 41) << 41,
          key.high << kKeyShift[2], key.low};
}

constexpr farm::ContentKey KeyOf(const std::array<uint64_t, 4>& words) {
  return {.high = ((words[0] >> 45) << 45) | ((words[1] >> 41) << 22) | (words[2] >> 42),
          .low = words[3]};
}

// The words of a slot, read one after the other.
inline std::array<uint64_t, 4> WordsOf(const Slot& slot) {
  std::array<uint64_t, 4> words;
  for (size_t i = 0; i < words.size(); ++i) {
    words[i] = slot.word(i).load(std::memory_order_acquire);
  }
  return words;
}

// The number of the first slot with this low half, or kBucketSlots. Written out, in bits: the
// processor cannot guess the number, so nothing here may become a jump.
template <size_t... kSlots>
[[gnu::always_inline]] inline size_t SlotWithLowHalf(Bucket& bucket, uint64_t low,
                                                     std::index_sequence<kSlots...>) {
  uint32_t matches = 1u << kBucketSlots;
  ((matches |=
    static_cast<uint32_t>(Slot(bucket, kSlots).word(3).load(std::memory_order_relaxed) == low)
    << kSlots),
   ...);
  return static_cast<size_t>(std::countr_zero(matches));
}

// True if the slot is in use by that key, whose low half it has.
inline bool HasHighHalf(const Slot& slot, const farm::ContentKey& key) {
  const uint64_t first = slot.word(0).load(std::memory_order_acquire);
  const uint64_t second = slot.word(1).load(std::memory_order_relaxed);
  const uint64_t third = slot.word(2).load(std::memory_order_relaxed);
  return KeyOf({first, second, third, 0}).high == key.high && (first & kUsed) != 0;
}

// The key's slot in this bucket, looked for in each: for keys whose low halves are the same.
Slot FindAmongEqualLowHalves(Bucket& bucket, const farm::ContentKey& key);

// The key's slot in this bucket.
inline Slot FindIn(Bucket& bucket, const farm::ContentKey& key) {
  __builtin_prefetch(&bucket.words[2 * kBucketSlots]);
  const size_t number = SlotWithLowHalf(bucket, key.low, std::make_index_sequence<kBucketSlots>());
  if (number == kBucketSlots) return {};
  const Slot slot(bucket, number);
  if (HasHighHalf(slot, key)) [[likely]]
    return slot;
  return FindAmongEqualLowHalves(bucket, key);
}

// The bits of a word that say `location`.
constexpr uint64_t WordOf(const Location& location) {
  return kPresent | uint64_t{location.flags} << kFlagsShift | location.holder.value();
}

constexpr Location LocationOf(uint64_t word) {
  return {.holder = Holder(static_cast<uint32_t>(word & kHolderMask)),
          .flags = static_cast<LocationFlags>(word >> kFlagsShift)};
}

// How many buckets from its home a key may lie, in the three bits of the home's first slot.
inline constexpr uint32_t kReachUnlimited = 7;

constexpr uint32_t ReachOf(uint64_t first_word) {
  return static_cast<uint32_t>((first_word & kReachMask) >> kReachShift);
}

// The farthest bucket that `reach` (below kReachUnlimited) covers: 0, 1, 2, 4, 8, 16, 32.
constexpr uint32_t DistanceOf(uint32_t reach) { return reach == 0 ? 0 : 1u << (reach - 1); }

constexpr uint32_t ReachFor(uint32_t distance) {
  uint32_t reach = 0;
  while (reach < kReachUnlimited && DistanceOf(reach) < distance) ++reach;
  return reach;
}

}  // namespace strata::manager::directory
