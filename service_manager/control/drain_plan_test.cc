#include "service_manager/control/drain_plan.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace strata::manager::control {
namespace {

using farm::ContentKey;
using farm::EngineId;
using std::chrono::seconds;

constexpr Timestamp kStart = Timestamp::FromNanos(1'000'000'000'000);
constexpr EngineId kDrained{1};
constexpr EngineId kA{2};
constexpr EngineId kB{3};

ContentKey Key(uint64_t number) { return {.high = number, .low = number}; }

// One engine is drained, which has contents 1, 2, …; two others take them.
class DrainPlanTest : public ::testing::Test {
 protected:
  void Survey(const std::vector<std::pair<uint64_t, uint64_t>>& sizes) {
    std::vector<DrainPlan::Sole> sole;
    for (const auto& [number, size] : sizes) sole.push_back({Key(number), size});
    plan_.SetSole(kDrained, std::move(sole), now_);
  }
  std::vector<uint64_t> Ask(EngineId engine, uint64_t free_bytes = 1 << 30, bool takes = true) {
    std::vector<uint64_t> numbers;
    const DrainPlan::Target target{.engine = engine, .takes = takes, .free_bytes = free_bytes};
    for (const DrainPlan::Order& order : plan_.TakeOrders(target, now_)) {
      EXPECT_EQ(order.source, kDrained);
      EXPECT_EQ(order.original.uri, "http://films.example/" + std::to_string(order.key.low));
      numbers.push_back(order.key.low);
    }
    return numbers;
  }
  std::vector<uint64_t> AskDrained() {
    std::vector<uint64_t> numbers;
    for (const ContentKey& key : plan_.TakePreparations(kDrained, now_)) numbers.push_back(key.low);
    return numbers;
  }
  void Prepared(uint64_t number, uint64_t size = 10) {
    DrainPlan::Original original;
    original.uri = "http://films.example/" + std::to_string(number);
    original.size = size;
    plan_.OnPrepared(kDrained, Key(number), original);
  }
  // All of them are summed.
  void PrepareAll() {
    for (const uint64_t number : AskDrained()) Prepared(number);
  }
  DrainPlan::Progress Progress() const { return plan_.ProgressOf(kDrained, now_); }

