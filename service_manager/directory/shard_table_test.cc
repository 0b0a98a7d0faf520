#include "service_manager/directory/shard_table.h"

#include <gtest/gtest.h>

#include <memory_resource>
#include <vector>

#include "common/random.h"
#include "farm/content_key.h"
#include "service_manager/directory/slot.h"

namespace strata::manager::directory {
namespace {

farm::ContentKey RandomKey(RandomSource& random) {
  const uint64_t high = random.Next();
  return {.high = high, .low = random.Next()};
}

TEST(SlotTest, TakesAKeyApartAndPutsItTogether) {
  SeededRandom random(1);
  for (int i = 0; i < 1000; ++i) {
    const farm::ContentKey key = RandomKey(random);
    EXPECT_EQ(KeyOf(PatternOf(key).words), key);
    for (size_t word = 0; word < 3; ++word) {
      EXPECT_EQ(PatternOf(key).words[word] & kLocationMask[word], 0u);
    }
    EXPECT_EQ(PatternOf(key).words[0] & (kUsed | kReachMask), 0u);
  }
  const farm::ContentKey ones{.high = UINT64_MAX, .low = UINT64_MAX};
  EXPECT_EQ(KeyOf(PatternOf(ones).words), ones);
}

TEST(SlotTest, TellsKeysApartByEveryBit) {
  SeededRandom random(2);
  const farm::ContentKey key = RandomKey(random);
  Slot slot{};
  for (size_t i = 0; i < 4; ++i) slot.words[i] = PatternOf(key).words[i];
  EXPECT_FALSE(HasKey(slot, PatternOf(key))) << "not in use yet";
  slot.words[0] |= kUsed | kReachMask | WordOf({.holder = Holder(UINT32_MAX), .flags = 0xff});
  slot.words[1] |= WordOf({.holder = Holder(UINT32_MAX), .flags = 0xff});
  slot.words[2] |= kBlock | WordOf({.holder = Holder(UINT32_MAX), .flags = 0xff});
  EXPECT_TRUE(HasKey(slot, PatternOf(key)));
  for (int bit = 0; bit < 64; ++bit) {
    const uint64_t one = uint64_t{1} << bit;
    EXPECT_FALSE(HasKey(slot, PatternOf({.high = key.high ^ one, .low = key.low}))) << bit;
    EXPECT_FALSE(HasKey(slot, PatternOf({.high = key.high, .low = key.low ^ one}))) << bit;
  }
}

TEST(SlotTest, KeepsALocationInAWord) {
  const Location location{.holder = Holder(0xfedcba98), .flags = kComplete};
  EXPECT_EQ(LocationOf(WordOf(location)), location);
}

TEST(SlotTest, ReachCoversTheDistance) {
  for (uint32_t distance = 0; distance <= 32; ++distance) {
    ASSERT_LT(ReachFor(distance), kReachUnlimited);
    EXPECT_GE(DistanceOf(ReachFor(distance)), distance);
  }
  EXPECT_EQ(ReachFor(33), kReachUnlimited);
}

class ShardTableTest : public testing::Test {
 protected:
  ~ShardTableTest() override { ShardTable::Destroy(table_, pool_); }

  void Make(uint32_t slots) { table_ = ShardTable::Make(slots, pool_); }
  bool Insert(const farm::ContentKey& key, uint32_t hash) {
    return table_->Insert(PatternOf(key).words, hash);
  }
  bool Has(const farm::ContentKey& key, uint32_t hash) {
    return table_->Find(PatternOf(key), hash) != nullptr;
  }

  ChunkPool pool_{*std::pmr::new_delete_resource()};
  ShardTable* table_ = nullptr;
  SeededRandom random_{3};
};

TEST_F(ShardTableTest, HasRoomForTheKeysItWasMadeFor) {
  for (size_t keys = 0; keys < 5000; ++keys) {
    EXPECT_GT(ShardTable::UsedMax(ShardTable::SlotsFor(keys)), keys) << keys;
  }
}

TEST_F(ShardTableTest, FindsWhatIsThereAndNothingElse) {
  Make(ShardTable::SlotsFor(1000));
  std::vector<std::pair<farm::ContentKey, uint32_t>> keys;
  for (uint32_t i = 0; i < ShardTable::UsedMax(table_->slots()); ++i) {
    const farm::ContentKey key = RandomKey(random_);
    keys.emplace_back(key, static_cast<uint32_t>(random_.Next()));
    ASSERT_TRUE(Insert(key, keys.back().second));
  }
  for (const auto& [key, hash] : keys) {
    EXPECT_TRUE(Has(key, hash));
    EXPECT_FALSE(Has({.high = key.high ^ 1, .low = key.low}, hash));
    EXPECT_FALSE(Has({.high = key.high, .low = key.low ^ 1}, hash));
  }
}

TEST_F(ShardTableTest, FindsKeysThatLieFarFromTheirHome) {
  Make(ShardTable::SlotsFor(200));
  std::vector<farm::ContentKey> keys;
  for (int i = 0; i < 100; ++i) {
    keys.push_back(RandomKey(random_));
    ASSERT_TRUE(Insert(keys.back(), UINT32_MAX)) << "the last slot is home of all";
    for (const farm::ContentKey& key : keys) ASSERT_TRUE(Has(key, UINT32_MAX)) << i;
    ASSERT_FALSE(Has(RandomKey(random_), UINT32_MAX)) << i;
  }
}

TEST_F(ShardTableTest, KnowsTheKeyOfZeros) {
  Make(8);
  EXPECT_FALSE(Has({}, 0));
  ASSERT_TRUE(Insert({.high = 1, .low = 0}, 0));
  EXPECT_FALSE(Has({}, 0));
  ASSERT_TRUE(Insert({}, 0));
  EXPECT_TRUE(Has({}, 0));
}

TEST_F(ShardTableTest, RefusesAKeyWhenItIsFull) {
  Make(8);
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(Insert(RandomKey(random_), 0));
  EXPECT_FALSE(Insert(RandomKey(random_), 0));
  EXPECT_FALSE(Has(RandomKey(random_), 0)) << "and looking for what is not there ends";
}

TEST(ChunkPoolTest, GivesZeroedChunksAgainAndAgain) {
  ChunkPool pool(*std::pmr::new_delete_resource());
  Slot* chunk = pool.Take();
  chunk[kChunkSlots - 1].words[3] = 7;
  const size_t bytes = pool.memory_bytes();
  pool.Give(chunk);
  EXPECT_EQ(pool.Take(), chunk);
  EXPECT_EQ(chunk[kChunkSlots - 1].words[3], 0u);
  EXPECT_LE(pool.memory_bytes(), bytes + 64);
  std::vector<Slot*> many;
  for (size_t i = 0; i < kArenaBytes / kChunkBytes; ++i) many.push_back(pool.Take());
  EXPECT_GE(pool.memory_bytes(), 2 * kArenaBytes);
}

}  // namespace
}  // namespace strata::manager::directory
