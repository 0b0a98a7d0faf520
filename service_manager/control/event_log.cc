#include "service_manager/control/event_log.h"

#include <algorithm>
#include <cstddef>

#include "absl/time/time.h"
#include "common/log.h"
#include "common/wall_clock.h"

namespace strata::manager::control {

void EventLog::Add(std::string_view kind, std::string_view text) {
  static const Logger log("farm");
  log.Info("event", {{"kind", kind}, {"text", text}});
  absl::MutexLock lock(&mutex_);
  events_.push_back({++last_, WallClockMillis(), std::string(kind), std::string(text)});
  if (events_.size() > kEventsKept) events_.pop_front();
}

std::vector<FarmEvent> EventLog::Recent(size_t count) const {
  absl::MutexLock lock(&mutex_);
  const size_t taken = std::min(count, events_.size());
  return {events_.end() - static_cast<std::ptrdiff_t>(taken), events_.end()};
}

std::vector<FarmEvent> EventLog::After(uint64_t number, Duration limit) const {
  absl::MutexLock lock(&mutex_);
  const auto more = [this, number]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return last_ > number; };
  mutex_.AwaitWithTimeout(absl::Condition(&more), absl::FromChrono(limit));
  const auto first = std::find_if(events_.begin(), events_.end(),
                                  [number](const FarmEvent& e) { return e.number > number; });
  return {first, events_.end()};
}

uint64_t EventLog::last() const {
  absl::MutexLock lock(&mutex_);
  return last_;
}

}  // namespace strata::manager::control
