#include "multicast/core/ack_board.h"

#include <gtest/gtest.h>

namespace strata::multicast {
namespace {

class AckBoardTest : public ::testing::Test {
 protected:
  AckBoardTest() { board_.Reset(3); }
  AckBoard board_;
};

TEST_F(AckBoardTest, StartsEmpty) {
  EXPECT_EQ(board_.held(2, 1, 8), 0u);
  EXPECT_EQ(board_.limit(1, 2), 0u);
  EXPECT_EQ(board_.log_seen(2), 0u);
  EXPECT_EQ(board_.members(), 3u);
}

TEST_F(AckBoardTest, PositionsOnlyGrow) {
  EXPECT_TRUE(board_.Raise(1, 2, 3, 10));
  EXPECT_FALSE(board_.Raise(1, 2, 3, 10));
  EXPECT_FALSE(board_.Raise(1, 2, 3, 9));
  EXPECT_EQ(board_.held(1, 2, 3), 10u);
}

TEST_F(AckBoardTest, EveryMemberOriginAndStreamHasItsOwnPosition) {
  Seq next = 1;
  for (Slot member = 0; member < 3; ++member) {
    for (Slot origin = 0; origin < 3; ++origin) {
      for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
        board_.Raise(member, origin, stream, next++);
      }
    }
  }
  next = 1;
  for (Slot member = 0; member < 3; ++member) {
    for (Slot origin = 0; origin < 3; ++origin) {
      for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
        EXPECT_EQ(board_.held(member, origin, stream), next++);
      }
    }
  }
}

TEST_F(AckBoardTest, LimitsOnlyGrow) {
  EXPECT_TRUE(board_.RaiseLimit(2, 1, 100));
  EXPECT_FALSE(board_.RaiseLimit(2, 1, 99));
  EXPECT_EQ(board_.limit(2, 1), 100u);
  EXPECT_EQ(board_.limit(1, 2), 0u);
}

TEST_F(AckBoardTest, LogPositionsOnlyGrow) {
  board_.RaiseLogSeen(1, 7);
  board_.RaiseLogSeen(1, 5);
  EXPECT_EQ(board_.log_seen(1), 7u);
}

TEST_F(AckBoardTest, AResetForgetsEverything) {
  board_.Raise(1, 1, 1, 5);
  board_.RaiseLimit(1, 1, 5);
  board_.RaiseLogSeen(1, 5);
  board_.SetNonce(1, 5);
  board_.SetProgress(1, Timestamp::FromNanos(5));
  board_.Reset(2);
  EXPECT_EQ(board_.held(1, 1, 1), 0u);
  EXPECT_EQ(board_.limit(1, 1), 0u);
  EXPECT_EQ(board_.log_seen(1), 0u);
  EXPECT_EQ(board_.nonce(1), 0u);
  EXPECT_EQ(board_.progress(1), Timestamp());
}

}  // namespace
}  // namespace strata::multicast
