#include "service_manager/control/directory_feed.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "common/random.h"
#include "service_manager/store/rocks_store.h"
#include "service_manager/uplink/recording_observer.h"

namespace strata::manager::control {
namespace {

constexpr farm::EngineId kManager{1};
constexpr farm::EngineId kA{101};
constexpr Timestamp kNow = Timestamp::FromNanos(1);
constexpr farm::ContentKey kKey{1, 2};
constexpr farm::ContentKey kOther{3, 4};

class DirectoryFeedTest : public ::testing::Test {
 protected:
  DirectoryFeedTest() {
    std::string pattern = std::string(getenv("TEST_TMPDIR")) + "/feed-XXXXXX";
    store::RocksStore::Options options;
    options.folder = std::string(mkdtemp(pattern.data())) + "/store";
    auto store = store::RocksStore::Open(std::move(options));
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
    feed_ = std::make_unique<DirectoryFeed>(index_, *store_, metrics_);
    table_.Observe(feed_.get());
    farm::EngineInfo engine;
    engine.id = kA;
    engine.name = "north-1";
    Apply(farm::EngineRegistered{engine, 1});
  }
  void Apply(const farm::Message& message) {
    EXPECT_EQ(table_.Apply(message, kManager, true, kNow), farm::StateTable::Applied::kYes);
  }
  void Change(const farm::ContentKey& key, std::optional<farm::Asset> asset) {
    Apply(farm::AssetsChanged{kA, {{key, asset}}});
  }
  bool Stored(const farm::ContentKey& key) {
    feed_->Flush();
    const auto found = store_->FindLocation(key, directory::Holder(kA.value()));
    EXPECT_TRUE(found.ok());
    return found->has_value();
  }

  SeededRandom random_{1};
  MetricRegistry metrics_;
  std::unique_ptr<store::RocksStore> store_;
  directory::LocationIndex index_{random_};
  farm::StateTable table_;
  std::unique_ptr<DirectoryFeed> feed_;
};

TEST_F(DirectoryFeedTest, ACopyIsInTheIndexAtOnceAndInTheStoreSoon) {
  Change(kKey, farm::Asset());
  std::array<directory::Location, 4> locations;
  ASSERT_EQ(index_.Find(kKey, locations), 1u);
  EXPECT_EQ(locations[0].flags, directory::kLibrary | directory::kComplete);
  EXPECT_TRUE(Stored(kKey));
  Change(kKey, std::nullopt);
  EXPECT_FALSE(index_.Contains(kKey));
  EXPECT_FALSE(Stored(kKey));
}

TEST_F(DirectoryFeedTest, TheLastChangeOfALocationCounts) {
  for (int i = 0; i < 100; ++i) {
    Change(kKey, farm::Asset());
    Change(kKey, std::nullopt);
    Change(kOther, std::nullopt);
    Change(kOther, farm::Asset());
  }
  EXPECT_FALSE(Stored(kKey));
  EXPECT_TRUE(Stored(kOther));
}

TEST_F(DirectoryFeedTest, TakesOutWhatTheEngineDoesNotHoldAnyMore) {
  Change(kKey, farm::Asset());
  // Of an earlier life: the table does not know it.
  feed_->OnCopy(kA, kOther, &*std::make_unique<farm::Asset>(), false);
  ASSERT_TRUE(Stored(kOther));
  const uint64_t removed =
      feed_->Reconcile(kA, [this](const DirectoryFeed::Step& step) { step(table_); });
  EXPECT_EQ(removed, 1u);
  EXPECT_TRUE(index_.Contains(kKey));
  EXPECT_FALSE(index_.Contains(kOther));
  EXPECT_FALSE(Stored(kOther));
}

TEST_F(DirectoryFeedTest, ATableThatCameAsAWholeIsAdded) {
  Change(kKey, farm::Asset());
  farm::StateTable table;
  ASSERT_TRUE(table.Restore(table_.Snapshot(kNow), kNow).ok());
  directory::LocationIndex index(random_);
  MetricRegistry metrics;
  DirectoryFeed feed(index, *store_, metrics);
  feed.AddAll(table);
  EXPECT_TRUE(index.Contains(kKey));
}

TEST_F(DirectoryFeedTest, MoreThanIsWrittenAtOnceIsStoredAll) {
  constexpr uint64_t kMany = 2 * kStoredAtOnceMax + 7;
  const auto key = [](uint64_t n) { return farm::ContentKey{n * 0x9e3779b97f4a7c15, n}; };
  farm::AssetsChanged changed = {kA, {}};
  for (uint64_t n = 0; n < kMany; ++n) changed.changes.push_back({key(n), farm::Asset()});
  Apply(changed);
  for (uint64_t n = 0; n < kMany; ++n) feed_->AddUri(key(n), std::to_string(n));
  feed_->Flush();
  for (uint64_t n = 0; n < kMany; ++n) {
    ASSERT_TRUE(store_->FindLocation(key(n), directory::Holder(kA.value()))->has_value()) << n;
    ASSERT_EQ(store_->FindUri(key(n))->value_or(""), std::to_string(n));
  }
}

TEST_F(DirectoryFeedTest, UrisAreStored) {
  feed_->AddUri(kKey, "http://films.example/a");
  feed_->Flush();
  EXPECT_EQ(store_->FindUri(kKey)->value_or(""), "http://films.example/a");
}

class ObservedFeedTest : public DirectoryFeedTest {
 protected:
  ObservedFeedTest() { feed_->SetObserver(&observer_); }
  ~ObservedFeedTest() override { feed_->SetObserver(nullptr); }
  // What it heard, in words.
  using Told = std::vector<std::string>;

