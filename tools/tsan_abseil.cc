// Linked into tests under --config=tsan. Debian's Abseil is not instrumented, so ThreadSanitizer
// does not see that its locks order anything. These functions stand before the library's own, call
// them, and tell the sanitizer what a lock, a wait and a notification order.
//
// Not covered: Notification::HasBeenNotified(), and Conditions that another thread evaluates.

#include <dlfcn.h>

#include <cstdlib>
#include <string>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);

namespace absl {
ABSL_NAMESPACE_BEGIN

namespace {

// The library's own function, by its mangled name behind the inline namespace.
template <typename Function>
Function* Real(const char* kind, const char* rest) {
  void* symbol = dlsym(RTLD_NEXT, (std::string("_Z") + kind + "4absl7debian3" + rest).c_str());
  if (symbol == nullptr) std::abort();
  return reinterpret_cast<Function*>(symbol);
}

using LockCall = void(Mutex*);
using TryLockCall = bool(Mutex*);
using LockWhenCall = void(Mutex*, const Condition&);
using WaitForCall = bool(Mutex*, const Condition&, Duration);
using WaitUntilCall = bool(Mutex*, const Condition&, Time);

}  // namespace

#define STRATA_REAL(type, kind, rest) static auto* const real = Real<type>(kind, rest)

#define STRATA_ACQUIRES(name, mangled)   \
  void Mutex::name() {                   \
    STRATA_REAL(LockCall, "N", mangled); \
    real(this);                          \
    __tsan_acquire(this);                \
  }

#define STRATA_RELEASES(name, mangled)   \
  void Mutex::name() {                   \
    STRATA_REAL(LockCall, "N", mangled); \
    __tsan_release(this);                \
    real(this);                          \
  }

#define STRATA_TRIES(name, mangled)         \
  bool Mutex::name() {                      \
    STRATA_REAL(TryLockCall, "N", mangled); \
    const bool locked = real(this);         \
    if (locked) __tsan_acquire(this);       \
    return locked;                          \
  }

#define STRATA_WAITS(name, mangled)          \
  void Mutex::name(const Condition& until) { \
    STRATA_REAL(LockWhenCall, "N", mangled); \
    __tsan_release(this);                    \
    real(this, until);                       \
    __tsan_acquire(this);                    \
  }

#define STRATA_WAITS_LIMITED(name, type, limit, mangled) \
  bool Mutex::name(const Condition& until, limit end) {  \
    STRATA_REAL(type, "N", mangled);                     \
    __tsan_release(this);                                \
    const bool held = real(this, until, end);            \
    __tsan_acquire(this);                                \
    return held;                                         \
  }

STRATA_ACQUIRES(Lock, "5Mutex4LockEv")
STRATA_ACQUIRES(ReaderLock, "5Mutex10ReaderLockEv")
STRATA_RELEASES(Unlock, "5Mutex6UnlockEv")
STRATA_RELEASES(ReaderUnlock, "5Mutex12ReaderUnlockEv")
STRATA_TRIES(TryLock, "5Mutex7TryLockEv")
STRATA_TRIES(ReaderTryLock, "5Mutex13ReaderTryLockEv")
STRATA_WAITS(Await, "5Mutex5AwaitERKNS0_9ConditionE")
STRATA_WAITS(LockWhen, "5Mutex8LockWhenERKNS0_9ConditionE")
STRATA_WAITS(ReaderLockWhen, "5Mutex14ReaderLockWhenERKNS0_9ConditionE")
STRATA_WAITS_LIMITED(AwaitWithTimeout, WaitForCall, Duration,
                     "5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE")
STRATA_WAITS_LIMITED(AwaitWithDeadline, WaitUntilCall, Time,
                     "5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE")
STRATA_WAITS_LIMITED(LockWhenWithTimeout, WaitForCall, Duration,
                     "5Mutex19LockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE")
STRATA_WAITS_LIMITED(LockWhenWithDeadline, WaitUntilCall, Time,
                     "5Mutex20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE")

void CondVar::Wait(Mutex* mu) {
  STRATA_REAL(void(CondVar*, Mutex*), "N", "7CondVar4WaitEPNS0_5MutexE");
  __tsan_release(mu);
  real(this, mu);
  __tsan_acquire(mu);
}

bool CondVar::WaitWithTimeout(Mutex* mu, Duration timeout) {
  STRATA_REAL(bool(CondVar*, Mutex*, Duration), "N",
              "7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE");
  __tsan_release(mu);
  const bool expired = real(this, mu, timeout);
  __tsan_acquire(mu);
  return expired;
}

bool CondVar::WaitWithDeadline(Mutex* mu, Time deadline) {
  STRATA_REAL(bool(CondVar*, Mutex*, Time), "N",
              "7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE");
  __tsan_release(mu);
  const bool expired = real(this, mu, deadline);
  __tsan_acquire(mu);
  return expired;
}

void Notification::Notify() {
  STRATA_REAL(void(Notification*), "N", "12Notification6NotifyEv");
  __tsan_release(this);
  real(this);
}

void Notification::WaitForNotification() const {
  STRATA_REAL(void(const Notification*), "NK", "12Notification19WaitForNotificationEv");
  real(this);
  __tsan_acquire(const_cast<Notification*>(this));
}

bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  STRATA_REAL(bool(const Notification*, Duration), "NK",
              "12Notification30WaitForNotificationWithTimeoutENS0_8DurationE");
  const bool notified = real(this, timeout);
  if (notified) __tsan_acquire(const_cast<Notification*>(this));
  return notified;
}

ABSL_NAMESPACE_END
}  // namespace absl
