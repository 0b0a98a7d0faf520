#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "common/bytes.h"
#include "common/status.h"
#include "farm/messages.h"
#include "farm/site_table.h"
#include "farm/table_digest.h"

namespace strata::farm {

// Entries of a site's purge log that members keep for those who were away longer. Who missed more
// than that has to drop all of the site.
inline constexpr size_t kPurgesKept = 10'000;

// What every member of a farm knows of its sites: which there are, and what was purged in each
// (docs/protocols/farm.md, section 6). Equal at all members of one commit number. Pure, one thread.
class SiteLedger {
 public:
  struct Purge {
    uint64_t position = 0;
    std::vector<ContentKey> keys;

    friend bool operator==(const Purge&, const Purge&) = default;
  };
  // The end of a site's purge log. Entries that are not here any more lie before `forgotten`.
  struct PurgeLog {
    uint64_t position = 0;   // Of the last entry; 0: there was none.
    uint64_t forgotten = 0;  // Of the last entry that is not kept; 0: all are.
    std::deque<Purge> kept;  // By rising position.

    friend bool operator==(const PurgeLog&, const PurgeLog&) = default;
  };

  // False, and nothing changes, for what is here already: a version or position that is not above
  // the present one, a site that is not there, a host that belongs to another site.
  bool Apply(const SiteApplied& m);
  bool Apply(const SiteRemoved& m);
  // Without keys: all of the site, so that nobody's position before it is good enough.
  bool Apply(const Purged& m);

  const SiteTable& sites() const { return sites_; }
  // Of a site that is there; null else. Valid until the next change.
  const PurgeLog* FindLog(const std::string& site) const;
  TableDigest digest() const;
  // Grows whenever sites() has changed here: for who keeps something made of them. Nothing between
  // members.
  uint64_t site_changes() const { return site_changes_; }

  // State transfer. Restore: InvalidArgument, with everything as it was, for what Snapshot would
  // not write.
  Bytes Snapshot() const;
  Status Restore(ByteSpan snapshot);

 private:
  SiteTable sites_;
  uint64_t site_changes_ = 0;
  std::map<std::string, PurgeLog> logs_;  // The same names as sites_.
};

}  // namespace strata::farm
