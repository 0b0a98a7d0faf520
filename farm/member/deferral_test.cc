#include "farm/member/deferral.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>
#include <vector>

namespace strata::farm {
namespace {

TEST(DeferralTest, WhatComesBehindIsDoneInItsOrderWhileWhoAddsGoesOn) {
  Deferral deferral;
  EXPECT_FALSE(deferral.going_on());
  std::promise<void> go;
  std::vector<int> done;
  deferral.Defer([&] {
    go.get_future().wait();
    done.push_back(0);
  });
  EXPECT_TRUE(deferral.going_on());
  for (int i = 1; i < 100; ++i) deferral.Defer([&done, i] { done.push_back(i); });
  go.set_value();
  while (deferral.going_on()) std::this_thread::yield();
  ASSERT_EQ(done.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(done[static_cast<size_t>(i)], i);
  // And again.
  deferral.Defer([&done] { done.clear(); });
  while (deferral.going_on()) std::this_thread::yield();
  EXPECT_TRUE(done.empty());
}

TEST(DeferralTest, WhatWasNotBegunIsDroppedAtTheEnd) {
  Deferral deferral;
  std::promise<void> begun;
  std::promise<void> go;
  bool second = false;
  deferral.Defer([&] {
    begun.set_value();
    go.get_future().wait();
  });
  deferral.Defer([&] { second = true; });
  begun.get_future().wait();
  std::thread stop([&deferral] { deferral.Stop(); });
  go.set_value();
  stop.join();
  deferral.Defer([&] { second = true; });
  EXPECT_FALSE(deferral.going_on());
}

}  // namespace
}  // namespace strata::farm
