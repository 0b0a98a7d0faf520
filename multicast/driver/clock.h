#pragma once

#include <time.h>

#include "common/time.h"

namespace strata::multicast {

// The monotonic clock of this machine. Stands still while the machine sleeps.
inline Timestamp Now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return Timestamp::FromNanos(int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec);
}

// `d` for the system calls; negative ones are zero.
inline timespec ToTimespec(Duration d) {
  if (d.count() <= 0) return {.tv_sec = 0, .tv_nsec = 0};
  return {.tv_sec = static_cast<time_t>(d.count() / 1'000'000'000),
          .tv_nsec = static_cast<long>(d.count() % 1'000'000'000)};
}

}  // namespace strata::multicast
