#include "service_manager/control/child_removal.h"

#include <algorithm>

namespace strata::manager::control {

using directory::Location;

Status ChildRemoval::Continue(uplink::DirectoryObserver* observer) {
  if (!std::exchange(begun_, true) && !child_.empty()) {
    store::LocationBatch position;
    position.forgotten.push_back(child_);
    return Store(position, observer);
  }
  if (!found_.empty()) return Store(TakeOut(observer), observer);
  if (part_ < directory::kParts) Look(part_++);
  return Ok();
}

Status ChildRemoval::Store(const store::LocationBatch& batch, uplink::DirectoryObserver* observer) {
  STRATA_ASSIGN_OR_RETURN(const uint64_t number, directory_.store.Apply(batch));
  if (observer != nullptr) observer->OnStored(observer->Mark(), number);
  return Ok();
}

void ChildRemoval::Look(uint32_t part) {
  directory::LocationReader::Session session(directory_.reader);
  session.VisitPart(part, [this](const farm::ContentKey& key, std::span<const Location> all) {
    for (const Location& location : all) {
      if (holders_.contains(location.holder)) found_.emplace_back(key, location.holder);
    }
  });
  std::ranges::reverse(found_);
}

store::LocationBatch ChildRemoval::TakeOut(uplink::DirectoryObserver* observer) {
  store::LocationBatch batch;
  while (!found_.empty() && batch.gone.size() < kRemovedAtOnceMax) {
    const auto [key, holder] = found_.back();
    found_.pop_back();
    const auto before = directory_.index.FlagsOf(key, holder);
    if (directory_.index.Remove(key, holder)) ++removed_;
    const bool forgets_uri = !directory_.index.Contains(key);
    if (observer != nullptr && before) {
      observer->OnChange(
          {.key = key, .holder = holder, .before = before, .forgets_uri = forgets_uri});
    }
    batch.gone.push_back({key, holder});
    if (forgets_uri) batch.uris.push_back({key, ""});
  }
  return batch;
}

}  // namespace strata::manager::control
