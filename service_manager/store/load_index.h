#pragma once

#include "absl/functional/function_ref.h"
#include "common/status.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/store/store.h"

namespace strata::manager::store {

struct LoadedIndex {
  uint64_t locations = 0;
  uint64_t refused = 0;  // More locations of a content than an index takes.
  uint64_t orphans = 0;  // Of holders that nobody knows any more; taken out of the store.
};

// Fills an empty index with all locations of a store, at a restart. Reads with one thread and fills
// with the caller's, which is the index's writer. An error of the store ends it: the index is then
// not all there is, and must not be served from.
//
// `is_known` says whether a number is still a holder's: another manager that led in the meantime
// may have forgotten some whose locations lie here. Called on the caller's thread.
StatusOr<LoadedIndex> LoadIndex(Store& store, directory::LocationIndex& index,
                                absl::FunctionRef<bool(directory::Holder)> is_known);
// Where all holders are known.
StatusOr<LoadedIndex> LoadIndex(Store& store, directory::LocationIndex& index);

}  // namespace strata::manager::store
