#include <gtest/gtest.h>
#include <stdlib.h>

#include <memory>
#include <string>
#include <vector>

#include "farm/site_ledger.h"
#include "service_manager/control/purge_journal.h"
#include "service_manager/control/site_desk.h"
#include "service_manager/store/rocks_store.h"

// Sites and purges that were numbered at another scope, on this manager's disk.

namespace strata::manager::control {
namespace {

constexpr char kHome[] = "cdn-one";

class SitesFromAboveTest : public ::testing::Test {
 protected:
  SitesFromAboveTest() {
    std::string pattern = std::string(getenv("TEST_TMPDIR")) + "/sites-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    Restart();
  }
  void Restart() {
    desk_.reset();
    journal_.reset();
    store_.reset();
    store_ = *store::RocksStore::Open({.folder = folder_ + "/store"});
    desk_ = *SiteDesk::Open(*store_);
    journal_ = std::make_unique<PurgeJournal>(*store_);
  }
  static SiteVersion Films(uint64_t version, const std::string& home = kHome) {
    SiteVersion films;
    films.site.name = "films";
    films.site.version = version;
    films.site.hosts = {"films.example"};
    films.yaml = "name: films";
    films.applied_by = "ann";
    films.applied_at_s = 1000;
    films.home = home;
    return films;
  }
  static PurgeEntry Entry(uint64_t position, const std::string& uri = "http://films.example/a") {
    return {.purged = {"films", position, {farm::KeyOf(uri)}},
            .uris = {uri},
            .ordered_by = "ann",
            .at_ms = 1000 + static_cast<int64_t>(position)};
  }
  bool Take(const PurgeEntry& entry) {
    const auto taken = journal_->Take({entry});
    EXPECT_TRUE(taken.ok()) << ToString(taken.status());
    return taken.ok() && !taken->empty();
  }
  std::vector<uint64_t> PositionsBehind(uint64_t position, size_t bytes_max = 1 << 20) {
    const auto entries = journal_->Behind("films", position, bytes_max);
    EXPECT_TRUE(entries.ok()) << ToString(entries.status());
    std::vector<uint64_t> positions;
    for (const PurgeEntry& entry : *entries) positions.push_back(entry.purged.position);
    return positions;
  }

