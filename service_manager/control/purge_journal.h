#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "farm/messages.h"
#include "farm/site_ledger.h"
#include "service_manager/control/log_limit.h"
#include "service_manager/store/store.h"

namespace strata::manager::control {

// Entries of a site's log that are told to members, or kept, at least: one more than they keep, so
// that they know that they have not all.
inline constexpr size_t kPurgesTold = farm::kPurgesKept + 1;

// The log of the store that has a site's purges. A site's name has at most 63 bytes, a log's 64: a
// site is a log.
inline const std::string& LogOfPurges(const std::string& site) { return site; }

// An entry of a purge log as people see it.
struct PurgeEntry {
  farm::Purged purged;            // Without keys: all of the site.
  std::vector<std::string> uris;  // Canonical; of its keys, in their order.
  std::string ordered_by;
  int64_t at_ms = 0;  // Since 1970, UTC, where it was ordered.
};

// The sites' purge logs on disk: what is in them is ordered, whatever happens next. The log of a
// site that came from above has the positions of its home. Any thread.
class PurgeJournal {
 public:
  explicit PurgeJournal(store::Store& store) : store_(store), limit_(store, kPurgesTold) {}

  // Is told the site whose log may have another entry, also if it is not known whether all managers
  // have it; on the thread that wrote it, which waits. Null: nobody is told, from when it returns.
  void Observe(std::function<void(const std::string& site)> written);

  // Appends an entry; durable when it returns. `keys` has at most farm::kMaxPurgedKeys.
  // Old entries go with it now and then.
  StatusOr<farm::Purged> Append(const std::string& site, const std::vector<farm::ContentKey>& keys,
                                const std::vector<std::string>& uris, const std::string& by);
  // Puts in entries of one site that were numbered at its home, in their order; durable when it
  // returns. Gives those that were not here: behind the last position.
  StatusOr<std::vector<farm::Purged>> Take(const std::vector<PurgeEntry>& entries);
  // Of the last entry; 0: there was none.
  StatusOr<uint64_t> Last(const std::string& site) const {
    return store_.LastPosition(LogOfPurges(site));
  }
  // The entries behind a position, in their order, as far as a message has room: of at most so many
  // bytes of URIs, but one in any case. If the log does not go back so far, the one entry that says
  // as much: all of the site, up to the last position.
  StatusOr<std::vector<PurgeEntry>> Behind(const std::string& site, uint64_t position,
                                           size_t bytes_max) const;
  // The newest entries before position `before` (0: the end), newest first, at most `limit`.
  StatusOr<std::vector<PurgeEntry>> Newest(const std::string& site, uint64_t before,
                                           size_t limit) const;
  // NotFound: there is none at this position, or it was long ago.
  StatusOr<PurgeEntry> Find(const std::string& site, uint64_t position) const;
  // The last entries behind a position, at most kPurgesTold, the oldest of these first.
  StatusOr<std::vector<farm::Purged>> After(const std::string& site, uint64_t position) const;

 private:
  // Those without a position get the next. Gives the positions.
  StatusOr<std::vector<uint64_t>> Write(const std::string& site,
                                        const std::vector<const PurgeEntry*>& entries);
  Status Visit(const std::string& site, uint64_t from,
               absl::FunctionRef<bool(PurgeEntry)> visit) const;

  store::Store& store_;
  LogLimit limit_;
  absl::Mutex observer_mutex_;  // Held while he is told.
  std::function<void(const std::string&)> written_ ABSL_GUARDED_BY(observer_mutex_);
};

}  // namespace strata::manager::control
