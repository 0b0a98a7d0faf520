#include "service_engine/core/inventory.h"

#include <gtest/gtest.h>

#include "common/random.h"

namespace strata::engine {
namespace {

using std::chrono::seconds;
using Change = farm::AssetsChanged::Change;

constexpr Timestamp kNow = Timestamp::FromNanos(1'000'000'000'000);

farm::ContentKey Key(uint64_t n) { return {n, n}; }

ContentFile File(uint64_t key, uint64_t size = 100, const std::string& validator = "v1") {
  ContentFile file;
  file.key = Key(key);
  file.size = size;
  file.validator = validator;
  return file;
}

class InventoryTest : public ::testing::Test {
 protected:
  std::vector<Change> Changes(size_t max = 1000) { return inventory_.TakeChanges(max, kNow); }
  // The keys of the changes, negative ones gone.
  std::vector<int64_t> ChangedKeys() {
    std::vector<int64_t> keys;
    for (const Change& change : Changes()) {
      const auto key = static_cast<int64_t>(change.key.low);
      keys.push_back(change.asset ? key : -key);
    }
    return keys;
  }

  Inventory inventory_;
};

TEST_F(InventoryTest, TellsWhatAppearsAndVanishes) {
  inventory_.OnFile("/c/a", File(1));
  inventory_.OnFile("/c/b", File(2));
  EXPECT_TRUE(inventory_.has_changes());
  EXPECT_EQ(ChangedKeys(), (std::vector<int64_t>{1, 2}));
  EXPECT_FALSE(inventory_.has_changes());
  inventory_.OnGone("/c/a");
  EXPECT_EQ(ChangedKeys(), (std::vector<int64_t>{-1}));
}

TEST_F(InventoryTest, TellsNothingTwice) {
  inventory_.OnFile("/c/a", File(1));
  Changes();
  inventory_.OnFile("/c/a", File(1));
  inventory_.OnGone("/c/unknown");
  EXPECT_TRUE(Changes().empty());
}

TEST_F(InventoryTest, TellsNothingOfWhatCameAndWentUnheard) {
  inventory_.OnFile("/c/a", File(1));
  inventory_.OnGone("/c/a");
  EXPECT_TRUE(Changes().empty());
}

TEST_F(InventoryTest, AReplacedFileIsAnotherCopy) {
  inventory_.OnFile("/c/a", File(1, 100, "v1"));
  Changes();
  inventory_.OnFile("/c/a", File(1, 200, "v2"));
  const std::vector<Change> changes = Changes();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].asset->size, 200u);
  EXPECT_EQ(changes[0].asset->validator, "v2");
  EXPECT_EQ(inventory_.bytes(), 200u);
}

TEST_F(InventoryTest, AFileThatNowHasAnotherContentTakesTheOldOneAway) {
  inventory_.OnFile("/c/a", File(1));
  Changes();
  inventory_.OnFile("/c/a", File(2));
  EXPECT_EQ(ChangedKeys(), (std::vector<int64_t>{-1, 2}));
}

TEST_F(InventoryTest, VariantsAreOneCopy) {
  inventory_.OnFile("/c/gzip", File(1, 30, "v1"));
  inventory_.OnFile("/c/plain", File(1, 100, "v1"));
  std::vector<Change> changes = Changes();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].asset->size, 130u);
  EXPECT_EQ(inventory_.FilesOf(Key(1)), (std::vector<std::string>{"/c/gzip", "/c/plain"}));
  inventory_.OnGone("/c/gzip");
  changes = Changes();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].asset->size, 100u);
}

TEST_F(InventoryTest, ACopyIsCompleteIfAllItsFilesAre) {
  ContentFile part = File(1);
  part.complete = false;
  inventory_.OnFile("/c/a", File(1));
  inventory_.OnFile("/c/b", part);
  EXPECT_FALSE(Changes()[0].asset->complete);
}

TEST_F(InventoryTest, WhatTheOperatorPutThereIsLibrary) {
  ContentFile cached = File(1);
  cached.kind = farm::AssetKind::kCache;
  inventory_.OnFile("/cache/a", cached);
  EXPECT_EQ(inventory_.Find(Key(1), kNow)->kind, farm::AssetKind::kCache);
  inventory_.OnFile("/library/a", File(1));
  EXPECT_EQ(inventory_.Find(Key(1), kNow)->kind, farm::AssetKind::kLibrary);
}

