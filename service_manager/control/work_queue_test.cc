#include "service_manager/control/work_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <vector>

namespace strata::manager::control {
namespace {

constexpr std::chrono::seconds kPatience(30);
constexpr Duration kNever = std::chrono::hours(1);

bool Comes(std::future<void> future) {
  return future.wait_for(kPatience) == std::future_status::ready;
}

TEST(WorkQueueTest, DoesOneThingAfterTheOther) {
  std::vector<int> done;
  std::promise<void> last;
  WorkQueue queue(kNever, [] {});
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(queue.Post([&done, i] { done.push_back(i); }));
  EXPECT_TRUE(queue.Post([&last] { last.set_value(); }));
  ASSERT_TRUE(Comes(last.get_future()));
  ASSERT_EQ(done.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(done[static_cast<size_t>(i)], i);
}

TEST(WorkQueueTest, TicksAlsoWhenNothingElseIsToDo) {
  int ticks = 0;
  std::promise<void> third;
  WorkQueue queue(std::chrono::milliseconds(1), [&] {
    if (++ticks == 3) third.set_value();
  });
  EXPECT_TRUE(Comes(third.get_future()));
}

TEST(WorkQueueTest, RefusesWhatIsTooMuchAndDropsWhatWasNotBegun) {
  int done = 0;
  {
    std::promise<void> begun;
    std::promise<void> go_on;
    WorkQueue queue(kNever, [] {});
    EXPECT_TRUE(queue.Post([&] {
      begun.set_value();
      go_on.get_future().wait();
    }));
    ASSERT_TRUE(Comes(begun.get_future()));
    for (size_t i = 0; i < kWorkMax; ++i) EXPECT_TRUE(queue.Post([&done] { ++done; }));
    EXPECT_FALSE(queue.Post([&done] { ++done; }));
    go_on.set_value();
  }
  EXPECT_LE(done, static_cast<int>(kWorkMax));
}

}  // namespace
}  // namespace strata::manager::control
