#pragma once

#include <algorithm>
#include <chrono>

#include "common/time.h"
#include "multicast/driver/clock.h"

namespace strata::engine {

using multicast::Now;

// For poll: rounded up, so that nobody wakes too early; 0 if it is over.
inline int MillisUntil(Timestamp until) {
  const Duration left = until - Now();
  if (left <= Duration::zero()) return 0;
  const auto millis =
      std::chrono::ceil<std::chrono::milliseconds>(std::min(left, Duration(std::chrono::hours(1))));
  return static_cast<int>(millis.count());
}

}  // namespace strata::engine