TEST_F(InventoryTest, ARevalidationIsToldAndTimeThatPassesIsNot) {
  ContentFile file = File(1);
  file.expires = kNow + seconds(60);
  inventory_.OnFile("/c/a", file);
  EXPECT_EQ(Changes()[0].asset->lifetime, seconds(60));
  inventory_.OnFile("/c/a", file);
  EXPECT_TRUE(inventory_.TakeChanges(10, kNow + seconds(30)).empty());
  file.expires = kNow + seconds(90);
  inventory_.OnFile("/c/a", file);
  const auto changes = inventory_.TakeChanges(10, kNow + seconds(30));
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].asset->lifetime, seconds(60));
}

TEST_F(InventoryTest, ACopyOfAnExpiredFileNeverLivesForEver) {
  ContentFile file = File(1);
  file.expires = kNow - seconds(60);
  inventory_.OnFile("/c/a", file);
  EXPECT_EQ(Changes()[0].asset->lifetime, Duration(1));
}

TEST_F(InventoryTest, AFolderRemovedBehindItsBackTakesItsFilesAlong) {
  inventory_.OnFile("/c/1/a", File(1));
  inventory_.OnFile("/c/1/b", File(2));
  inventory_.OnFile("/c/10/c", File(3));
  Changes();
  inventory_.OnFolderGone("/c/1/");
  EXPECT_EQ(ChangedKeys(), (std::vector<int64_t>{-1, -2}));
  EXPECT_EQ(inventory_.files(), 1u);
}

TEST_F(InventoryTest, AScanFindsWhatWasMissed) {
  inventory_.OnFile("/c/stays", File(1));
  inventory_.OnFile("/c/went", File(2));
  inventory_.OnFile("/d/elsewhere", File(3));
  Changes();
  inventory_.BeginScan("/c/");
  inventory_.OnFile("/c/stays", File(1));
  inventory_.OnFile("/c/came", File(4));
  EXPECT_EQ(ChangedKeys(), (std::vector<int64_t>{4}));
  inventory_.EndScan();
  EXPECT_EQ(ChangedKeys(), (std::vector<int64_t>{-2}));
  inventory_.EndScan();  // There is none.
  EXPECT_EQ(inventory_.files(), 3u);
}

TEST_F(InventoryTest, WhatComesDuringAScanStays) {
  inventory_.BeginScan("/c/");
  inventory_.OnFile("/c/new", File(1));
  inventory_.EndScan();
  EXPECT_EQ(ChangedKeys(), (std::vector<int64_t>{1}));
}

TEST_F(InventoryTest, TellsEverythingAgainAfterANewRegistration) {
  inventory_.OnFile("/c/a", File(1));
  inventory_.OnFile("/c/b", File(2));
  Changes();
  inventory_.OnGone("/c/b");
  inventory_.TellAll();
  EXPECT_EQ(ChangedKeys(), (std::vector<int64_t>{1}));
}

TEST_F(InventoryTest, TellsInPortions) {
  for (uint64_t i = 1; i <= 10; ++i) inventory_.OnFile("/c/" + std::to_string(i), File(i));
  EXPECT_EQ(Changes(4).size(), 4u);
  EXPECT_EQ(Changes(4).size(), 4u);
  EXPECT_EQ(Changes(4).size(), 2u);
}

// Whoever applies the changes in order knows what is there, whatever happened in between.
TEST_F(InventoryTest, TheChangesAddUpToTheTruth) {
  SeededRandom random(7);
  std::map<farm::ContentKey, farm::Asset> heard;
  for (int step = 0; step < 20000; ++step) {
    const std::string path =
        "/c/" + std::to_string(random.Below(4)) + "/" + std::to_string(random.Below(30));
    if (random.Chance(0.6)) {
      inventory_.OnFile(path, File(1 + random.Below(40), random.Below(5)));
    } else if (random.Chance(0.9)) {
      inventory_.OnGone(path);
    } else {
      inventory_.OnFolderGone(path.substr(0, 5));
    }
    if (!random.Chance(0.1)) continue;
    for (const Change& change : Changes(random.Below(20))) {
      if (change.asset) {
        heard[change.key] = *change.asset;
      } else {
        EXPECT_EQ(heard.erase(change.key), 1u);
      }
    }
  }
  for (const Change& change : Changes(100000)) {
    if (change.asset) {
      heard[change.key] = *change.asset;
    } else {
      heard.erase(change.key);
    }
  }
  EXPECT_EQ(heard.size(), inventory_.contents());
  for (const auto& [key, asset] : heard) EXPECT_EQ(inventory_.Find(key, kNow), asset);
}

}  // namespace
}  // namespace strata::engine