  uplink::testing::RecordingObserver observer_;
};

TEST_F(ObservedFeedTest, AnObserverHearsOfWhatIsNew) {
  farm::Asset asset;
  Change(kKey, asset);
  EXPECT_EQ(observer_.Take(), Told{"holder 101: none to 3"});
  Change(kKey, asset);
  EXPECT_EQ(observer_.Take(), Told()) << "as it was";
  asset.size = 7;
  Change(kKey, asset);
  EXPECT_EQ(observer_.Take(), Told{"holder 101: 3 to 3"});
  asset.kind = farm::AssetKind::kCache;
  Change(kKey, asset);
  EXPECT_EQ(observer_.Take(), Told{"holder 101: 3 to 2"});
  Change(kKey, std::nullopt);
  EXPECT_EQ(observer_.Take(), Told{"holder 101: 2 to none"});
  feed_->AddUri(kKey, "http://films.example/a");
  EXPECT_EQ(observer_.Take(), Told{"URI http://films.example/a"});
  feed_->AddAll(table_);
  EXPECT_EQ(observer_.Take(), Told());
}

TEST_F(ObservedFeedTest, WhatIsMarkedAsStoredIsInTheStore) {
  for (uint64_t n = 0; n < 3 * kStoredAtOnceMax; ++n) {
    const farm::ContentKey key{n * 0x9e3779b97f4a7c15, n};
    Change(key, farm::Asset());
    if (n % 1000 != 0) continue;
    // Told one by one: the content of that number is the last one up to the mark.
    const uint64_t stored = observer_.stored();
    if (stored == 0) continue;
    const farm::ContentKey last{(stored - 1) * 0x9e3779b97f4a7c15, stored - 1};
    ASSERT_TRUE(store_->FindLocation(last, directory::Holder(kA.value()))->has_value()) << stored;
  }
  feed_->Flush();
  EXPECT_EQ(observer_.stored(), 3 * kStoredAtOnceMax);
  EXPECT_EQ(observer_.batch(), *store_->Apply({}));
}

TEST_F(ObservedFeedTest, ANewObserverHearsWhenAllBeforeItIsStored) {
  feed_->SetObserver(nullptr);
  for (uint64_t n = 0; n < 2 * kStoredAtOnceMax; ++n) Change({n, n}, farm::Asset());
  feed_->SetObserver(&observer_);
  while (observer_.stored_calls() == 0) feed_->Flush();
  EXPECT_TRUE(store_->FindLocation({1, 1}, directory::Holder(kA.value()))->has_value());
  const uint64_t calls = observer_.stored_calls();
  feed_->SetObserver(&observer_);  // Nothing has changed since.
  while (observer_.stored_calls() == calls) feed_->Flush();
  EXPECT_EQ(observer_.stored(), 0u);
  feed_->SetObserver(nullptr);
  Change(kKey, farm::Asset());
  EXPECT_TRUE(observer_.Take().empty());
}

}  // namespace
}  // namespace strata::manager::control
