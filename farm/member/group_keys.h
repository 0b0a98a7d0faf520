#pragma once

#include <set>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "multicast/group.h"

namespace strata::farm {

// The keys that a member of the farm's group has, as its manager says. Any thread.
class GroupKeys {
 public:
  // Those that the group was joined with.
  explicit GroupKeys(const std::vector<multicast::GroupKey>& keys);

  // From now on these, the first to send with; none is no change. Errors as of multicast::Group.
  Status Use(multicast::Group& group, const std::vector<multicast::GroupKey>& keys);

 private:
  absl::Mutex mutex_;
  std::set<uint8_t> ids_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::farm