  std::string folder_;
  std::unique_ptr<store::RocksStore> store_;
  std::unique_ptr<SiteDesk> desk_;
  std::unique_ptr<PurgeJournal> journal_;
};

TEST_F(SitesFromAboveTest, KeepsHomeAndVersionOverARestart) {
  EXPECT_TRUE(*desk_->Take(Films(7)));
  Restart();
  const auto found = desk_->Find("films", 0);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->site.version, 7U);
  EXPECT_EQ(found->home, kHome);
  EXPECT_EQ(found->yaml, "name: films");
  EXPECT_EQ(desk_->Find("films", 7)->site.version, 7U);
  EXPECT_FALSE(*desk_->Take(Films(7)));
  EXPECT_FALSE(*desk_->Take(Films(6))) << "an older one";
  EXPECT_TRUE(*desk_->Take(Films(9)));
}

TEST_F(SitesFromAboveTest, IsChangedAtItsHomeOnly) {
  ASSERT_TRUE(desk_->Take(Films(7)).ok());
  for (const Status& refused :
       {desk_->Apply(Films(0).site, "", "bob").status(), desk_->Look(Films(0).site).status(),
        desk_->Rollback("films", 0, "bob").status(), desk_->Remove("films")}) {
    EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
    EXPECT_EQ(MessageOf(refused), "site films belongs to cdn-one: it is changed there");
  }
}

TEST_F(SitesFromAboveTest, ANameOrHostOfASiteThatIsHereStaysWithIt) {
  ASSERT_TRUE(desk_->Apply(Films(0).site, "", "bob").ok());
  const auto name = desk_->Take(Films(7));
  EXPECT_EQ(name.status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(MessageOf(name.status()), "there is another site films, of this scope");
  SiteVersion songs = Films(3);
  songs.site.name = "songs";
  EXPECT_EQ(MessageOf(desk_->Take(songs).status()), "host films.example belongs to site films");
  EXPECT_EQ(desk_->Find("films", 0)->home, "");
  ASSERT_TRUE(desk_->Remove("films").ok());
  EXPECT_TRUE(*desk_->Take(songs));
  EXPECT_EQ(MessageOf(desk_->Take(Films(1, "exchange")).status()),
            "host films.example belongs to site songs of cdn-one");
}

TEST_F(SitesFromAboveTest, WhatComesAfterADropBeginsAnew) {
  ASSERT_TRUE(desk_->Take(Films(7)).ok());
  ASSERT_TRUE(Take(Entry(50)));
  ASSERT_TRUE(desk_->Drop("films").ok());
  EXPECT_FALSE(desk_->Find("films", 0).ok());
  EXPECT_EQ(*journal_->Last("films"), 0U);
  ASSERT_TRUE(desk_->Take(Films(2, "exchange")).ok()) << "another home has its own numbers";
  EXPECT_TRUE(Take(Entry(3)));
  Restart();
  EXPECT_EQ(*journal_->Last("films"), 3U);
  EXPECT_EQ(PositionsBehind(0), std::vector<uint64_t>{3});
}

TEST_F(SitesFromAboveTest, ALocalSiteIsNotDropped) {
  ASSERT_TRUE(desk_->Apply(Films(0).site, "", "bob").ok());
  EXPECT_TRUE(desk_->Drop("films").ok());
  EXPECT_TRUE(desk_->Find("films", 0).ok());
}

TEST_F(SitesFromAboveTest, AppliedHereLaterItsVersionsGoOn) {
  ASSERT_TRUE(desk_->Take(Films(7)).ok());
  ASSERT_TRUE(desk_->Drop("films").ok());
  EXPECT_EQ(desk_->Apply(Films(0).site, "", "bob")->site.version, 8U);
}

TEST_F(SitesFromAboveTest, WhoObservesHearsOfEachChange) {
  std::vector<std::string> heard;
  desk_->Observe([&heard](const std::string& name) { heard.push_back(name); });
  ASSERT_TRUE(desk_->Take(Films(7)).ok());
  ASSERT_TRUE(desk_->Take(Films(7)).ok());  // Nothing new.
  ASSERT_TRUE(desk_->Drop("films").ok());
  ASSERT_TRUE(desk_->Apply(Films(0).site, "", "bob").ok());
  ASSERT_TRUE(desk_->Remove("films").ok());
  ASSERT_TRUE(desk_->Reload().ok());
  EXPECT_EQ(heard, (std::vector<std::string>{"films", "films", "films", "films", ""}));
}

// ---- Purge logs.

TEST_F(SitesFromAboveTest, EntriesKeepThePositionsOfTheirHome) {
  EXPECT_TRUE(Take(Entry(5)));
  EXPECT_TRUE(Take(Entry(9)));
  EXPECT_FALSE(Take(Entry(9)));
  EXPECT_FALSE(Take(Entry(7))) << "it would not be found in its place";
  Restart();
  EXPECT_FALSE(Take(Entry(8)));
  EXPECT_EQ(*journal_->Last("films"), 9U);
  const auto found = journal_->Find("films", 5);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->uris, std::vector<std::string>{"http://films.example/a"});
  EXPECT_EQ(found->ordered_by, "ann");
  EXPECT_EQ(found->at_ms, 1005);
  EXPECT_EQ(journal_->Find("films", 6).status().code(), StatusCode::kNotFound);
}

TEST_F(SitesFromAboveTest, SeveralEntriesAreTakenAtOnce) {
  ASSERT_TRUE(Take(Entry(5)));
  const auto taken = *journal_->Take({Entry(4), Entry(5), Entry(7), Entry(6), Entry(9)});
  ASSERT_EQ(taken.size(), 2U) << "those behind, as long as they rise";
  EXPECT_EQ(taken.front().position, 7U);
  EXPECT_EQ(taken.back().position, 9U);
  EXPECT_EQ(PositionsBehind(5), (std::vector<uint64_t>{7, 9}));
}

TEST_F(SitesFromAboveTest, TellsInPartsWhatIsBehindAPosition) {
  for (uint64_t position = 1; position <= 6; ++position) {
    ASSERT_TRUE(Take(Entry(position)));
  }
  EXPECT_EQ(PositionsBehind(2, 180), (std::vector<uint64_t>{3, 4}));
  EXPECT_EQ(PositionsBehind(4, 1), std::vector<uint64_t>{5}) << "one in any case";
  EXPECT_TRUE(PositionsBehind(6).empty());
  EXPECT_TRUE(PositionsBehind(60).empty());
}

TEST_F(SitesFromAboveTest, ALogThatWasCutSaysThatAllIsPurged) {
  for (uint64_t position = 1; position <= 6; ++position) {
    ASSERT_TRUE(Take(Entry(position)));
  }
  ASSERT_TRUE(store_->Commit({.trims = {{"films", 4}}}).ok());
  EXPECT_EQ(PositionsBehind(3), (std::vector<uint64_t>{4, 5, 6})) << "nothing is missing";
  const auto cut = *journal_->Behind("films", 2, 1 << 20);
  ASSERT_EQ(cut.size(), 1U);
  EXPECT_EQ(cut.front().purged.position, 6U);
  EXPECT_TRUE(cut.front().purged.keys.empty()) << "all of the site";
  farm::SiteLedger ledger;
  ledger.Apply(farm::SiteApplied{Films(1).site});
  EXPECT_TRUE(ledger.Apply(cut.front().purged));
  EXPECT_EQ(ledger.FindLog("films")->forgotten, 6U);
}

TEST_F(SitesFromAboveTest, ALogThatBeginsWithAllOfTheSiteIsWhole) {
  PurgeEntry all = Entry(40);
  all.purged.keys.clear();
  ASSERT_TRUE(Take(all));
  ASSERT_TRUE(Take(Entry(41)));
  EXPECT_EQ(PositionsBehind(2), (std::vector<uint64_t>{40, 41}));
}

TEST_F(SitesFromAboveTest, TheNewestComeFirst) {
  for (uint64_t position = 1; position <= 6; ++position) {
    ASSERT_TRUE(Take(Entry(position)));
  }
  const auto newest = *journal_->Newest("films", 0, 2);
  ASSERT_EQ(newest.size(), 2U);
  EXPECT_EQ(newest.front().purged.position, 6U);
  EXPECT_EQ(newest.back().purged.position, 5U);
  EXPECT_EQ(journal_->Newest("films", 5, 1)->front().purged.position, 4U);
}

}  // namespace
}  // namespace strata::manager::control
