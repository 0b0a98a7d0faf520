#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/status.h"
#include "farm/messages.h"
#include "service_manager/store/store.h"

namespace strata::manager::control {

// The sites' purge logs on disk: what is in them is ordered, whatever happens next. Any thread.
class PurgeJournal {
 public:
  explicit PurgeJournal(store::Store& store) : store_(store) {}

  // Appends an entry; durable when it returns. `keys` has at most farm::kMaxPurgedKeys.
  StatusOr<farm::Purged> Append(const std::string& site, const std::vector<farm::ContentKey>& keys,
                                const std::vector<std::string>& uris, const std::string& by);
  // The entries behind a position, at most farm::kPurgesKept, the oldest of these first.
  StatusOr<std::vector<farm::Purged>> After(const std::string& site, uint64_t position) const;

 private:
  store::Store& store_;
};

}  // namespace strata::manager::control
