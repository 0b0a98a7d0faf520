#include "service_manager/federation/locate/open_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace strata::manager::federation {
namespace {

constexpr farm::ContentKey kOne{1, 1};
constexpr farm::ContentKey kTwo{1, 2};
constexpr NeighbourId kNorth(1);
constexpr NeighbourId kSouth(2);

Timestamp At(int64_t nanos) { return Timestamp::FromNanos(nanos); }

class OpenTableTest : public testing::Test {
 protected:
  OpenTableTest() {
    table_.Add(3, {.key = kOne, .with = kNorth, .deadline = At(10), .item = "three"});
    table_.Add(1, {.key = kOne, .with = kSouth, .deadline = At(30), .item = "one"});
    table_.Add(2, {.key = kTwo, .with = kNorth, .deadline = At(20), .item = "two"});
  }

  OpenTable<int, std::string> table_;
};

TEST_F(OpenTableTest, FindsByNumberContentAndNeighbour) {
  EXPECT_EQ(table_.Find(2)->item, "two");
  EXPECT_EQ(table_.Find(4), nullptr);
  EXPECT_EQ(table_.OfKey(kOne), (std::vector{1, 3}));
  EXPECT_EQ(table_.OfKey({1, 3}), std::vector<int>());
  EXPECT_EQ(table_.With(kNorth), (std::vector{2, 3}));
  EXPECT_EQ(table_.CountWith(kNorth), 2U);
}

TEST_F(OpenTableTest, NothingIsLeftOfWhatIsTaken) {
  EXPECT_EQ(table_.Take(3)->item, "three");
  EXPECT_FALSE(table_.Take(3));
  EXPECT_EQ(table_.OfKey(kOne), (std::vector{1}));
  EXPECT_EQ(table_.CountWith(kNorth), 1U);
  EXPECT_EQ(table_.NextDeadline(), At(20));
  table_.Take(2);
  EXPECT_EQ(table_.CountWith(kNorth), 0U);
  table_.Take(1);
  EXPECT_EQ(table_.NextDeadline(), Timestamp::Never());
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(OpenTableTest, TellsWhatIsDueInTheOrderOfDeadlines) {
  EXPECT_EQ(table_.Due(At(9)), std::nullopt);
  EXPECT_EQ(table_.Due(At(30)), 3);
  table_.Reschedule(3, *table_.Find(3), At(25));
  EXPECT_EQ(table_.Due(At(30)), 2);
  table_.Take(2);
  EXPECT_EQ(table_.Due(At(30)), 3);
  EXPECT_EQ(table_.NextDeadline(), At(25));
}

}  // namespace
}  // namespace strata::manager::federation