  Timestamp now_ = kStart;
  DrainPlan plan_;
};

using Numbers = std::vector<uint64_t>;

TEST_F(DrainPlanTest, EachContentIsSummedThenCopiedOnceThenDone) {
  Survey({{1, 10}, {2, 20}});
  EXPECT_EQ(Ask(kA), Numbers());
  EXPECT_EQ(AskDrained(), (Numbers{1, 2}));
  Prepared(1);
  EXPECT_EQ(Ask(kA), Numbers{1});
  EXPECT_EQ(Ask(kB), Numbers());
  Prepared(2);
  EXPECT_EQ(Ask(kB), Numbers{2});
  EXPECT_EQ(Progress().contents_left, 2u);
  EXPECT_EQ(Progress().bytes_left, 30u);
  EXPECT_EQ(Progress().in_flight, 2u);
  EXPECT_EQ(plan_.OnCopied(kA, Key(1), "", now_), kDrained);
  EXPECT_EQ(plan_.OnCopied(kB, Key(2), "", now_), kDrained);
  EXPECT_EQ(plan_.OnCopied(kB, Key(1), "", now_), std::nullopt);
  Survey({});
  EXPECT_EQ(Progress().contents_left, 0u);
}

TEST_F(DrainPlanTest, NothingIsSummedBeforeSomebodyCouldTakeIt) {
  Survey({{1, 10}});
  EXPECT_EQ(AskDrained(), Numbers());
  EXPECT_EQ(Progress().problems.at(0).text, "no other engine that could take it is there");
  Ask(kA, 1 << 30, false);
  EXPECT_EQ(AskDrained(), Numbers());
  Ask(kA);
  EXPECT_EQ(AskDrained(), Numbers{1});
}

TEST_F(DrainPlanTest, WhatHasNoRoomAnywhereIsToldAndHoldsUpNothing) {
  Survey({{1, 1000}, {2, 10}});
  Ask(kA, 100);
  Ask(kB, 200);
  EXPECT_EQ(AskDrained(), Numbers{2});
  const DrainPlan::Progress progress = Progress();
  EXPECT_EQ(progress.failing, 1u);
  EXPECT_EQ(progress.in_flight, 1u);
  EXPECT_EQ(progress.problems.at(0).text,
            "no engine has room for it: it has 1000 bytes, the most room is 200");
  Ask(kB, 2000);
  EXPECT_EQ(Progress().failing, 0u);
}

TEST_F(DrainPlanTest, AnEngineGetsNoMoreThanItHasRoomFor) {
  Survey({{1, 60}, {2, 60}});
  Ask(kA, 100);
  for (const uint64_t number : AskDrained()) Prepared(number, 60);
  EXPECT_EQ(Ask(kA, 100), Numbers{1});
  EXPECT_EQ(Ask(kB, 100), Numbers{2});
}

TEST_F(DrainPlanTest, WhoAsksAgainHasLostWhatItWasTold) {
  Survey({{1, 10}});
  Ask(kA);
  EXPECT_EQ(AskDrained(), Numbers{1});
  EXPECT_EQ(AskDrained(), Numbers{1});
  Prepared(1);
  EXPECT_EQ(Ask(kA), Numbers{1});
  EXPECT_EQ(Ask(kA), Numbers{1});
}

TEST_F(DrainPlanTest, WhatAnEngineThatLeftWasCopyingIsForOthers) {
  Survey({{1, 10}});
  Ask(kA);
  PrepareAll();
  EXPECT_EQ(Ask(kA), Numbers{1});
  EXPECT_EQ(Ask(kB), Numbers());
  plan_.OnAway(kA);
  EXPECT_EQ(Ask(kB), Numbers{1});
}

TEST_F(DrainPlanTest, AFailureIsToldAndTriedAgainLaterFromTheBeginning) {
  Survey({{1, 10}});
  Ask(kA);
  PrepareAll();
  Ask(kA);
  EXPECT_TRUE(plan_.OnCopied(kA, Key(1), "other bytes came", now_));
  EXPECT_EQ(Progress().problems.at(0).text, "other bytes came");
  EXPECT_EQ(Progress().problems.at(0).uri, "http://films.example/1");
  EXPECT_EQ(AskDrained(), Numbers());
  now_ = now_ + kCopyAgain;
  EXPECT_EQ(AskDrained(), Numbers{1});
  Prepared(1);
  EXPECT_EQ(Ask(kA), Numbers{1});
  plan_.OnCopied(kA, Key(1), "other bytes came", now_);
  now_ = now_ + kCopyAgain;
  Ask(kA);
  EXPECT_EQ(AskDrained(), Numbers());
  now_ = now_ + kCopyAgain;
  EXPECT_EQ(AskDrained(), Numbers{1});
}

TEST_F(DrainPlanTest, WhatTheDrainedEngineCannotReadIsTold) {
  Survey({{1, 10}});
  Ask(kA);
  AskDrained();
  plan_.OnNotPrepared(kDrained, Key(1), "its disk is broken", now_);
  EXPECT_EQ(Progress().problems.at(0).text, "its disk is broken");
}

TEST_F(DrainPlanTest, ACopyThatNeverComesToTheTableIsMadeAgain) {
  Survey({{1, 10}});
  Ask(kA);
  PrepareAll();
  Ask(kA);
  plan_.OnCopied(kA, Key(1), "", now_);
  Survey({{1, 10}});
  EXPECT_EQ(Progress().failing, 0u);
  now_ = now_ + kCopyTellLimit;
  Survey({{1, 10}});
  EXPECT_EQ(Progress().failing, 1u);
  now_ = now_ + kCopyAgain;
  Ask(kA);
  EXPECT_EQ(AskDrained(), Numbers{1});
}

TEST_F(DrainPlanTest, WhatWasSummedCountsNoMoreWhenTheDrainedEngineLeft) {
  Survey({{1, 10}});
  Ask(kA);
  PrepareAll();
  plan_.OnAway(kDrained);
  EXPECT_EQ(Ask(kA), Numbers());
  EXPECT_EQ(AskDrained(), Numbers{1});
}

TEST_F(DrainPlanTest, OnlySoManyAreUnderWay) {
  std::vector<std::pair<uint64_t, uint64_t>> sizes;
  for (uint64_t i = 1; i <= 2 * kPreparedMax; ++i) sizes.emplace_back(i, 1);
  Survey(sizes);
  Ask(kA);
  size_t prepared = 0;
  for (Numbers numbers = AskDrained(); !numbers.empty(); numbers = AskDrained()) {
    EXPECT_LE(numbers.size(), kPreparationsPerAsk);
    prepared += numbers.size();
    for (const uint64_t number : numbers) Prepared(number, 1);
  }
  EXPECT_EQ(prepared, kPreparedMax);
  EXPECT_EQ(Ask(kA).size(), kOrdersPerAsk);
}

TEST_F(DrainPlanTest, AHugeOneGoesAlone) {
  Survey({{1, kPreparedBytesMax + 1}, {2, 10}});
  Ask(kA, UINT64_MAX);
  EXPECT_EQ(AskDrained(), Numbers{1});
  Prepared(1, kPreparedBytesMax + 1);
  EXPECT_EQ(AskDrained(), Numbers());
  EXPECT_EQ(Ask(kA, UINT64_MAX), Numbers{1});
}

TEST_F(DrainPlanTest, ADrainThatIsTakenBackLeavesNothing) {
  Survey({{1, 10}});
  Ask(kA);
  PrepareAll();
  plan_.Forget(kDrained);
  EXPECT_EQ(Ask(kA), Numbers());
  EXPECT_EQ(Progress().contents_left, 0u);
}

}  // namespace
}  // namespace strata::manager::control
