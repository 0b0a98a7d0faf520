#pragma once

#include <array>
#include <cstdint>

#include "service_manager/directory/location_index.h"
#include "service_manager/federation/holder_name.h"

namespace strata::manager::federation {

// The range of a key, and the first and last key of a range. docs/protocols/federation.md, 3.1.
constexpr uint32_t RangeOf(const farm::ContentKey& key) {
  return directory::LocationIndex::RangeOf(key);
}
constexpr farm::ContentKey FirstKeyOf(uint32_t range) {
  return {uint64_t{range} << (64 - directory::kRangeBits), 0};
}
constexpr farm::ContentKey LastKeyOf(uint32_t range) {
  return {FirstKeyOf(range).high | UINT64_MAX >> directory::kRangeBits, UINT64_MAX};
}

// The next key; of the last one the first.
constexpr farm::ContentKey KeyAfter(const farm::ContentKey& key) {
  return {key.high + (key.low == UINT64_MAX ? 1 : 0), key.low + 1};
}

// The digests of what one end of a link has told, or was told: of each range the sum of
// FeedDigestOf over the copies in it. 32 KiB.
class RangeDigests {
 public:
  void Add(const farm::ContentKey& key, HolderIdentity holder, directory::LocationFlags flags) {
    sums_[RangeOf(key)] += FeedDigestOf(key, holder, flags);
  }
  void Remove(const farm::ContentKey& key, HolderIdentity holder, directory::LocationFlags flags) {
    sums_[RangeOf(key)] -= FeedDigestOf(key, holder, flags);
  }
  void Set(uint32_t range, uint64_t digest) { sums_[range] = digest; }
  uint64_t digest(uint32_t range) const { return sums_[range]; }

  friend bool operator==(const RangeDigests&, const RangeDigests&) = default;

 private:
  std::array<uint64_t, directory::kRanges> sums_{};
};

}  // namespace strata::manager::federation
