#include "service_manager/store/load_index.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/random.h"
#include "service_manager/directory/location_digest.h"
#include "service_manager/store/rocks_store.h"

namespace strata::manager::store {
namespace {

TEST(LoadIndexTest, BuildsTheSameIndex) {
  const std::string folder = testing::TempDir() + "/load_index";
  std::filesystem::remove_all(folder);
  auto opened = RocksStore::Open({.folder = folder});
  ASSERT_TRUE(opened.ok()) << MessageOf(opened.status());
  SeededRandom random(1);
  directory::LocationIndex kept(random);
  for (uint64_t n = 0; n < 20; ++n) {
    LocationBatch batch;
    for (uint64_t i = 0; i < 1000; ++i) {
      const directory::Location location{
          .holder = directory::Holder(static_cast<uint32_t>(random.Below(8))),
          .flags = static_cast<directory::LocationFlags>(random.Below(4))};
      const farm::ContentKey key{.high = directory::Mixed(5 * i + random.Below(5)), .low = 1};
      batch.stored.push_back({.key = key, .location = location});
      kept.Add(key, location);
    }
    ASSERT_TRUE((*opened)->Apply(batch).ok());
  }
  directory::LocationIndex loaded(random);
  const StatusOr<LoadedIndex> result = LoadIndex(**opened, loaded);
  ASSERT_TRUE(result.ok()) << MessageOf(result.status());
  EXPECT_EQ(result->locations, kept.locations());
  EXPECT_EQ(result->refused, 0u);
  for (uint32_t range = 0; range < directory::kRanges; ++range) {
    ASSERT_EQ(loaded.digest(range), kept.digest(range));
  }
  opened->reset();
  std::filesystem::remove_all(folder);
}

TEST(LoadIndexTest, LocationsOfHoldersThatNobodyKnowsAreTakenOutOfTheStore) {
  const std::string folder = testing::TempDir() + "/load_index_orphans";
  std::filesystem::remove_all(folder);
  auto opened = RocksStore::Open({.folder = folder});
  ASSERT_TRUE(opened.ok()) << MessageOf(opened.status());
  constexpr uint64_t kContents = 10'000;
  LocationBatch batch;
  for (uint64_t i = 0; i < kContents; ++i) {
    for (const uint32_t holder : {7u, 8u}) {
      const directory::Location location{.holder = directory::Holder(holder)};
      batch.stored.push_back(
          {.key = {.high = directory::Mixed(i), .low = i}, .location = location});
    }
  }
  ASSERT_TRUE((*opened)->Apply(batch).ok());
  SeededRandom random(1);
  const auto load = [&](directory::LocationIndex& index) {
    return LoadIndex(**opened, index, [](directory::Holder holder) { return holder.value() == 7; });
  };
  directory::LocationIndex index(random);
  const StatusOr<LoadedIndex> first = load(index);
  ASSERT_TRUE(first.ok()) << MessageOf(first.status());
  EXPECT_EQ(first->locations, kContents);
  EXPECT_EQ(first->orphans, kContents);
  EXPECT_EQ(index.locations(), kContents);
  directory::LocationIndex again(random);
  EXPECT_EQ(load(again)->orphans, 0u);
  opened->reset();
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace strata::manager::store
