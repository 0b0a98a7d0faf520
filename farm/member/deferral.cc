#include "farm/member/deferral.h"

#include <utility>

#include "common/thread_priority.h"

namespace strata::farm {

void Deferral::Defer(std::function<void()> work) {
  {
    absl::MutexLock lock(&mutex_);
    const auto room = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return stop_ || work_.size() < kDeferredMax;
    };
    mutex_.Await(absl::Condition(&room));
    if (stop_) return;
    work_.push_back(std::move(work));
    if (going_on_) return;
    going_on_ = true;
  }
  absl::MutexLock lock(&thread_mutex_);
  if (thread_.joinable()) thread_.join();  // It has ended, or is about to.
  thread_ = std::thread([this] { Loop(); });
}

void Deferral::Loop() {
  YieldToOthers();
  while (true) {
    std::function<void()> work;
    {
      absl::MutexLock lock(&mutex_);
      if (stop_ || work_.empty()) {
        going_on_ = false;
        return;
      }
      work = std::move(work_.front());
      work_.pop_front();
    }
    work();
  }
}

void Deferral::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  absl::MutexLock lock(&thread_mutex_);
  if (thread_.joinable()) thread_.join();
}

}  // namespace strata::farm
