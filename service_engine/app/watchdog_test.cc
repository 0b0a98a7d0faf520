#include "service_engine/app/watchdog.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>

namespace strata::engine::app {
namespace {

using std::chrono::milliseconds;

// A child process with a watchdog: what it does, and what it died of; 0: it ended.
int Child(Duration limit, const std::function<bool()>& well, const std::function<void()>& life) {
  const pid_t pid = fork();
  if (pid == 0) {
    const auto watchdog = Watchdog::Start(limit, well);
    if (!watchdog.ok()) _exit(1);
    life();
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

void Forever() {
  while (true) pause();
}

TEST(WatchdogTest, KillsAProcessThatIsNotWell) {
  EXPECT_EQ(Child(
                milliseconds(50), [] { return false; }, Forever),
            SIGKILL);
}

TEST(WatchdogTest, KillsAProcessThatIsStopped) {
  EXPECT_EQ(Child(
                milliseconds(500), [] { return true; }, [] { raise(SIGSTOP); }),
            SIGKILL);
}

TEST(WatchdogTest, LeavesAProcessAloneThatIsWell) {
  const auto looks = [] {
    static std::atomic<int> count = 0;
    if (++count == 40) _exit(7);  // After four times the limit.
    return true;
  };
  EXPECT_EQ(Child(milliseconds(1000), looks, Forever), 7);
}

TEST(WatchdogTest, KillsNoMoreWhenItIsGone) {
  auto watchdog = Watchdog::Start(milliseconds(50), [] { return true; });
  ASSERT_TRUE(watchdog.ok());
  watchdog->reset();
  poll(nullptr, 0, 200);  // The kernel would have killed by now.
}

}  // namespace
}  // namespace strata::engine::app
