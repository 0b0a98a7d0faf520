#include "service_manager/sites/engine_progress.h"

#include <gtest/gtest.h>

#include "service_manager/sites/limits.h"

namespace strata::manager::sites {
namespace {

constexpr farm::EngineId kNorth(101), kSouth(102);

class EngineProgressTest : public ::testing::Test {
 protected:
  EngineProgressTest() { SetAway(false); }
  void SetAway(bool south_away) {
    progress_.SetEngines(
        {{.id = kSouth, .name = "south", .away = south_away}, {.id = kNorth, .name = "north"}});
  }
  SiteRow Row(uint64_t version, uint64_t position) {
    SiteRow row{.site = "films", .scope = "lan", .state = {"cdn-one", version, position}};
    progress_.Fill(row);
    return row;
  }

  EngineProgress progress_;
};

TEST_F(EngineProgressTest, AllThatServeAndPurgedAreCounted) {
  for (const farm::EngineId engine : {kNorth, kSouth}) {
    progress_.OnSite(engine, "films", 3, "");
    progress_.OnPurged(engine, "films", 7, "");
  }
  const SiteRow row = Row(3, 7);
  EXPECT_EQ(row.engines, 2U);
  EXPECT_EQ(row.serving, 2U);
  EXPECT_EQ(row.applied, 2U);
  EXPECT_EQ(row.all_up_to, 7U);
  EXPECT_TRUE(row.behind.empty());
}

TEST_F(EngineProgressTest, WhoIsBehindIsNamed) {
  progress_.OnSite(kNorth, "films", 3, "");
  progress_.OnSite(kSouth, "films", 3, "");
  progress_.OnPurged(kNorth, "films", 7, "");
  progress_.OnPurged(kSouth, "films", 5, "");
  progress_.OnPurged(kSouth, "films", 6, "disk full");
  const SiteRow row = Row(3, 7);
  EXPECT_EQ(row.applied, 1U);
  EXPECT_EQ(row.all_up_to, 5U);
  ASSERT_EQ(row.behind.size(), 1U);
  EXPECT_EQ(
      row.behind.front(),
      (EngineRow{
          .name = "south", .version = 3, .applied = 5, .problem_at = 6, .problem = "disk full"}));
  progress_.OnPurged(kSouth, "films", 7, "");
  EXPECT_TRUE(Row(3, 7).behind.empty()) << "it was tried again";
}

TEST_F(EngineProgressTest, AnEngineThatIsAwayHoldsNobodyUp) {
  progress_.OnPurged(kNorth, "films", 7, "");
  progress_.OnPurged(kSouth, "films", 5, "");
  SetAway(true);
  const SiteRow row = Row(0, 7);
  EXPECT_EQ(row.all_up_to, 7U) << "it purges before it serves";
  EXPECT_EQ(row.applied, 1U);
  ASSERT_EQ(row.behind.size(), 1U);
  EXPECT_TRUE(row.behind.front().away);
}

TEST_F(EngineProgressTest, AnEngineOfWhichNothingIsKnownHasDoneNothing) {
  const SiteRow row = Row(3, 7);
  EXPECT_EQ(row.all_up_to, 0U);
  EXPECT_EQ(row.behind.size(), 2U);
}

TEST_F(EngineProgressTest, WhoSaysNothingIsAssumedToBeAsItsFarm) {
  progress_.OnPurged(kSouth, "films", 5, "");
  for (const farm::EngineId engine : {kNorth, kSouth}) progress_.Assume(engine, "films", 3, 7);
  const SiteRow row = Row(3, 7);
  EXPECT_EQ(row.serving, 1U);
  ASSERT_EQ(row.behind.size(), 1U);
  EXPECT_EQ(row.behind.front().name, "south") << "it says that it is behind";
  EXPECT_EQ(row.behind.front().applied, 5U);
}

TEST_F(EngineProgressTest, ARefusedVersionIsTold) {
  progress_.OnSite(kNorth, "films", 2, "");
  progress_.OnSite(kNorth, "films", 3, "unknown directive");
  const SiteRow row = Row(3, 0);
  ASSERT_EQ(row.behind.size(), 2U);
  EXPECT_EQ(row.behind.front().version, 2U);
  EXPECT_EQ(row.behind.front().problem, "unknown directive");
  progress_.OnSite(kNorth, "films", 4, "");
  EXPECT_EQ(Row(4, 0).behind.front().name, "south");
}

TEST_F(EngineProgressTest, ASiteThatIsGoneIsForgotten) {
  progress_.OnPurged(kNorth, "films", 7, "");
  progress_.OnRemoved("films");
  EXPECT_EQ(Row(1, 3).all_up_to, 0U);
}

TEST_F(EngineProgressTest, NamesAreBounded) {
  std::vector<EngineProgress::Engine> engines;
  for (uint32_t i = 0; i < 2 * kEnginesNamedMax; ++i) {
    engines.push_back({.id = farm::EngineId(i + 1), .name = std::to_string(i)});
  }
  progress_.SetEngines(engines);
  EXPECT_EQ(Row(1, 1).behind.size(), kEnginesNamedMax);
  EXPECT_EQ(Row(1, 1).engines, 2 * kEnginesNamedMax);
}

}  // namespace
}  // namespace strata::manager::sites
