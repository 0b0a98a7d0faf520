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
    EXPECT_EQ(KeyOf(WordsOf(key)), key);
    for (size_t word = 0; word < 3; ++word) {
      EXPECT_EQ(WordsOf(key)[word] & kLocationMask[word], 0u);
    }
    EXPECT_EQ(WordsOf(key)[0] & (kUsed | kReachMask), 0u);
  }
  const farm::ContentKey ones{.high = UINT64_MAX, .low = UINT64_MAX};
  EXPECT_EQ(KeyOf(WordsOf(ones)), ones);
}

TEST(SlotTest, TellsKeysApartByEveryBit) {
  SeededRandom random(2);
  const farm::ContentKey key = RandomKey(random);
  Bucket bucket{};
  const Slot slot(bucket, 2);
  for (size_t i = 0; i < 4; ++i) slot.word(i) = WordsOf(key)[i];
  EXPECT_FALSE(FindIn(bucket, key)) << "not in use yet";
  slot.word(0) |= kUsed | kReachMask | WordOf({.holder = Holder(UINT32_MAX), .flags = 0xff});
  slot.word(1) |= WordOf({.holder = Holder(UINT32_MAX), .flags = 0xff});
  slot.word(2) |= kBlock | WordOf({.holder = Holder(UINT32_MAX), .flags = 0xff});
  EXPECT_TRUE(FindIn(bucket, key));
  for (int bit = 0; bit < 64; ++bit) {
    const uint64_t one = uint64_t{1} << bit;
    EXPECT_FALSE(FindIn(bucket, farm::ContentKey{.high = key.high ^ one, .low = key.low})) << bit;
    EXPECT_FALSE(FindIn(bucket, farm::ContentKey{.high = key.high, .low = key.low ^ one})) << bit;
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
    return table_->Insert(WordsOf(key), hash);
  }
  bool Has(const farm::ContentKey& key, uint32_t hash) {
    return static_cast<bool>(table_->Find(key, hash));
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
  Make(ShardTable::SlotsFor(400));
  std::vector<farm::ContentKey> keys;
  for (int i = 0; i < 400; ++i) {
    keys.push_back(RandomKey(random_));
    ASSERT_TRUE(Insert(keys.back(), UINT32_MAX)) << "the last bucket is home of all";
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

TEST_F(ShardTableTest, TellsKeysApartThatDifferInTheHighHalfOnly) {
  Make(64);
  for (uint64_t high = 1; high <= 20; ++high) {
    ASSERT_TRUE(Insert({.high = high << 40, .low = 7}, 0));
    for (uint64_t i = 1; i <= 20; ++i) {
      ASSERT_EQ(Has({.high = i << 40, .low = 7}, 0), i <= high);
    }
  }
}

TEST_F(ShardTableTest, RefusesAKeyWhenItIsFull) {
  Make(8);
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(Insert(RandomKey(random_), 0));
  EXPECT_FALSE(Insert(RandomKey(random_), 0));
  EXPECT_FALSE(Has(RandomKey(random_), 0)) << "and looking for what is not there ends";
}

TEST(ChunkPoolTest, GivesZeroedChunksAgainAndAgain) {
  ChunkPool pool(*std::pmr::new_delete_resource());
  Bucket* chunk = pool.Take();
  Slot(chunk[kChunkBuckets - 1], 5).word(1) = 7;
  const size_t bytes = pool.memory_bytes();
  pool.Give(chunk);
  EXPECT_EQ(pool.Take(), chunk);
  EXPECT_EQ(Slot(chunk[kChunkBuckets - 1], 5).word(1), 0u);
  EXPECT_LE(pool.memory_bytes(), bytes + 64);
  std::vector<Bucket*> many;
  for (size_t i = 0; i < kArenaBytes / kChunkBytes; ++i) many.push_back(pool.Take());
  EXPECT_GE(pool.memory_bytes(), 2 * kArenaBytes);
}

}  // namespace
}  // namespace strata::manager::directory
