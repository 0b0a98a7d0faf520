#pragma once

#include <cstdint>
#include <string>

#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "service_manager/store/store.h"

namespace strata::manager::control {

// After a restoration from a backup: finds out whether purges were lost that were ordered after the
// backup was made, and then orders the site's whole cache purged (docs/protocols/backup.md, section
// 4). Any thread; waits for the disk.
class RestoredPurges {
 public:
  explicit RestoredPurges(store::Store& store) : store_(store) {}

  // An engine has purged this site up to there. True: purges were lost, and the order is durable
  // now; the farm has to be told.
  StatusOr<bool> OnPurgedUpTo(const std::string& site, uint64_t position);

 private:
  store::Store& store_;
  absl::Mutex order_;  // Held over a write.
};

}  // namespace strata::manager::control
