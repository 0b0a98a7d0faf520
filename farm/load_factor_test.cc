#include "farm/load_factor.h"

#include <gtest/gtest.h>

#include "farm/test_farm.h"

namespace strata::farm {
namespace {

using testing::FigureEight;
using testing::kA;
using testing::kB;
using testing::kC;

Row RowWith(const Load& load, const Capacity& capacity) {
  Row row;
  row.engine.capacity = capacity;
  row.load = load;
  row.load.sequence = 1;
  return row;
}

TEST(LoadFactorTest, OrdersTheFiguresEngines) {
  testing::TestFarm farm = FigureEight();
  const auto factor = [&](EngineId id) { return LoadFactor(*farm.table().Find(id), {}); };
  EXPECT_NEAR(factor(kA), (4 * 0.275 + 0.047 + 3 * 0.40 + 0.37) / 9, 1e-9);
  EXPECT_LT(factor(kB), factor(kA));
  EXPECT_LT(factor(kA), factor(kC));
}

TEST(LoadFactorTest, WhatIsUnknownDoesNotCount) {
  Load load;
  load.cpu = 0.5;
  load.bandwidth_out = 1'000'000;
  EXPECT_DOUBLE_EQ(LoadFactor(RowWith(load, {}), {}), 0.5);
}

TEST(LoadFactorTest, NothingKnownIsNoLoad) {
  EXPECT_EQ(LoadFactor(Row(), {}), 0);
  LoadWeights none{
      .bandwidth_out = 0, .bandwidth_in = 0, .cpu = 0, .memory = 0, .storage = 0, .parameters = {}};
  Load load;
  load.cpu = 1;
  EXPECT_EQ(LoadFactor(RowWith(load, {}), none), 0);
}

TEST(LoadFactorTest, NamedParametersCountAsTheyAreWeighted) {
  Load load;
  load.parameters = {{"disk_queue", 0.8}, {"fans", 1.0}};
  LoadWeights weights{.bandwidth_out = 0,
                      .bandwidth_in = 0,
                      .cpu = 1,
                      .memory = 0,
                      .storage = 0,
                      .parameters = {{"disk_queue", 3}, {"absent", 5}}};
  EXPECT_NEAR(LoadFactor(RowWith(load, {}), weights), 3 * 0.8 / 4, 1e-9);
}

TEST(LoadFactorTest, GoesBeyondOneWhereAnEngineGivesMoreThanItSaidItCan) {
  Load load;
  load.bandwidth_out = 1500;
  LoadWeights weights{
      .bandwidth_out = 1, .bandwidth_in = 0, .cpu = 0, .memory = 0, .storage = 0, .parameters = {}};
  Capacity capacity;
  capacity.bandwidth_out = 1000;
  EXPECT_DOUBLE_EQ(LoadFactor(RowWith(load, capacity), weights), 1.5);
}

}  // namespace
}  // namespace strata::farm
