// Part of the library that is loaded before the C library (LD_PRELOAD): the wall clock of a
// machine that can be set at any time. STRATA_CHAOS_CLOCK names a file with the clock's offset, a
// signed 64-bit number of nanoseconds. The monotonic clock stays as it is.
//
// A wait until a point of the wall clock ends when the clock gets there, as the kernel does it: it
// is cut into pieces, so that a clock that is set meanwhile counts.

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>

namespace {

constexpr int64_t kNanosInSecond = 1'000'000'000;
constexpr int64_t kPieceNanos = 50'000'000;  // A wait looks at the clock so often.

const volatile int64_t* MapOffset() {
  static const int64_t zero = 0;
  const char* path = std::getenv("STRATA_CHAOS_CLOCK");
  if (path == nullptr) return &zero;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return &zero;
  void* memory = mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  return memory == MAP_FAILED ? &zero : static_cast<const volatile int64_t*>(memory);
}

int64_t Offset() {
  static const volatile int64_t* const offset = MapOffset();
  return *offset;
}

template <typename Function>
Function* Next(const char* name, const char* version = nullptr) {
  void* const found =
      version != nullptr ? dlvsym(RTLD_NEXT, name, version) : dlsym(RTLD_NEXT, name);
  return reinterpret_cast<Function*>(found);
}

int RealClock(clockid_t clock, timespec* time) {
  static auto* const next = Next<int(clockid_t, timespec*)>("clock_gettime");
  return next(clock, time);
}

int64_t Nanos(const timespec& time) { return time.tv_sec * kNanosInSecond + time.tv_nsec; }

timespec Time(int64_t nanos) {
  // Before 1970 is as good as 1970.
  if (nanos < 0) nanos = 0;
  return {.tv_sec = nanos / kNanosInSecond, .tv_nsec = nanos % kNanosInSecond};
}

bool IsWall(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE; }

int64_t RealNow() {
  timespec now{};
  RealClock(CLOCK_REALTIME, &now);
  return Nanos(now);
}

// The end of the next piece of a wait until `until` of the machine's clock, for the kernel.
timespec NextPiece(const timespec& until, bool* is_last) {
  const int64_t now = RealNow();
  const int64_t end = Nanos(until) - Offset();
  *is_last = end <= now + kPieceNanos;
  return Time(*is_last ? end : now + kPieceNanos);
}

long WaitOnFutex(long number, long* words) {
  static auto* const next = Next<long(long, ...)>("syscall");
  const timespec until = *reinterpret_cast<const timespec*>(words[3]);
  while (true) {
    bool is_last = false;
    const timespec piece = NextPiece(until, &is_last);
    const long result = next(number, words[0], words[1], words[2], &piece, words[4], words[5]);
    if (result == 0 || errno != ETIMEDOUT || is_last) return result;
  }
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) {
  const int result = RealClock(clock, time);
  if (result == 0 && IsWall(clock)) *time = Time(Nanos(*time) + Offset());
  return result;
}

int gettimeofday(timeval* time, void*) {
  const timespec now = Time(RealNow() + Offset());
  *time = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t* result) {
  const time_t now = Time(RealNow() + Offset()).tv_sec;
  if (result != nullptr) *result = now;
  return now;
}

long syscall(long number, ...) {
  static auto* const next = Next<long(long, ...)>("syscall");
  long words[6];
  va_list list;
  va_start(list, number);
  for (long& word : words) word = va_arg(list, long);
  va_end(list);
  if (number == SYS_clock_gettime) {
    return clock_gettime(static_cast<clockid_t>(words[0]), reinterpret_cast<timespec*>(words[1]));
  }
  const bool timed = number == SYS_futex && (words[1] & FUTEX_CLOCK_REALTIME) != 0 &&
                     (words[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET && words[3] != 0;
  if (timed) return WaitOnFutex(number, words);
  return next(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

// Both may end early, as the standard allows: that is how a clock that was set meanwhile counts.
int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* until) {
  static auto* const next =
      Next<int(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*)>(
          "pthread_cond_clockwait");
  if (!IsWall(clock)) return next(condition, mutex, clock, until);
  bool is_last = false;
  const timespec piece = NextPiece(*until, &is_last);
  const int result = next(condition, mutex, clock, &piece);
  return result == ETIMEDOUT && !is_last ? 0 : result;
}

// A condition's own clock is not to be seen from here: one that is near is the wall's.
int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const timespec* until) {
  static auto* const next = Next<int(pthread_cond_t*, pthread_mutex_t*, const timespec*)>(
      "pthread_cond_timedwait", "GLIBC_2.3.2");
  constexpr time_t kYear2000 = 946'684'800;
  if (until->tv_sec < kYear2000) return next(condition, mutex, until);
  bool is_last = false;
  const timespec piece = NextPiece(*until, &is_last);
  const int result = next(condition, mutex, &piece);
  return result == ETIMEDOUT && !is_last ? 0 : result;
}

int sem_timedwait(sem_t* semaphore, const timespec* until) {
  static auto* const next = Next<int(sem_t*, const timespec*)>("sem_timedwait");
  while (true) {
    bool is_last = false;
    const timespec piece = NextPiece(*until, &is_last);
    const int result = next(semaphore, &piece);
    if (result == 0 || errno != ETIMEDOUT || is_last) return result;
  }
}

}  // extern "C"
