#include "service_manager/federation/locate/ask_board.h"

#include <gtest/gtest.h>

namespace strata::manager::federation {
namespace {

constexpr NeighbourId kNorth(1);
constexpr NeighbourId kSouth(2);
constexpr QuestionId kFirst(1);
constexpr QuestionId kSecond(2);
constexpr AskNumber kNone{};

Timestamp At(int64_t nanos) { return Timestamp::FromNanos(nanos); }

class AskBoardTest : public testing::Test {
 protected:
  AskNumber Open(NeighbourId to = kNorth) {
    return board_.Open(to, question_, At(0), At(100), kFirst);
  }
  AskNumber Join(Timestamp ends_min = At(50)) {
    return board_.Join(kNorth, question_, ends_min, kSecond);
  }

  LocateQuestion question_{.key = {1, 1}, .canonical_uri = "u", .purged = 7, .hops_left = 5};
  AskBoard board_{2};
};

TEST_F(AskBoardTest, EqualQuestionsShareAnAsk) {
  const AskNumber ask = Open();
  EXPECT_EQ(Join(), ask);
  const auto row = board_.Take(kNorth, ask);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->item.waiters, (std::vector{kFirst, kSecond}));
  EXPECT_EQ(row->item.number, ask);
  EXPECT_EQ(Join(), kNone) << "it is over";
}

TEST_F(AskBoardTest, OneThatWouldSayLessIsNotShared) {
  Open();
  EXPECT_EQ(Join(At(101)), kNone) << "it ends too early";
  question_.hops_left = 6;
  EXPECT_EQ(Join(), kNone) << "it does not go as far";
  question_.hops_left = 5;
  question_.purged = 8;
  EXPECT_EQ(Join(), kNone) << "it does not know of the purge";
  question_.purged = 7;
  question_.key = {1, 2};
  EXPECT_EQ(Join(), kNone) << "another content";
  question_.key = {1, 1};
  EXPECT_EQ(board_.Join(kSouth, question_, At(50), kSecond), kNone) << "another neighbour";
  EXPECT_NE(Join(), kNone);
}

TEST_F(AskBoardTest, ATracedOneIsNotShared) {
  question_.trace = true;
  Open();
  EXPECT_EQ(Join(), kNone);
}

TEST_F(AskBoardTest, ANeighbourHasSoManyAndNotMore) {
  const AskNumber ask = Open();
  EXPECT_NE(Open(), kNone);
  EXPECT_EQ(Open(), kNone);
  EXPECT_NE(Open(kSouth), kNone);
  board_.Leave(ask, kFirst);
  EXPECT_EQ(Open(), kNone) << "the neighbour still works on it";
  EXPECT_TRUE(board_.Take(kNorth, ask));
  EXPECT_NE(Open(), kNone);
}

TEST_F(AskBoardTest, AfterAPurgeNobodyWaitsForWhatWasAskedBefore) {
  const AskNumber ask = Open();
  board_.Outdate({1, 1});
  EXPECT_EQ(Join(), kNone);
  const auto row = board_.Take(kNorth, ask);
  ASSERT_TRUE(row);
  EXPECT_TRUE(row->item.outdated);
  EXPECT_TRUE(row->item.waiters.empty());
}

TEST_F(AskBoardTest, OnlyWhoWasAskedAnswers) {
  const AskNumber ask = Open();
  EXPECT_FALSE(board_.Take(kSouth, ask));
  EXPECT_FALSE(board_.Take(kNorth, AskNumber(99)));
  EXPECT_TRUE(board_.Take(kNorth, ask));
  EXPECT_FALSE(board_.Take(kNorth, ask)) << "twice";
}

TEST_F(AskBoardTest, AsksEndWithTheirTimeOrTheirLink) {
  Open();
  Open(kSouth);
  EXPECT_EQ(board_.TakeAll(kNorth).size(), 1U);
  EXPECT_EQ(board_.NextDeadline(), At(100));
  EXPECT_FALSE(board_.TakeDue(At(99)));
  const auto due = board_.TakeDue(At(100));
  ASSERT_TRUE(due);
  EXPECT_EQ(due->with, kSouth);
  EXPECT_EQ(board_.NextDeadline(), Timestamp::Never());
  EXPECT_EQ(board_.size(), 0U);
}

}  // namespace
}  // namespace strata::manager::federation
