#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "farm/content_key.h"
#include "service_manager/directory/location.h"
#include "service_manager/federation/feed/feed_records.h"

namespace strata::manager::uplink {

// One copy in the directory came, went, or is another than it was: in its flags, or in its size,
// lifetime or validator alone. Views, for the time of the call.
struct DirectoryChange {
  farm::ContentKey key;
  directory::Holder holder;
  std::optional<directory::LocationFlags> before = std::nullopt;  // Nothing: it was not there.
  std::optional<federation::FeedCopy> copy = std::nullopt;        // Nothing: it is gone.
  std::string_view uri = {};                                      // Empty: not told with it.
  // Nobody has the content any more, and the store forgets its URI with this change: who needs it
  // looks for it now.
  bool forgets_uri = false;
};

// Hears from the writer of the index what it changed, in the order in which it did. A copy that is
// put as it was is no change: else each repair below would be told to all levels above.
//
// All functions are called under the writer's lock, so one at a time, and must be quick. They must
// not call the writer.
class DirectoryObserver {
 public:
  virtual ~DirectoryObserver() = default;

  // The index has it; the store will.
  virtual void OnChange(const DirectoryChange& change) = 0;
  // The URI of a content whose copies do not change, which may be known already.
  virtual void OnUri(const farm::ContentKey& key, std::string_view uri) = 0;
  // A child has told who this is: it may be new, or have other addresses.
  virtual void OnHolder(directory::Holder holder) = 0;

  // A number for all that was told so far: what is told from here on is told after this mark.
  virtual uint64_t Mark() = 0;
  // What was told up to `mark`, and all that the index had when this observer was set, is in the
  // store's batches up to `batch`. The first call comes soon after the observer was set.
  virtual void OnStored(uint64_t mark, uint64_t batch) = 0;
};

}  // namespace strata::manager::uplink
