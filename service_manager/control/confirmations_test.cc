#include "service_manager/control/confirmations.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "service_manager/control/event_log.h"

namespace strata::manager::control {
namespace {

constexpr farm::EngineId kA{101};
constexpr farm::EngineId kB{102};
constexpr std::chrono::seconds kPatience(20);
constexpr std::chrono::hours kForEver(1);

farm::PurgeApplied Applied(farm::EngineId engine, uint64_t position) {
  return {engine, "films", position, 1, ""};
}

class ConfirmationsTest : public ::testing::Test {
 protected:
  ConfirmationsTest() { confirmations_.OnView({kA, kB}); }
  std::unique_ptr<Confirmations::Waiter> Expect(uint64_t position) {
    return confirmations_.Expect({Confirmations::Kind::kPurge, "films", position});
  }

  Confirmations confirmations_;
};

TEST_F(ConfirmationsTest, WaitsForEveryEngine) {
  const auto waiter = Expect(1);
  confirmations_.OnMessage(Applied(kA, 1));
  std::thread later([this] { confirmations_.OnMessage(Applied(kB, 1)); });
  const auto answers = waiter->Wait({kA, kB}, kPatience);
  later.join();
  EXPECT_EQ(answers.size(), 2u);
}

TEST_F(ConfirmationsTest, DoesNotWaitForWhoHasLeft) {
  const auto waiter = Expect(1);
  confirmations_.OnMessage(Applied(kA, 1));
  std::thread later([this] { confirmations_.OnView({kA}); });
  const auto answers = waiter->Wait({kA, kB}, kPatience);
  later.join();
  EXPECT_EQ(answers.size(), 1u);
}

TEST_F(ConfirmationsTest, GivesWhatCameWithinTheLimit) {
  const auto waiter = Expect(1);
  confirmations_.OnMessage(Applied(kA, 1));
  confirmations_.OnMessage(Applied(kB, 2));
  const auto answers = waiter->Wait({kA, kB}, std::chrono::milliseconds(1));
  EXPECT_EQ(answers.size(), 1u);
  EXPECT_TRUE(answers.contains(kA));
}

TEST_F(ConfirmationsTest, TellsTheProblemOfWhoCouldNot) {
  const auto waiter = Expect(1);
  confirmations_.OnMessage(farm::PurgeApplied{kA, "films", 1, 0, "disk"});
  EXPECT_EQ(waiter->Wait({kA}, kPatience).at(kA).problem, "disk");
}

TEST_F(ConfirmationsTest, TwoMayWaitForTheSame) {
  const auto one = Expect(1);
  const auto two = Expect(1);
  confirmations_.OnMessage(Applied(kA, 1));
  EXPECT_EQ(one->Wait({kA}, kPatience).size(), 1u);
  EXPECT_EQ(two->Wait({kA}, kPatience).size(), 1u);
}

TEST_F(ConfirmationsTest, NobodyWaitsWhenTheProcessIsToEnd) {
  const auto waiter = Expect(1);
  confirmations_.OnMessage(Applied(kA, 1));
  std::thread later([this] { confirmations_.GiveUp(); });
  EXPECT_EQ(waiter->Wait({kA, kB}, kForEver).size(), 1u);
  later.join();
  EXPECT_TRUE(Expect(2)->Wait({kA, kB}, kForEver).empty());
  confirmations_.Pause(kForEver);
}

TEST(EventLogTest, KeepsTheLastOnesAndTellsOfNewOnes) {
  EventLog log;
  log.Add("engine", "one");
  log.Add("engine", "two");
  ASSERT_EQ(log.Recent(1).size(), 1u);
  EXPECT_EQ(log.Recent(1).front().text, "two");
  EXPECT_EQ(log.Recent(9).size(), 2u);
  EXPECT_TRUE(log.After(2, std::chrono::milliseconds(1)).empty());
  std::thread later([&log] { log.Add("site", "three"); });
  const auto more = log.After(2, kPatience);
  later.join();
  ASSERT_EQ(more.size(), 1u);
  EXPECT_EQ(more.front().number, 3u);
}

}  // namespace
}  // namespace strata::manager::control
