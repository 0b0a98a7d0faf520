#pragma once

#include <time.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "common/status.h"
#include "common/time.h"

namespace strata::engine::app {

// Has the kernel kill this process, and with it the nginx that is its child, when it was not well
// for too long: stopped, starved, wedged, or unable to close its server. A process that is stopped
// cannot close its nginx, which would go on serving what is purged meanwhile; a timer of the kernel
// runs on, and a stopped process can be killed. Asks on a thread of its own. Owned by who answers
// `well`.
class Watchdog {
 public:
  // Kills when `well` was not true for `limit`. It is asked ten times in that time, and must not
  // wait. ResourceExhausted: the kernel has no timer.
  static StatusOr<std::unique_ptr<Watchdog>> Start(Duration limit, std::function<bool()> well);
  ~Watchdog();  // Kills no more.
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  Watchdog(timer_t timer, Duration limit, std::function<bool()> well);
  void PutOff() const;
  void Run() const;

  const timer_t timer_;
  const Duration limit_;
  const std::function<bool()> well_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace strata::engine::app
