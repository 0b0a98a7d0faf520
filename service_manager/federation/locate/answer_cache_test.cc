#include "service_manager/federation/locate/answer_cache.h"

#include <gtest/gtest.h>

namespace strata::manager::federation {
namespace {

constexpr farm::ContentKey kOne{1, 1};
constexpr farm::ContentKey kTwo{1, 2};
constexpr NeighbourId kNorth(1);
constexpr NeighbourId kSouth(2);

Timestamp At(int64_t nanos) { return Timestamp::FromNanos(nanos); }
std::vector<LocatedCopy> Copies(size_t count) {
  return std::vector<LocatedCopy>(count, LocatedCopy{.holder = {"cdn-one", "north-1"}});
}

TEST(AnswerCacheTest, KeepsAnAnswerUntilItsTimeIsOver) {
  AnswerCache cache({});
  cache.Keep(kNorth, kOne, Copies(3), At(100));
  ASSERT_NE(cache.Find(kNorth, kOne, At(99)), nullptr);
  EXPECT_EQ(cache.Find(kNorth, kOne, At(99))->copies.size(), 3U);
  EXPECT_EQ(cache.Find(kNorth, kOne, At(100)), nullptr);
  EXPECT_EQ(cache.Find(kSouth, kOne, At(0)), nullptr);
  EXPECT_EQ(cache.Find(kNorth, kTwo, At(0)), nullptr);
}

TEST(AnswerCacheTest, TheNewestAnswerOfANeighbourCounts) {
  AnswerCache cache({});
  cache.Keep(kNorth, kOne, Copies(3), At(100));
  const size_t bytes = cache.bytes();
  cache.Keep(kNorth, kOne, Copies(1), At(50));
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_LT(cache.bytes(), bytes);
  EXPECT_EQ(cache.Find(kNorth, kOne, At(60)), nullptr);
}

TEST(AnswerCacheTest, DropsWhatAllHaveAnsweredOfOneContent) {
  AnswerCache cache({});
  cache.Keep(kNorth, kOne, Copies(1), At(100));
  cache.Keep(kSouth, kOne, Copies(1), At(100));
  cache.Keep(kNorth, kTwo, Copies(1), At(100));
  cache.Drop(kOne);
  EXPECT_EQ(cache.Find(kNorth, kOne, At(0)), nullptr);
  EXPECT_EQ(cache.Find(kSouth, kOne, At(0)), nullptr);
  EXPECT_NE(cache.Find(kNorth, kTwo, At(0)), nullptr);
  cache.Drop(kTwo);
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST(AnswerCacheTest, WithoutRoomThoseGoWhoseTimeEndsFirst) {
  AnswerCache few({.answers_max = 2});
  few.Keep(kNorth, kOne, Copies(1), At(100));
  few.Keep(kSouth, kOne, Copies(1), At(50));
  few.Keep(kNorth, kTwo, Copies(1), At(70));
  EXPECT_EQ(few.size(), 2U);
  EXPECT_EQ(few.Find(kSouth, kOne, At(0)), nullptr);
  EXPECT_NE(few.Find(kNorth, kOne, At(0)), nullptr);

  AnswerCache small({.bytes_max = 2000});
  small.Keep(kNorth, kOne, Copies(4), At(50));
  small.Keep(kNorth, kTwo, Copies(4), At(60));
  EXPECT_GT(small.size(), 0U);
  small.Keep(kSouth, kTwo, Copies(100), At(70));
  EXPECT_EQ(small.size(), 0U) << "larger than all";
  EXPECT_EQ(small.bytes(), 0U);
}

}  // namespace
}  // namespace strata::manager::federation
