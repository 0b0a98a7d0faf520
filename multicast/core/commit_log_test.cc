#include "multicast/core/commit_log.h"

#include <gtest/gtest.h>

namespace strata::multicast {
namespace {

LogRecord Advance(Seq seq) {
  LogRecord record;
  record.positions.push_back({0, 0, seq});
  return record;
}

class CommitLogTest : public ::testing::Test {
 protected:
  // Numbers 11 to 15, each of which commits up to its own number.
  CommitLogTest() {
    log_.StartAfter(10);
    for (Seq number = 11; number <= 15; ++number) log_.Append(Advance(number));
  }
  CommitLog log_;
};

TEST_F(CommitLogTest, NumbersRecordsBehindItsStart) {
  EXPECT_EQ(log_.floor(), 10u);
  EXPECT_EQ(log_.last(), 15u);
  EXPECT_EQ(log_.At(13), Advance(13));
}

TEST_F(CommitLogTest, HasWhatIsAboveTheFloor) {
  EXPECT_FALSE(log_.Has(10));
  EXPECT_TRUE(log_.Has(11));
  EXPECT_TRUE(log_.Has(15));
  EXPECT_FALSE(log_.Has(16));
}

TEST_F(CommitLogTest, TrimsUpToTheFloor) {
  log_.TrimTo(13);
  EXPECT_EQ(log_.floor(), 13u);
  EXPECT_EQ(log_.size(), 2u);
  EXPECT_EQ(log_.At(14), Advance(14));
}

TEST_F(CommitLogTest, TheFloorNeverSinks) {
  log_.TrimTo(13);
  log_.TrimTo(11);
  EXPECT_EQ(log_.floor(), 13u);
}

TEST_F(CommitLogTest, TrimmedEmptyItGoesOnCounting) {
  log_.TrimTo(15);
  EXPECT_EQ(log_.size(), 0u);
  EXPECT_EQ(log_.last(), 15u);
  log_.Append(Advance(16));
  EXPECT_EQ(log_.At(16), Advance(16));
}

TEST_F(CommitLogTest, KeepsSomeRecordsBelowTheFloorForLearners) {
  log_.RetainBelowFloor(2);
  log_.TrimTo(14);
  EXPECT_EQ(log_.floor(), 14u);
  EXPECT_EQ(log_.first_kept(), 13u);
  EXPECT_EQ(log_.size(), 1u) << "only what is above the floor counts";
  EXPECT_TRUE(log_.Has(13));
  EXPECT_FALSE(log_.Has(12));
}

TEST_F(CommitLogTest, TheFloorIsNeverAboveItsEnd) {
  log_.TrimTo(99);
  EXPECT_EQ(log_.floor(), 15u);
}

TEST_F(CommitLogTest, TellsTheRecordsBehindANumber) {
  EXPECT_EQ(log_.After(13), (std::vector<LogRecord>{Advance(14), Advance(15)}));
  EXPECT_TRUE(log_.After(15).empty());
  EXPECT_TRUE(log_.After(99).empty());
}

TEST_F(CommitLogTest, TellsOnlyWhatItKeeps) {
  log_.TrimTo(14);
  EXPECT_EQ(log_.After(2), (std::vector<LogRecord>{Advance(15)}));
}

}  // namespace
}  // namespace strata::multicast
