#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/time.h"

namespace strata::manager::control {

// Events that the log keeps.
inline constexpr size_t kEventsKept = 10'000;

// Something that happened in the farm, for people.
struct FarmEvent {
  uint64_t number = 0;  // From 1, without gaps.
  int64_t at_ms = 0;    // Since 1970, UTC.
  std::string kind;     // engine, site, purge, view, farm
  std::string text;
};

// The last events of the farm, and a way to wait for more. Any thread.
class EventLog {
 public:
  void Add(std::string_view kind, std::string_view text);

  // The last `count` of them.
  std::vector<FarmEvent> Recent(size_t count) const;
  // Those after `number`, as far as they are kept; waits up to `limit` if there are none yet.
  std::vector<FarmEvent> After(uint64_t number, Duration limit) const;
  uint64_t last() const;

 private:
  mutable absl::Mutex mutex_;
  std::deque<FarmEvent> events_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace strata::manager::control
