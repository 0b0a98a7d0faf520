#include "service_manager/federation/feed/child_contents.h"

#include <algorithm>

#include "service_manager/directory/location_index.h"

namespace strata::manager::federation {

using directory::LocationIndex;

void ChildContents::Read(uint32_t range, RangeDigests& digests) {
  const uint32_t part = range / directory::kRangesPerPart;
  const uint32_t first = part * directory::kRangesPerPart;
  for (uint32_t i = 0; i < directory::kRangesPerPart; ++i) digests.Set(first + i, 0);
  copies_.clear();
  added_.clear();
  directory::LocationReader::Session session(reader_);
  session.VisitPart(
      part, [&](const farm::ContentKey& key, std::span<const directory::Location> locations) {
        for (const directory::Location& location : locations) {
          const auto holder = holders_.find(location.holder);
          if (holder == holders_.end()) continue;
          copies_.push_back({key, location.holder});
          digests.Add(key, holder->second, location.flags);
        }
      });
  next_ = FirstKeyOf(first);
}

bool ChildContents::Has(const farm::ContentKey& key) const {
  return next_ && LocationIndex::PartOf(*next_) == LocationIndex::PartOf(key) && *next_ <= key;
}

std::vector<ChildCopy> ChildContents::Take(const farm::ContentKey& first,
                                           const farm::ContentKey& last) {
  const auto is_before = [](const ChildCopy& copy, const farm::ContentKey& key) {
    return copy.key < key;
  };
  const auto from = std::lower_bound(copies_.begin(), copies_.end(), first, is_before);
  const auto to =
      std::find_if(from, copies_.end(), [&](const ChildCopy& copy) { return last < copy.key; });
  std::vector<ChildCopy> taken(from, to);
  for (const ChildCopy& copy : added_) {
    if (first <= copy.key && copy.key <= last) taken.push_back(copy);
  }
  std::sort(taken.begin(), taken.end());
  next_ = KeyAfter(last);
  // What was read ends with its part.
  if (LocationIndex::PartOf(*next_) != LocationIndex::PartOf(last)) next_.reset();
  return taken;
}

void ChildContents::OnCopy(const ChildCopy& copy) {
  if (!Has(copy.key)) return;
  added_.push_back(copy);
  if (added_.size() > kChildCopiesAddedMax) Clear();
}

}  // namespace strata::manager::federation
