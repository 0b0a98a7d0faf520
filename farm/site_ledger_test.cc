#include "farm/site_ledger.h"

#include <gtest/gtest.h>

#include "farm/table_replica.h"
#include "farm/test_farm.h"

namespace strata::farm {
namespace {

constexpr ContentKey kKey{1, 2};

Site SiteOf(const std::string& name, uint64_t version = 1) {
  Site site;
  site.name = name;
  site.version = version;
  site.hosts = {name + ".example"};
  return site;
}

TEST(SiteLedgerTest, TakesANewerVersionOnly) {
  SiteLedger ledger;
  EXPECT_TRUE(ledger.Apply(SiteApplied{SiteOf("films", 3)}));
  EXPECT_FALSE(ledger.Apply(SiteApplied{SiteOf("films", 3)}));
  EXPECT_TRUE(ledger.Apply(SiteApplied{SiteOf("films", 4)}));
  EXPECT_EQ(ledger.sites().Find("films")->version, 4u);
}

TEST(SiteLedgerTest, KeepsPurgesInTheOrderOfTheirPositions) {
  SiteLedger ledger;
  EXPECT_FALSE(ledger.Apply(Purged{"films", 1, {kKey}}));
  ledger.Apply(SiteApplied{SiteOf("films")});
  EXPECT_TRUE(ledger.Apply(Purged{"films", 1, {kKey}}));
  EXPECT_FALSE(ledger.Apply(Purged{"films", 1, {kKey}}));
  EXPECT_TRUE(ledger.Apply(Purged{"films", 7, {kKey}}));
  ASSERT_EQ(ledger.FindLog("films")->kept.size(), 2u);
  EXPECT_EQ(ledger.FindLog("films")->position, 7u);
  EXPECT_EQ(ledger.FindLog("films")->forgotten, 0u);
}

TEST(SiteLedgerTest, ForgetsTheOldestPurgesAndSaysUpToWhere) {
  SiteLedger ledger;
  ledger.Apply(SiteApplied{SiteOf("films")});
  for (uint64_t i = 1; i <= kPurgesKept + 5; ++i) ledger.Apply(Purged{"films", i, {kKey}});
  const SiteLedger::PurgeLog& log = *ledger.FindLog("films");
  EXPECT_EQ(log.kept.size(), kPurgesKept);
  EXPECT_EQ(log.forgotten, 5u);
  EXPECT_EQ(log.kept.front().position, 6u);
}

TEST(SiteLedgerTest, APurgeWithoutKeysForgetsAllThatWasBefore) {
  SiteLedger ledger;
  ledger.Apply(SiteApplied{SiteOf("films")});
  ledger.Apply(Purged{"films", 1, {kKey}});
  EXPECT_TRUE(ledger.Apply(Purged{"films", 9, {}}));
  EXPECT_TRUE(ledger.Apply(Purged{"films", 10, {kKey}}));
  const SiteLedger::PurgeLog& log = *ledger.FindLog("films");
  EXPECT_EQ(log.forgotten, 9u);
  ASSERT_EQ(log.kept.size(), 1u);
  SiteLedger other;
  ASSERT_TRUE(other.Restore(ledger.Snapshot()).ok());
  EXPECT_EQ(*other.FindLog("films"), log);
}

TEST(SiteLedgerTest, ARemovedSiteTakesItsPurgesAlong) {
  SiteLedger ledger;
  const TableDigest empty = ledger.digest();
  ledger.Apply(SiteApplied{SiteOf("films")});
  ledger.Apply(Purged{"films", 1, {kKey}});
  EXPECT_TRUE(ledger.Apply(SiteRemoved{"films"}));
  EXPECT_FALSE(ledger.Apply(SiteRemoved{"films"}));
  EXPECT_EQ(ledger.FindLog("films"), nullptr);
  EXPECT_EQ(ledger.digest(), empty);
}

TEST(SiteLedgerTest, ASnapshotRestoresEverything) {
  SiteLedger ledger;
  ledger.Apply(SiteApplied{SiteOf("films")});
  ledger.Apply(SiteApplied{SiteOf("songs")});
  ledger.Apply(Purged{"songs", 4, {kKey, {3, 4}}});
  SiteLedger copy;
  ASSERT_TRUE(copy.Restore(ledger.Snapshot()).ok());
  EXPECT_EQ(copy.digest(), ledger.digest());
  EXPECT_EQ(*copy.FindLog("songs"), *ledger.FindLog("songs"));
  Bytes cut = ledger.Snapshot();
  cut.pop_back();
  EXPECT_FALSE(copy.Restore(cut).ok());
  EXPECT_EQ(copy.digest(), ledger.digest());
}

TEST(SiteLedgerTest, CountsChangesOfSitesAndOfNothingElse) {
  SiteLedger ledger;
  ledger.Apply(SiteApplied{SiteOf("films")});
  const uint64_t applied = ledger.site_changes();
  ledger.Apply(SiteApplied{SiteOf("films")});
  ledger.Apply(Purged{"films", 1, {kKey}});
  EXPECT_EQ(ledger.site_changes(), applied);
  ASSERT_TRUE(ledger.Restore(SiteLedger().Snapshot()).ok());
  EXPECT_GT(ledger.site_changes(), applied);
  const uint64_t restored = ledger.site_changes();
  ledger.Apply(SiteApplied{SiteOf("films")});
  ledger.Apply(SiteRemoved{"films"});
  EXPECT_EQ(ledger.site_changes(), restored + 2);
}

TEST(SiteLedgerTest, TheDigestKnowsVersionsAndPositions) {
  SiteLedger ledger;
  ledger.Apply(SiteApplied{SiteOf("films")});
  const TableDigest before = ledger.digest();
  ledger.Apply(Purged{"films", 1, {kKey}});
  EXPECT_NE(ledger.digest(), before);
}

TEST(SiteLedgerTest, AReplicaTakesSitesAndPurgesOfManagersOnlyAndHandsThemToLearners) {
  using testing::kA;
  using testing::kManager;
  using testing::kStart;
  TableReplica replica;
  replica.OnView({{kManager, true}, {kA, false}});
  const auto commit = [&replica](EngineId origin, const Message& message) {
    Bytes bytes;
    Encode(message, bytes);
    return replica.OnCommitted(origin, bytes, 1, kStart).has_value();
  };
  EXPECT_FALSE(commit(kA, SiteApplied{SiteOf("films")}));
  EXPECT_TRUE(commit(kManager, SiteApplied{SiteOf("films")}));
  EXPECT_FALSE(commit(kA, Purged{"films", 1, {kKey}}));
  EXPECT_TRUE(commit(kManager, Purged{"films", 1, {kKey}}));
  EXPECT_FALSE(commit(kManager, Purged{"films", 1, {kKey}}));
  TableReplica learner;
  ASSERT_TRUE(learner.InstallSnapshot(replica.TakeSnapshot(kStart), 1, kStart).ok());
  EXPECT_EQ(learner.digest(), replica.digest());
  EXPECT_EQ(learner.ledger().FindLog("films")->position, 1u);
}

}  // namespace
}  // namespace strata::farm
