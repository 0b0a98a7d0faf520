#include "common/waits/monotonic_waits.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

#include "absl/synchronization/internal/create_thread_identity.h"
#include "absl/synchronization/internal/kernel_timeout.h"
#include "absl/synchronization/internal/per_thread_sem.h"
#include "absl/synchronization/internal/waiter.h"

// Abseil's own wait for a thread's semaphore is a weak function, to be replaced. What stands here
// is what the library does, but for the clock.

namespace {

namespace internal = absl::synchronization_internal;

// The semaphore is a futex and nothing else: otherwise this file has to be looked at again.
static_assert(ABSL_WAITER_MODE == ABSL_WAITER_MODE_FUTEX);
static_assert(sizeof(internal::Waiter) == sizeof(std::atomic<int32_t>));

constexpr int64_t kNanosPerSecond = 1'000'000'000;

int64_t ClockNanos(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return int64_t{t.tv_sec} * kNanosPerSecond + t.tv_nsec;
}

// From now until an instant of the wall clock that was computed just before.
int64_t NanosUntil(internal::KernelTimeout& end) {
  const timespec at = end.MakeAbsTimespec();
  return int64_t{at.tv_sec} * kNanosPerSecond + at.tv_nsec - ClockNanos(CLOCK_REALTIME);
}

bool TakeOne(std::atomic<int32_t>& count) {
  int32_t seen = count.load(std::memory_order_relaxed);
  while (seen != 0) {
    if (count.compare_exchange_weak(seen, seen - 1, std::memory_order_acquire,
                                    std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

// False: the time is over. `until`: of the monotonic clock.
bool WaitUntil(std::atomic<int32_t>& count, int64_t until) {
  while (true) {
    if (TakeOne(count)) return true;
    const int64_t left = until - ClockNanos(CLOCK_MONOTONIC);
    if (left <= 0) return false;
    const timespec limit{.tv_sec = static_cast<time_t>(left / kNanosPerSecond),
                         .tv_nsec = static_cast<long>(left % kNanosPerSecond)};
    syscall(SYS_futex, &count, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &limit);
  }
}

}  // namespace

extern "C" bool ABSL_INTERNAL_C_SYMBOL(AbslInternalPerThreadSemWait)(internal::KernelTimeout end) {
  absl::base_internal::ThreadIdentity* self = internal::GetOrCreateCurrentThreadIdentity();
  // Abseil counts the time since then, to give memory back; 0 would mean that it does not wait.
  const int ticker = self->ticker.load(std::memory_order_relaxed);
  self->wait_start.store(ticker != 0 ? ticker : 1, std::memory_order_relaxed);
  self->is_idle.store(false, std::memory_order_relaxed);
  internal::Waiter* const waiter = internal::Waiter::GetWaiter(self);
  bool woken = false;
  if (!end.has_timeout()) {
    woken = waiter->Wait(end);
  } else {
    const int64_t left = NanosUntil(end);
    int64_t until = 0;
    if (__builtin_add_overflow(ClockNanos(CLOCK_MONOTONIC), left, &until)) until = INT64_MAX;
    woken = WaitUntil(*reinterpret_cast<std::atomic<int32_t>*>(waiter), until);
  }
  self->is_idle.store(false, std::memory_order_relaxed);
  self->wait_start.store(0, std::memory_order_relaxed);
  return woken;
}

namespace strata {

void UseMonotonicWaits() {}

}  // namespace strata
