#pragma once

#include <cstdint>

#include "farm/content_key.h"
#include "service_manager/directory/location.h"

namespace strata::manager::directory {

// The finalizer of splitmix64: every bit of the input moves half the bits of the output.
constexpr uint64_t Mixed(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9;
  x ^= x >> 27;
  x *= 0x94d049bb133111eb;
  return x ^ x >> 31;
}

// What one location adds to the digest of its range. The digest of a range is the sum (modulo 2^64)
// over its locations: the same in whatever order they came, and changed by one addition. Two
// directories that compare digests must compute this alike: it never changes.
constexpr uint64_t DigestOf(const farm::ContentKey& key, const Location& location) {
  const uint64_t tail = uint64_t{location.holder.value()} << 8 | location.flags;
  return Mixed(Mixed(Mixed(key.high + 0x9e3779b97f4a7c15) + key.low) + tail);
}

}  // namespace strata::manager::directory
