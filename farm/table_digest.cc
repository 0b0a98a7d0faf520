#include "farm/table_digest.h"

#include <xxhash.h>

#include <array>

#include "common/hex.h"

namespace strata::farm {

void TableDigest::Add(ByteSpan item) {
  const XXH128_hash_t hash = XXH3_128bits(item.data(), item.size());
  high_ += hash.high64;
  low_ += hash.low64;
}

void TableDigest::Remove(ByteSpan item) {
  const XXH128_hash_t hash = XXH3_128bits(item.data(), item.size());
  high_ -= hash.high64;
  low_ -= hash.low64;
}

void TableDigest::Add(const TableDigest& other) {
  high_ += other.high_;
  low_ += other.low_;
}

void TableDigest::Remove(const TableDigest& other) {
  high_ -= other.high_;
  low_ -= other.low_;
}

std::string TableDigest::ToString() const {
  std::array<uint8_t, 16> bytes;
  ByteWriter out(bytes);
  out.U64(high_);
  out.U64(low_);
  return ToHex(bytes);
}

}  // namespace strata::farm
