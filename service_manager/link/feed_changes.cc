#include "service_manager/link/feed_changes.h"

#include "farm/state_table.h"

namespace strata::manager::link {
namespace {

// What is told anew of a copy says nothing new. Its lifetime has become less since.
bool IsSame(const store::StoredLocation& stored, const federation::FeedCopy& told) {
  if (stored.remaining.has_value() != told.remaining.has_value()) return false;
  if (told.remaining && *told.remaining > *stored.remaining + farm::kSameExpiry) return false;
  return stored.location.flags == told.flags && stored.size_bytes == told.size_bytes &&
         stored.validator == told.validator;
}

}  // namespace

void FeedChanges::Add(const federation::ToldCopy& told) {
  std::optional<store::StoredLocation>& change = locations_[{told.key, told.holder}];
  change.reset();
  if (told.copy != nullptr) {
    change = {.key = told.key,
              .location = {told.holder, told.copy->flags},
              .size_bytes = told.copy->size_bytes,
              .remaining = told.copy->remaining,
              .validator = std::string(told.copy->validator)};
  }
  if (!told.uri.empty()) {
    uris_[told.key] = told.uri;
  } else if (told.copy != nullptr) {
    KeepUri(told.key);
  }
}

void FeedChanges::KeepUri(const farm::ContentKey& key) {
  const auto found = uris_.find(key);
  if (found != uris_.end() && found->second.empty()) uris_.erase(found);
}

bool FeedChanges::IsAsBefore(const federation::ToldCopy& told, store::Store& store) const {
  if (!told.anew || told.before != told.copy->flags) return false;
  const auto changed = locations_.find({told.key, told.holder});
  if (changed != locations_.end()) {
    return changed->second.has_value() && IsSame(*changed->second, *told.copy);
  }
  const auto stored = store.FindLocation(told.key, told.holder);
  return stored.ok() && stored->has_value() && IsSame(**stored, *told.copy);
}

store::LocationBatch FeedChanges::Take(const std::string& child,
                                       const federation::FeedPosition& position) {
  store::LocationBatch batch;
  for (auto& [place, change] : locations_) {
    if (change) {
      batch.stored.push_back(*std::move(change));
    } else {
      batch.gone.push_back({place.first, place.second});
    }
  }
  for (auto& [key, uri] : uris_) batch.uris.push_back({key, std::move(uri)});
  batch.positions.push_back({child, position.epoch, position.sequence});
  return batch;
}

}  // namespace strata::manager::link
