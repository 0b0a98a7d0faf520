#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "service_manager/directory/location_reader.h"
#include "service_manager/federation/feed/range_digests.h"
#include "service_manager/federation/holder_name.h"

namespace strata::manager::federation {

// A copy that the index has, or had, of a child.
struct ChildCopy {
  farm::ContentKey key;
  directory::Holder holder;

  friend auto operator<=>(const ChildCopy&, const ChildCopy&) = default;
};

// Copies that are added to a part of the index after it was read; beyond it the part is read again.
inline constexpr size_t kChildCopiesAddedMax = 4096;

// What the index has of one child, to be compared with the intervals by which ranges are told anew.
// To read a range costs as much as to read its part of the index, and intervals come in the order
// of keys: so a part is read with the first of them, and serves those that follow.
class ChildContents {
 public:
  using Holders = absl::flat_hash_map<directory::Holder, HolderIdentity>;

  // Both outlive this.
  ChildContents(directory::LocationReader& reader, const Holders& holders)
      : reader_(reader), holders_(holders) {}

  // Reads the part that has this range, and sets the digests of its ranges to what is there.
  void Read(uint32_t range, RangeDigests& digests);

  // Whether what was read has all copies of the range behind `key`.
  bool Has(const farm::ContentKey& key) const;
  // The copies from `first` to `last`, ordered, some perhaps twice, or gone since. Those before
  // `last` are then not there any more.
  std::vector<ChildCopy> Take(const farm::ContentKey& first, const farm::ContentKey& last);
  // A copy comes otherwise than by an interval.
  void OnCopy(const ChildCopy& copy);
  void Clear() { next_.reset(); }

 private:
  directory::LocationReader& reader_;
  const Holders& holders_;
  std::optional<farm::ContentKey> next_;  // Copies from here on; nothing: none.
  std::vector<ChildCopy> copies_;         // In order.
  std::vector<ChildCopy> added_;          // Since, in none.
};

}  // namespace strata::manager::federation
