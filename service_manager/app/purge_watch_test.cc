#include "service_manager/app/purge_watch.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "farm/content_identity.h"
#include "service_manager/store/rocks_store.h"

namespace strata::manager::app {
namespace {

const farm::ContentKey kOne = farm::KeyOf("http://films.example/one");
const farm::ContentKey kTwo = farm::KeyOf("http://films.example/two");

class PurgeWatchTest : public ::testing::Test {
 protected:
  PurgeWatchTest() {
    std::string pattern = std::string(getenv("TEST_TMPDIR")) + "/purges-XXXXXX";
    store_ = *store::RocksStore::Open({.folder = std::string(mkdtemp(pattern.data())) + "/store"});
    desk_ = *control::SiteDesk::Open(*store_);
    journal_ = std::make_unique<control::PurgeJournal>(*store_);
    AddSite("films");
  }
  void AddSite(const std::string& name, const std::string& home = "cdn-one") {
    control::SiteVersion version;
    version.site.name = name;
    version.site.version = 1;
    version.site.hosts = {name + ".example"};
    version.home = home;
    ASSERT_TRUE(*desk_->Take(version));
  }
  // As another manager's writes come to a backup.
  void Write(uint64_t position, const std::vector<farm::ContentKey>& keys,
             const std::string& site = "films") {
    control::PurgeEntry entry{.purged = {site, position, keys}, .uris = {}, .ordered_by = "ann"};
    ASSERT_TRUE(journal_->Take({entry}).ok());
  }
  void Open() {
    PurgeWatch::Listener listener;
    listener.restored = [this](const std::string& site, uint64_t position) {
      told_.push_back("restored " + site + " " + std::to_string(position));
    };
    listener.purged = [this](const std::string& site, uint64_t position,
                             std::span<const farm::ContentKey> keys) {
      told_.push_back("purged " + site + " " + std::to_string(position));
      for (const farm::ContentKey& key : keys) told_.back() += key == kOne ? " one" : " two";
    };
    listener.removed = [this](const std::string& site) { told_.push_back("removed " + site); };
    watch_ = *PurgeWatch::Open(*desk_, *journal_, std::move(listener));
  }
  std::vector<std::string> ToldByLook() {
    EXPECT_TRUE(watch_->LookAtAll().ok());
    return std::exchange(told_, {});
  }

  std::unique_ptr<store::RocksStore> store_;
  std::unique_ptr<control::SiteDesk> desk_;
  std::unique_ptr<control::PurgeJournal> journal_;
  std::unique_ptr<PurgeWatch> watch_;
  std::vector<std::string> told_;
};

using Told = std::vector<std::string>;

TEST_F(PurgeWatchTest, TellsAtTheStartHowFarLogsAreApplied) {
  AddSite("songs");
  Write(1, {kOne});
  Write(2, {kTwo});
  Open();
  EXPECT_EQ(told_, (Told{"restored films 2", "restored songs 0"}));
}

TEST_F(PurgeWatchTest, TellsEachEntryOnceInTheOrderOfItsLog) {
  Open();
  told_.clear();
  Write(1, {kOne});
  Write(2, {kTwo, kOne});
  EXPECT_EQ(ToldByLook(), (Told{"purged films 1 one", "purged films 2 two one"}));
  EXPECT_EQ(ToldByLook(), Told{});
  Write(3, {kOne});
  ASSERT_TRUE(watch_->Look("films").ok());
  EXPECT_EQ(std::exchange(told_, {}), Told{"purged films 3 one"});
  EXPECT_EQ(ToldByLook(), Told{});
}

TEST_F(PurgeWatchTest, TellsWhatIsOrderedHereAtOnce) {
  Open();
  told_.clear();
  journal_->Observe([this](const std::string& site) { ASSERT_TRUE(watch_->Look(site).ok()); });
  ASSERT_TRUE(journal_->Append("films", {kTwo}, {}, "ann").ok());
  EXPECT_EQ(told_, Told{"purged films 1 two"});
  journal_->Observe(nullptr);
  ASSERT_TRUE(journal_->Append("films", {kOne}, {}, "ann").ok());
  EXPECT_EQ(told_.size(), 1U);
}

TEST_F(PurgeWatchTest, WhatWasCutOffMayHaveBeenAnyContent) {
  Open();
  told_.clear();
  Write(7, {kOne});
  EXPECT_EQ(ToldByLook(), Told{"purged films 7"});
  Write(8, {});
  EXPECT_EQ(ToldByLook(), Told{"purged films 8"});
}

TEST_F(PurgeWatchTest, TellsOfSitesThatAreNoMoreAndOfThoseThatCome) {
  Open();
  told_.clear();
  Write(1, {kOne});
  EXPECT_EQ(ToldByLook(), Told{"purged films 1 one"});
  ASSERT_TRUE(desk_->Drop("films").ok());
  EXPECT_EQ(ToldByLook(), Told{"removed films"});
  AddSite("films", "cdn-two");
  Write(1, {kTwo});
  EXPECT_EQ(ToldByLook(), Told{"purged films 1 two"});
}

TEST_F(PurgeWatchTest, ASiteThatWasReplacedMeanwhileIsAnotherOne) {
  Open();
  Write(1, {kOne});
  Write(2, {kOne});
  ToldByLook();
  ASSERT_TRUE(desk_->Drop("films").ok());
  AddSite("films", "cdn-two");
  Write(1, {kTwo});
  EXPECT_EQ(ToldByLook(), (Told{"removed films", "purged films 1 two"}));
}

}  // namespace
}  // namespace strata::manager::app
