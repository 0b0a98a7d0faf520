#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "common/status.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/directory/location_reader.h"
#include "service_manager/store/store.h"
#include "service_manager/uplink/directory_observer.h"

namespace strata::manager::control {

// Copies that one step takes out.
inline constexpr size_t kRemovedAtOnceMax = 2000;

// The way of a child out of the directory: first the position of its feed, then the copies of its
// holders, and URIs that nobody has any more. So a child that comes back after a removal that was
// cut short begins anew, and what is missing is found. docs/protocols/federation.md, 3.4.
//
// Belongs to the thread that writes the index. No stream of the child may be there from the first
// step until it is done; then the numbers of the holders may be forgotten (holder_book.h).
class ChildRemoval {
 public:
  // What a manager knows; outlives this. `reader` is one of `index`, for this thread.
  struct Directory {
    directory::LocationIndex& index;
    directory::LocationReader& reader;
    store::Store& store;
  };

  // `holders`: all that the child told of. `child` is empty: they are nobody's.
  ChildRemoval(std::string child, std::span<const directory::Holder> holders, Directory directory)
      : child_(std::move(child)), holders_(holders.begin(), holders.end()), directory_(directory) {}

  // The next step: looks at one part of the index, or takes out some copies. What it changed in the
  // index it has given to the store. An error is the store's, which takes nothing any more.
  // `observer` hears what is taken out; null: nobody.
  Status Continue(uplink::DirectoryObserver* observer = nullptr);
  bool done() const { return part_ == directory::kParts && found_.empty(); }
  uint64_t removed() const { return removed_; }  // Copies so far.

 private:
  using Copy = std::pair<farm::ContentKey, directory::Holder>;

  void Look(uint32_t part);
  Status Store(const store::LocationBatch& batch, uplink::DirectoryObserver* observer);
  store::LocationBatch TakeOut(uplink::DirectoryObserver* observer);

  const std::string child_;
  const absl::flat_hash_set<directory::Holder> holders_;
  const Directory directory_;
  bool begun_ = false;
  uint32_t part_ = 0;
  std::vector<Copy> found_;  // In the parts before, and still there; the next one last.
  uint64_t removed_ = 0;
};

}  // namespace strata::manager::control
