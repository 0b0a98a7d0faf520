#include "service_manager/federation/locate/recent_purges.h"

#include <gtest/gtest.h>

#include <array>

namespace strata::manager::federation {
namespace {

constexpr farm::ContentKey kOne{1, 1};
constexpr farm::ContentKey kTwo{2, 2};
constexpr farm::ContentKey kThree{3, 3};

void Purge(RecentPurges& purges, uint64_t position, const farm::ContentKey& key,
           std::string_view site = "films") {
  purges.OnPurged(site, position, {&key, 1});
}

TEST(RecentPurgesTest, KnowsTheLastPurgeOfEachContent) {
  RecentPurges purges(10);
  Purge(purges, 5, kOne);
  Purge(purges, 6, kTwo);
  EXPECT_EQ(purges.Of("films", kOne), (PurgePositions{.applied = 6, .purged = 5}));
  Purge(purges, 7, kOne);
  EXPECT_EQ(purges.Of("films", kOne), (PurgePositions{.applied = 7, .purged = 7}));
  EXPECT_EQ(purges.Of("films", kThree), (PurgePositions{.applied = 7, .purged = 0}));
  EXPECT_EQ(purges.Of("songs", kOne), PurgePositions{});
}

TEST(RecentPurgesTest, WhatItForgetsCountsForTheWholeSite) {
  RecentPurges purges(2);
  Purge(purges, 1, kOne);
  Purge(purges, 1, kTwo, "songs");
  Purge(purges, 2, kThree);
  EXPECT_EQ(purges.Of("films", kOne).purged, 1U) << "forgotten";
  EXPECT_EQ(purges.Of("films", kTwo).purged, 1U) << "never purged, but who knows";
  EXPECT_EQ(purges.Of("films", kThree).purged, 2U);
  EXPECT_EQ(purges.size(), 2U);
}

TEST(RecentPurgesTest, ForgetsAnOldPurgeOfWhatWasPurgedSince) {
  RecentPurges purges(2);
  Purge(purges, 1, kOne);
  Purge(purges, 2, kOne);
  Purge(purges, 3, kTwo);
  EXPECT_EQ(purges.Of("films", kThree).purged, 0U);
  EXPECT_EQ(purges.Of("films", kOne).purged, 2U);
}

TEST(RecentPurgesTest, EntriesThatComeAgainChangeNothing) {
  RecentPurges purges(10);
  Purge(purges, 5, kOne);
  Purge(purges, 4, kTwo);
  Purge(purges, 5, kThree);
  EXPECT_EQ(purges.Of("films", kTwo), (PurgePositions{.applied = 5, .purged = 0}));
  EXPECT_EQ(purges.Of("films", kThree).purged, 0U);
}

TEST(RecentPurgesTest, APurgeOfTheWholeSiteCountsForAllOfIt) {
  RecentPurges purges(10);
  Purge(purges, 5, kOne);
  purges.OnPurged("films", 6, {});
  EXPECT_EQ(purges.Of("films", kOne), (PurgePositions{.applied = 6, .purged = 6}));
  EXPECT_EQ(purges.Of("films", kTwo).purged, 6U);
  EXPECT_EQ(purges.Of("songs", kTwo).purged, 0U);
}

TEST(RecentPurgesTest, AfterAStartTheWholeLogCountsForAll) {
  RecentPurges purges(10);
  purges.Restore("films", 41);
  EXPECT_EQ(purges.Of("films", kOne), (PurgePositions{.applied = 41, .purged = 41}));
  Purge(purges, 42, kTwo);
  EXPECT_EQ(purges.Of("films", kOne), (PurgePositions{.applied = 42, .purged = 41}));
}

TEST(RecentPurgesTest, ASiteThatIsRemovedBeginsAnew) {
  RecentPurges purges(2);
  Purge(purges, 9, kOne);
  Purge(purges, 3, kTwo, "songs");
  purges.Remove("films");
  EXPECT_EQ(purges.Of("films", kOne), PurgePositions{});
  EXPECT_EQ(purges.Of("songs", kTwo).purged, 3U);
  Purge(purges, 1, kOne);
  EXPECT_EQ(purges.Of("films", kOne), (PurgePositions{.applied = 1, .purged = 1}));
  EXPECT_EQ(purges.size(), 2U);
}

TEST(RecentPurgesTest, AnEntryMayNameMoreThanIsRemembered) {
  RecentPurges purges(2);
  const std::array<farm::ContentKey, 3> keys = {kOne, kTwo, kThree};
  purges.OnPurged("films", 1, keys);
  for (const farm::ContentKey& key : keys) EXPECT_EQ(purges.Of("films", key).purged, 1U);
  EXPECT_EQ(purges.size(), 2U);
}

}  // namespace
}  // namespace strata::manager::federation
