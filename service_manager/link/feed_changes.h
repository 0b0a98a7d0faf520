#pragma once

#include <optional>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "service_manager/federation/feed/feed_position.h"
#include "service_manager/federation/feed/feed_receiver.h"
#include "service_manager/store/store.h"

namespace strata::manager::link {

// What a batch of a feed changes, for the store: of each location and content the last word, in
// the order of the keys, as they lie there.
class FeedChanges {
 public:
  void Add(const federation::ToldCopy& told);
  // Whether this copy, which is not added yet, is there already as it is told: in the changes so
  // far, else in `store`. Only what is told with all of its range may be.
  bool IsAsBefore(const federation::ToldCopy& told, store::Store& store) const;
  // Nobody has this content any more.
  void ForgetUri(const farm::ContentKey& key) { uris_[key].clear(); }

  // All of it, with where the feed of `child` is then.
  store::LocationBatch Take(const std::string& child, const federation::FeedPosition& position);

 private:
  // It was gone, and came back.
  void KeepUri(const farm::ContentKey& key);

  using Place = std::pair<farm::ContentKey, directory::Holder>;

  absl::btree_map<Place, std::optional<store::StoredLocation>> locations_;
  absl::btree_map<farm::ContentKey, std::string> uris_;  // Empty: to be forgotten.
};

}  // namespace strata::manager::link
