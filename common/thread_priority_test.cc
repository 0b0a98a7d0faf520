#include "common/thread_priority.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

namespace strata {
namespace {

int OwnNice() { return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())); }

TEST(ThreadPriorityTest, IsOfTheCallingThreadAlone) {
  const int before = OwnNice();
  int bulk = 0;
  std::thread thread([&bulk] {
    YieldToOthers();
    bulk = OwnNice();
  });
  thread.join();
  EXPECT_GE(bulk, 10);
  EXPECT_EQ(OwnNice(), before);
}

TEST(ThreadPriorityTest, NeverGoesUp) {
  std::thread thread([] {
    const auto self = static_cast<id_t>(gettid());
    setpriority(PRIO_PROCESS, self, 15);
    YieldToOthers();
    EXPECT_EQ(OwnNice(), 15);
  });
  thread.join();
}

}  // namespace
}  // namespace strata
