#pragma once

#include <chrono>
#include <map>
#include <set>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/time.h"
#include "farm/engine.h"

namespace strata::manager::control {

// An engine of the group that has renewed its registration within this time is alive.
inline constexpr Duration kAliveFor = std::chrono::seconds(5);

// Which engines are in the farm's group, how long the others have been out of it, and whose process
// is alive. Any thread.
class EngineWatch {
 public:
  // `now`: as that of all calls; nothing before it is known.
  explicit EngineWatch(Timestamp now) : started_(now) {}

  struct Change {
    std::vector<farm::EngineId> came;
    std::vector<farm::EngineId> left;
  };
  // The engines of a view of the group; gives what is different from the one before.
  Change OnView(const std::vector<farm::EngineId>& engines, Timestamp now);
  // It has registered, or renewed its registration.
  void OnRenewed(farm::EngineId engine, Timestamp now);
  // These were alive a moment ago: another manager, which led, knew how long.
  void Believe(const std::vector<farm::EngineId>& engines, Timestamp now);

  bool IsAlive(farm::EngineId engine, Timestamp now) const;
  // How long an engine has been out of the group, as far as this manager can know.
  Duration AwayFor(farm::EngineId engine, Timestamp now) const;

 private:
  const Timestamp started_;
  mutable absl::Mutex mutex_;
  std::set<farm::EngineId> present_ ABSL_GUARDED_BY(mutex_);             // Of the last view.
  std::map<farm::EngineId, Timestamp> left_ ABSL_GUARDED_BY(mutex_);     // Those of earlier ones.
  std::map<farm::EngineId, Timestamp> renewed_ ABSL_GUARDED_BY(mutex_);  // The last time.
};

}  // namespace strata::manager::control
