#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "farm/content_key.h"
#include "service_manager/directory/location.h"

// The 32 bytes of one content in the index. Every fact that changes lies in one 64-bit word, so
// that a reader needs no lock to see it whole:
//
//   bit  63                                                                          0
//   w[0] key 19 bits | reach 3 | used 1 | present 1 | flags 8 | holder 32
//   w[1] key 23 bits                    | present 1 | flags 8 | holder 32
//   w[2] key 22 bits          | block 1 | present 1 | flags 8 | holder 32, or a block's number
//   w[3] key, low half
//
// The key is written once, before `used`; a table never gives a slot to another key.
namespace strata::manager::directory {

inline constexpr size_t kInlineLocations = 3;

struct Slot {
  std::array<std::atomic<uint64_t>, 4> words;
};
static_assert(sizeof(Slot) == 32);

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
struct KeyPattern {
  std::array<uint64_t, 4> words;
};

constexpr KeyPattern PatternOf(const farm::ContentKey& key) {
  return {{(key.high >> kKeyShift[0]) << kKeyShift[0], ((key.high << 19) >> 41) << 41,
           key.high << kKeyShift[2], key.low}};
}

constexpr farm::ContentKey KeyOf(const std::array<uint64_t, 4>& words) {
  return {.high = ((words[0] >> 45) << 45) | ((words[1] >> 41) << 22) | (words[2] >> 42),
          .low = words[3]};
}

// True if the slot is in use by that key. The first comparison nearly always decides.
inline bool HasKey(const Slot& slot, const KeyPattern& pattern) {
  if (slot.words[3].load(std::memory_order_relaxed) != pattern.words[3]) return false;
  const uint64_t first = slot.words[0].load(std::memory_order_acquire);
  if ((first & kUsed) == 0) return false;
  const uint64_t second = slot.words[1].load(std::memory_order_relaxed);
  const uint64_t third = slot.words[2].load(std::memory_order_relaxed);
  return ((first ^ pattern.words[0]) >> kKeyShift[0] | (second ^ pattern.words[1]) >> kKeyShift[1] |
          (third ^ pattern.words[2]) >> kKeyShift[2]) == 0;
}

// The bits of a word that say `location`.
constexpr uint64_t WordOf(const Location& location) {
  return kPresent | uint64_t{location.flags} << kFlagsShift | location.holder.value();
}

constexpr Location LocationOf(uint64_t word) {
  return {.holder = Holder(static_cast<uint32_t>(word & kHolderMask)),
          .flags = static_cast<LocationFlags>(word >> kFlagsShift)};
}

// How far from its home a key may lie, in the three bits of the home's `reach`.
inline constexpr uint32_t kReachUnlimited = 7;

constexpr uint32_t ReachOf(uint64_t first_word) {
  return static_cast<uint32_t>((first_word & kReachMask) >> kReachShift);
}

// The farthest slot that `reach` (below kReachUnlimited) covers: 0, 1, 2, 4, 8, 16, 32.
constexpr uint32_t DistanceOf(uint32_t reach) { return reach == 0 ? 0 : 1u << (reach - 1); }

constexpr uint32_t ReachFor(uint32_t distance) {
  uint32_t reach = 0;
  while (reach < kReachUnlimited && DistanceOf(reach) < distance) ++reach;
  return reach;
}

}  // namespace strata::manager::directory
