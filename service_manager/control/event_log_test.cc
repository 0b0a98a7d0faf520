#include "service_manager/control/event_log.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

namespace strata::manager::control {
namespace {

constexpr std::chrono::seconds kPatience(30);

TEST(EventLogTest, GivesTheLastOnesInTheirOrder) {
  EventLog log;
  EXPECT_TRUE(log.Recent(10).empty());
  EXPECT_EQ(log.last(), 0u);
  for (const char* text : {"a", "b", "c"}) log.Add("farm", text);
  const std::vector<FarmEvent> recent = log.Recent(2);
  ASSERT_EQ(recent.size(), 2u);
  EXPECT_EQ(recent[0].text, "b");
  EXPECT_EQ(recent[0].number, 2u);
  EXPECT_EQ(recent[1].text, "c");
  EXPECT_EQ(recent[1].kind, "farm");
  EXPECT_GE(recent[1].at_ms, recent[0].at_ms);
}

TEST(EventLogTest, GivesWhatCameAfterANumber) {
  EventLog log;
  log.Add("farm", "a");
  log.Add("farm", "b");
  const std::vector<FarmEvent> after = log.After(1, kPatience);
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].text, "b");
  EXPECT_TRUE(log.After(2, std::chrono::milliseconds(1)).empty());
}

TEST(EventLogTest, WhoWaitsHearsOfTheNextOne) {
  EventLog log;
  std::thread other([&log] { log.Add("farm", "at last"); });
  const std::vector<FarmEvent> after = log.After(0, kPatience);
  other.join();
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].text, "at last");
}

TEST(EventLogTest, ForgetsTheOldestBeyondItsLimit) {
  EventLog log;
  for (size_t i = 0; i < kEventsKept + 2; ++i) log.Add("farm", std::to_string(i));
  const std::vector<FarmEvent> all = log.Recent(2 * kEventsKept);
  ASSERT_EQ(all.size(), kEventsKept);
  EXPECT_EQ(all.front().number, 3u);
  EXPECT_EQ(log.last(), kEventsKept + 2);
}

}  // namespace
}  // namespace strata::manager::control
