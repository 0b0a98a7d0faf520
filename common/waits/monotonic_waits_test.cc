#include "common/waits/monotonic_waits.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/time.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

// The wall clock that Abseil and the waits see: these stand before the C library's.
namespace {
std::atomic<int64_t> wall_offset_s = 0;
}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  using Real = int(clockid_t, timespec*);
  static auto* const real = reinterpret_cast<Real*>(dlsym(RTLD_NEXT, "clock_gettime"));
  const int result = real(clock, time);
  if (clock == CLOCK_REALTIME) time->tv_sec += wall_offset_s;
  return result;
}

extern "C" int gettimeofday(timeval* time, void*) noexcept {
  timespec now{};
  const int result = clock_gettime(CLOCK_REALTIME, &now);
  *time = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
  return result;
}

namespace strata {
namespace {

using Clock = std::chrono::steady_clock;

class MonotonicWaitsTest : public ::testing::Test {
 protected:
  ~MonotonicWaitsTest() override { wall_offset_s = 0; }

  // How long a wait of 200 ms in vain takes.
  std::chrono::milliseconds Wait() {
    UseMonotonicWaits();
    const auto begun = Clock::now();
    absl::MutexLock lock(&mutex_);
    EXPECT_FALSE(mutex_.AwaitWithTimeout(absl::Condition(&flag_), absl::Milliseconds(200)));
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
  }

  absl::Mutex mutex_;
  bool flag_ = false;
};

TEST_F(MonotonicWaitsTest, EndInTimeWhateverTheWallClockShows) {
  for (const int64_t offset_s : {0, 3600, -3600}) {
    wall_offset_s = offset_s;
    const auto took = Wait();
    EXPECT_GE(took, std::chrono::milliseconds(200)) << offset_s;
    EXPECT_LT(took, std::chrono::seconds(10)) << offset_s;
  }
}

// The library's own wait would hang: the kernel's clock is never an hour ahead.
TEST_F(MonotonicWaitsTest, EndInTimeWhenTheWallClockIsSetMeanwhile) {
  for (const int64_t offset_s : {-3600, 3600}) {
    std::atomic<bool> waits = false;
    std::thread waiter([&] {
      waits = true;
      EXPECT_LT(Wait(), std::chrono::seconds(10));
    });
    while (!waits) std::this_thread::yield();
    wall_offset_s = offset_s;
    waiter.join();
  }
}

TEST_F(MonotonicWaitsTest, EndAtOnceWhenWhatTheyWaitForComes) {
  const auto begun = Clock::now();
  std::thread other([this] {
    absl::MutexLock lock(&mutex_);
    flag_ = true;
  });
  {
    absl::MutexLock lock(&mutex_);
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&flag_), absl::Seconds(60)));
  }
  other.join();
  EXPECT_LT(Clock::now() - begun, std::chrono::seconds(30));
}

TEST_F(MonotonicWaitsTest, EndAtOnceWhenASignalOfAConditionVariableComes) {
  absl::CondVar changed;
  std::thread other([&] {
    absl::MutexLock lock(&mutex_);
    flag_ = true;
    changed.Signal();
  });
  {
    absl::MutexLock lock(&mutex_);
    while (!flag_) EXPECT_FALSE(changed.WaitWithTimeout(&mutex_, absl::Seconds(60)));
  }
  other.join();
}

}  // namespace
}  // namespace strata
