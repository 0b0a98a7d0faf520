#include "service_manager/federation/locate/locate_plan.h"

#include <gtest/gtest.h>

namespace strata::manager::federation {
namespace {

const Neighbour kOne{NeighbourId(1), "cdn/dc-one"};
const Neighbour kTwo{NeighbourId(2), "cdn/dc-two"};
const LocatedCopy kEngine{.holder = {"cdn/dc-one/lan", "e"}};

LocatedCopy Scope(std::string scope) { return {.holder = {std::move(scope), ""}}; }

class LocatePlanTest : public testing::Test {
 protected:
  LocatePlanTest() {
    neighbours_.SetParent({NeighbourId(3), "exchange"});
    neighbours_.SetChild(kTwo);
    neighbours_.SetChild(kOne);
  }
  LocatePlan Plan(std::string_view asker = "") {
    return PlanDown(local_, neighbours_, question_, asker);
  }

  Neighbours neighbours_;
  LocalCopies local_;
  LocateQuestion question_{};
};

TEST_F(LocatePlanTest, EnginesAreFoundAtOnceAndChildrenAreAskedForScopes) {
  local_.copies = {Scope("cdn/dc-two/lan-b"), kEngine, Scope("cdn/dc-two"), Scope("cdn/dc-one")};
  const LocatePlan plan = Plan();
  EXPECT_EQ(plan.found, (std::vector{kEngine}));
  EXPECT_EQ(plan.ask, (std::vector{kOne, kTwo})) << "each once, by scope";
  EXPECT_EQ(plan.behind.size(), 3U);
  EXPECT_TRUE(plan.gaps.empty());
}

TEST_F(LocatePlanTest, AScopeThatNobodyCanBeAskedForIsAllThereIs) {
  local_.copies = {Scope("cdn/dc-three")};
  const LocatePlan plan = Plan();
  EXPECT_EQ(plan.found, local_.copies);
  EXPECT_EQ(plan.gaps, (std::vector<LocateGap>{{"cdn/dc-three", GapReason::kNoLink}}));
  EXPECT_TRUE(plan.ask.empty());
}

TEST_F(LocatePlanTest, WhoMayHaveItUntoldIsAskedAndNotNamed) {
  local_.untold = {"cdn/dc-two", "cdn/dc-three"};
  const LocatePlan plan = Plan();
  EXPECT_EQ(plan.ask, (std::vector{kTwo}));
  EXPECT_TRUE(plan.found.empty());
  EXPECT_TRUE(plan.behind.empty());
  EXPECT_EQ(plan.gaps, (std::vector<LocateGap>{{"cdn/dc-three", GapReason::kNoLink}}));
}

TEST_F(LocatePlanTest, TheAskerKnowsItsOwnBetter) {
  local_.copies = {kEngine, Scope("cdn/dc-one"), Scope("cdn/dc-two")};
  local_.untold = {"cdn/dc-one"};
  const LocatePlan plan = Plan("cdn/dc-one");
  EXPECT_TRUE(plan.found.empty());
  EXPECT_EQ(plan.ask, (std::vector{kTwo}));
}

TEST_F(LocatePlanTest, WhoWasVisitedIsNotAskedAgain) {
  local_.copies = {Scope("cdn/dc-two")};
  question_.visited = {"cdn", "cdn/dc-two"};
  const LocatePlan plan = Plan();
  EXPECT_TRUE(plan.ask.empty());
  EXPECT_EQ(plan.gaps, (std::vector<LocateGap>{{"cdn/dc-two", GapReason::kVisited}}));
}

}  // namespace
}  // namespace strata::manager::federation
