#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <filesystem>
#include <map>
#include <memory>
#include <set>

#include "common/random.h"
#include "service_manager/store/power_cut_file_system.h"
#include "service_manager/store/rocks_store.h"

// A store whose power is cut at a random operation of the disk, again and again: what was
// acknowledged is there, and nothing is there by half. The seed is the test's parameter.

namespace strata::manager::store {
namespace {

using directory::Holder;

constexpr uint64_t kLocationsInBatch = 20;
constexpr uint64_t kChildren = 3;
constexpr uint64_t kForgottenEvery = 11;  // Batches.

farm::ContentKey Key(uint64_t batch, uint64_t i) {
  return {.high = (batch * 0x9e3779b97f4a7c15) ^ (i << 56), .low = batch << 8 | i};
}

// Batch n is of this child's feed.
std::string ChildOf(uint64_t n) { return "cdn-one/dc-" + std::to_string(n % kChildren); }

ChildPosition PositionOf(uint64_t n) {
  return {.child = ChildOf(n), .epoch = 1 + n / 100, .sequence = n};
}

// What the feeds' positions are after these batches.
std::vector<ChildPosition> PositionsAfter(uint64_t batches) {
  std::map<std::string, ChildPosition> positions;
  for (uint64_t n = 1; n <= batches; ++n) {
    positions[ChildOf(n)] = PositionOf(n);
    if (n % kForgottenEvery == 0) positions.erase(ChildOf(n + 1));
  }
  std::vector<ChildPosition> all;
  for (const auto& [child, position] : positions) all.push_back(position);
  return all;
}

class PowerCutTest : public testing::TestWithParam<uint64_t> {
 protected:
  PowerCutTest()
      : folder_(testing::TempDir() + "/power_cut_" + std::to_string(GetParam())),
        files_(std::make_shared<PowerCutFileSystem>(GetParam())),
        env_(rocksdb::NewCompositeEnv(files_)) {
    std::filesystem::remove_all(folder_);
  }
  ~PowerCutTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  StatusOr<std::unique_ptr<RocksStore>> Open() {
    return RocksStore::Open(
        {.folder = folder_, .on_synced = [] {}, .env = env_.get(), .write_buffer_bytes = 64 << 10});
  }

  // Intent n: a record in a table and one in a log.
  IntentBatch Intent(uint64_t n) {
    const std::string text = std::to_string(n);
    return {
        .puts = {{"sites", text, text}}, .deletes = {}, .appends = {{"purges", text}}, .trims = {}};
  }

  LocationBatch Locations(uint64_t n) {
    LocationBatch batch;
    for (uint64_t i = 0; i < kLocationsInBatch; ++i) {
      batch.stored.push_back(
          {.key = Key(n, i), .location = {.holder = Holder(1), .flags = 0}, .size_bytes = n});
    }
    batch.uris.push_back({.key = Key(n, 0), .text = "http://example.test/" + std::to_string(n)});
    batch.positions.push_back(PositionOf(n));
    if (n % kForgottenEvery == 0) batch.forgotten.push_back(ChildOf(n + 1));
    return batch;
  }

  // Works until the power is cut.
  void Work() {
    while (!files_->is_cut()) {
      if (random_.Chance(0.2)) {
        tried_intent_ = committed_intent_ + 1;
        const auto positions = store_->Commit(Intent(tried_intent_));
        if (files_->is_cut()) break;  // Nobody heard this acknowledgement.
        ASSERT_TRUE(positions.ok()) << MessageOf(positions.status());
        ASSERT_EQ(positions->at(0), tried_intent_);
        committed_intent_ = tried_intent_;
      } else {
        const StatusOr<uint64_t> number = store_->Apply(Locations(applied_ + 1));
        tried_ = applied_ + 1;
        if (files_->is_cut()) break;
        ASSERT_TRUE(number.ok()) << MessageOf(number.status());
        ++applied_;
        ASSERT_EQ(*number, applied_ - applied_before_);
        if (random_.Chance(0.05)) {
          const Status synced = store_->Sync();
          ASSERT_TRUE(synced.ok()) << MessageOf(synced);
        }
      }
      const uint64_t synced = applied_before_ + store_->SyncedUpTo();
      if (!files_->is_cut()) synced_ = synced;
    }
  }

