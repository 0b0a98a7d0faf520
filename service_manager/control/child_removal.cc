#include "service_manager/control/child_removal.h"

#include <algorithm>

namespace strata::manager::control {

using directory::Location;

Status ChildRemoval::Continue() {
  if (!std::exchange(begun_, true)) {
    store::LocationBatch position;
    position.forgotten.push_back(child_);
    return directory_.store.Apply(position).status();
  }
  if (!found_.empty()) {
    STRATA_ASSIGN_OR_RETURN(const uint64_t batch, directory_.store.Apply(TakeOut()));
    if (observer() != nullptr) observer()->OnStored(observer()->Mark(), batch);
    return Ok();
  }
  if (part_ < directory::kParts) Look(part_++);
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

store::LocationBatch ChildRemoval::TakeOut() {
  store::LocationBatch batch;
  while (!found_.empty() && batch.gone.size() < kRemovedAtOnceMax) {
    const auto [key, holder] = found_.back();
    found_.pop_back();
    const auto before = directory_.index.FlagsOf(key, holder);
    if (directory_.index.Remove(key, holder)) ++removed_;
    const bool forgets_uri = !directory_.index.Contains(key);
    if (observer() != nullptr && before) {
      observer()->OnChange(
          {.key = key, .holder = holder, .before = before, .forgets_uri = forgets_uri});
    }
    batch.gone.push_back({key, holder});
    if (forgets_uri) batch.uris.push_back({key, ""});
  }
  return batch;
}

}  // namespace strata::manager::control
