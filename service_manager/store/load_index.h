#pragma once

#include "common/status.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/store/store.h"

namespace strata::manager::store {

struct LoadedIndex {
  uint64_t locations = 0;
  uint64_t refused = 0;  // More locations of a content than an index takes.
};

// Fills an empty index with all locations of a store, at a restart. Reads with one thread and fills
// with the caller's, which is the index's writer. An error of the store ends it: the index is then
// not all there is, and must not be served from.
StatusOr<LoadedIndex> LoadIndex(Store& store, directory::LocationIndex& index);

}  // namespace strata::manager::store