  void CheckIntents() {
    uint64_t found = 0;
    ASSERT_TRUE(store_
                    ->VisitLog("purges", 0,
                               [&](uint64_t position, std::string_view record) {
                                 ++found;
                                 EXPECT_EQ(position, found);
                                 EXPECT_EQ(record, std::to_string(found));
                                 const auto site = store_->Get("sites", record);
                                 EXPECT_TRUE(site.ok() &&
                                             *site == std::optional(std::string(record)));
                                 return true;
                               })
                    .ok());
    ASSERT_GE(found, committed_intent_) << "acknowledged intent is gone";
    ASSERT_LE(found, tried_intent_);
    uint64_t sites = 0;
    ASSERT_TRUE(
        store_->VisitTable("sites", [&](std::string_view, std::string_view) { return ++sites > 0; })
            .ok());
    ASSERT_EQ(sites, found) << "half an intent";
    committed_intent_ = tried_intent_ = found;
  }

  void CheckLocations() {
    std::map<uint64_t, uint64_t> found;  // By batch.
    ASSERT_TRUE(store_
                    ->VisitLocations(0, UINT8_MAX,
                                     [&](const RecordHead& head) { ++found[head.key.low >> 8]; })
                    .ok());
    ASSERT_GE(found.size(), synced_) << "synced locations are gone";
    ASSERT_LE(found.size(), tried_);
    uint64_t expected = 0;
    for (const auto& [batch, locations] : found) {
      ASSERT_EQ(batch, ++expected) << "a later batch without an earlier one";
      ASSERT_EQ(locations, kLocationsInBatch) << "half a batch";
      const auto uri = store_->FindUri(Key(batch, 0));
      ASSERT_TRUE(uri.ok() && uri->has_value());
    }
    EXPECT_EQ(store_->ChildPositions().value(), PositionsAfter(found.size()))
        << "positions of feeds are not those of their locations";
    applied_ = applied_before_ = tried_ = found.size();
  }

  const std::string folder_;
  const std::shared_ptr<PowerCutFileSystem> files_;
  const std::unique_ptr<rocksdb::Env> env_;
  SeededRandom random_{GetParam()};
  std::unique_ptr<RocksStore> store_;
  uint64_t committed_intent_ = 0;
  uint64_t tried_intent_ = 0;
  uint64_t applied_ = 0;         // Batches, over all restarts.
  uint64_t applied_before_ = 0;  // This restart.
  uint64_t tried_ = 0;
  uint64_t synced_ = 0;
};

TEST_P(PowerCutTest, KeepsWhatWasAcknowledgedAndNothingByHalf) {
  for (int cut = 0; cut < 8 && !HasFatalFailure(); ++cut) {
    SCOPED_TRACE(testing::Message() << "seed " << GetParam() << ", cut " << cut);
    // Sometimes the power goes while the store is opened.
    files_->CutAfter(random_.Chance(0.3) ? random_.Below(60) : random_.Below(2000));
    StatusOr<std::unique_ptr<RocksStore>> opened = Open();
    if (opened.ok()) {
      store_ = *std::move(opened);
      Work();
      store_.reset();
    } else {
      ASSERT_TRUE(files_->is_cut()) << MessageOf(opened.status());
    }
    files_->Cut();
    files_->Restore();
    opened = Open();
    ASSERT_TRUE(opened.ok()) << MessageOf(opened.status());
    store_ = *std::move(opened);
    CheckIntents();
    if (!HasFatalFailure()) CheckLocations();
    store_.reset();
    synced_ = applied_;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PowerCutTest, testing::Range<uint64_t>(0, 12));

}  // namespace
}  // namespace strata::manager::store
