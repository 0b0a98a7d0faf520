#include "service_manager/control/engine_watch.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace strata::manager::control {

EngineWatch::Change EngineWatch::OnView(const std::vector<farm::EngineId>& engines, Timestamp now) {
  const std::set<farm::EngineId> present(engines.begin(), engines.end());
  absl::MutexLock lock(&mutex_);
  const std::set<farm::EngineId> before = std::exchange(present_, present);
  Change change;
  std::set_difference(present.begin(), present.end(), before.begin(), before.end(),
                      std::back_inserter(change.came));
  std::set_difference(before.begin(), before.end(), present.begin(), present.end(),
                      std::back_inserter(change.left));
  for (const farm::EngineId engine : change.left) left_[engine] = now;
  for (const farm::EngineId engine : change.came) left_.erase(engine);
  return change;
}

void EngineWatch::OnRenewed(farm::EngineId engine, Timestamp now) {
  absl::MutexLock lock(&mutex_);
  renewed_[engine] = now;
}

void EngineWatch::Believe(const std::vector<farm::EngineId>& engines, Timestamp now) {
  absl::MutexLock lock(&mutex_);
  for (const farm::EngineId engine : engines) renewed_[engine] = now;
}

bool EngineWatch::IsAlive(farm::EngineId engine, Timestamp now) const {
  absl::MutexLock lock(&mutex_);
  const auto it = renewed_.find(engine);
  return present_.contains(engine) && it != renewed_.end() && now - it->second < kAliveFor;
}

Duration EngineWatch::AwayFor(farm::EngineId engine, Timestamp now) const {
  absl::MutexLock lock(&mutex_);
  if (present_.contains(engine)) return Duration::zero();
  const auto it = left_.find(engine);
  // One that was never seen may have been there until this manager came.
  return now - (it == left_.end() ? started_ : it->second);
}

}  // namespace strata::manager::control
