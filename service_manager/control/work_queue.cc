#include "service_manager/control/work_queue.h"

#include <utility>

#include "absl/time/time.h"
#include "multicast/driver/clock.h"

namespace strata::manager::control {

WorkQueue::WorkQueue(Duration interval, std::function<void()> tick)
    : interval_(interval), tick_(std::move(tick)), thread_([this] { Loop(); }) {}

void WorkQueue::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

bool WorkQueue::Post(std::function<void()> work) {
  absl::MutexLock lock(&mutex_);
  if (stop_ || work_.size() >= kWorkMax) return false;
  work_.push_back(std::move(work));
  return true;
}

void WorkQueue::Loop() {
  Timestamp next = multicast::Now();
  while (true) {
    std::function<void()> work;
    {
      absl::MutexLock lock(&mutex_);
      const auto ready = [this]()
                             ABSL_NO_THREAD_SAFETY_ANALYSIS { return stop_ || !work_.empty(); };
      mutex_.AwaitWithTimeout(absl::Condition(&ready), absl::FromChrono(next - multicast::Now()));
      if (stop_) return;
      if (!work_.empty()) {
        work = std::move(work_.front());
        work_.pop_front();
      }
    }
    if (work) work();
    if (multicast::Now() < next) continue;
    tick_();
    next = multicast::Now() + interval_;
  }
}

}  // namespace strata::manager::control
