// Under --config=tsan each of these would be called a race, were it not for tsan_abseil.cc.

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace {

TEST(TsanAbseilTest, SeesThatAMutexOrders) {
  absl::Mutex mu;
  std::vector<int> values;
  const auto add = [&] {
    for (int i = 0; i < 1000; ++i) {
      absl::MutexLock lock(&mu);
      values.push_back(i);
    }
  };
  std::thread other(add);
  add();
  other.join();
  EXPECT_EQ(values.size(), 2000U);
}

TEST(TsanAbseilTest, SeesThatAConditionVariableOrders) {
  absl::Mutex mu;
  absl::CondVar changed;
  int turn = 0;
  std::thread other([&] {
    absl::MutexLock lock(&mu);
    while (turn != 1) changed.Wait(&mu);
    turn = 2;
    changed.SignalAll();
  });
  {
    absl::MutexLock lock(&mu);
    turn = 1;
    changed.SignalAll();
    while (turn != 2) changed.WaitWithTimeout(&mu, absl::Seconds(60));
  }
  other.join();
  EXPECT_EQ(turn, 2);
}

TEST(TsanAbseilTest, SeesThatAnAwaitedConditionOrders) {
  absl::Mutex mu;
  bool ready = false;
  int value = 0;
  std::thread other([&] {
    absl::MutexLock lock(&mu);
    value = 7;
    ready = true;
  });
  {
    absl::MutexLock lock(&mu);
    EXPECT_TRUE(mu.AwaitWithTimeout(absl::Condition(&ready), absl::Seconds(60)));
    EXPECT_EQ(value, 7);
  }
  other.join();
}

TEST(TsanAbseilTest, SeesThatANotificationOrders) {
  absl::Notification done;
  int value = 0;
  std::thread other([&] {
    value = 7;
    done.Notify();
  });
  done.WaitForNotification();
  EXPECT_EQ(value, 7);
  other.join();
}

}  // namespace
