#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/status.h"
#include "farm/messages.h"
#include "farm/site_ledger.h"
#include "service_manager/control/log_limit.h"
#include "service_manager/store/store.h"

namespace strata::manager::control {

// Entries of a site's log that are told to members, or kept, at least: one more than they keep, so
// that they know that they have not all.
inline constexpr size_t kPurgesTold = farm::kPurgesKept + 1;

// The sites' purge logs on disk: what is in them is ordered, whatever happens next. Any thread.
class PurgeJournal {
 public:
  explicit PurgeJournal(store::Store& store) : store_(store), limit_(store, kPurgesTold) {}

  // Appends an entry; durable when it returns. `keys` has at most farm::kMaxPurgedKeys.
  // Old entries go with it now and then.
  StatusOr<farm::Purged> Append(const std::string& site, const std::vector<farm::ContentKey>& keys,
                                const std::vector<std::string>& uris, const std::string& by);
  // The last entries behind a position, at most kPurgesTold, the oldest of these first.
  StatusOr<std::vector<farm::Purged>> After(const std::string& site, uint64_t position) const;

 private:
  store::Store& store_;
  LogLimit limit_;
};

}  // namespace strata::manager::control
