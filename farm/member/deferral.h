#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace strata::farm {

// What may wait; beyond that who adds waits.
inline constexpr size_t kDeferredMax = 100'000;

// Lets one thread hand work that takes long to another one, of low priority, and all that comes
// behind it too, until that one has done it all: so work is done one after the other, in its order,
// and whoever comes with it next does it at once again. Run and Defer are for one thread.
class Deferral {
 public:
  Deferral() = default;
  ~Deferral() { Stop(); }

  // Whether work goes by Defer at the moment.
  bool going_on() const { return going_on_.load(std::memory_order_acquire); }
  // On a thread of its own, from now on until nothing is left.
  void Defer(std::function<void()> work);
  // Waits for what is being done; what was not begun is dropped, now and later.
  void Stop();

 private:
  void Loop();

  std::atomic<bool> going_on_ = false;
  absl::Mutex thread_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  absl::Mutex mutex_;
  std::deque<std::function<void()>> work_ ABSL_GUARDED_BY(mutex_);
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_ ABSL_GUARDED_BY(thread_mutex_);
};

}  // namespace strata::farm
