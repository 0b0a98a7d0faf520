#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/time.h"

namespace strata::manager::control {

inline constexpr size_t kWorkMax = 10'000;

// One thread that does one thing after the other: what callbacks of the group must not wait for.
class WorkQueue {
 public:
  // `tick` is called whenever an interval is over, between the others.
  WorkQueue(Duration interval, std::function<void()> tick);
  ~WorkQueue() { Stop(); }
  // Waits for what is being done; what was not begun is dropped, now and later. Not by the work.
  void Stop();

  // False, and dropped, if too much is waiting.
  bool Post(std::function<void()> work);

 private:
  void Loop();

  const Duration interval_;
  const std::function<void()> tick_;
  absl::Mutex mutex_;
  std::deque<std::function<void()>> work_ ABSL_GUARDED_BY(mutex_);
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace strata::manager::control
