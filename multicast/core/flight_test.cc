#include "multicast/core/flight.h"

#include <gtest/gtest.h>

#include "multicast/core/test_group.h"

namespace strata::multicast {
namespace {

using testing::TestGroup;

// Member 4 of four has sent 100 records; the SM has acknowledged 10.
class FlightTest : public ::testing::Test {
 protected:
  FlightTest() { flight_.Reset(); }
  void Acknowledge(Slot slot, Seq seq) { group_->board.Raise(slot, 3, 0, seq); }
  Seq Taken() const { return flight_.Taken(0, 10, 100); }

  TestGroup group_{3, 4};
  Flight flight_{*group_};
};

TEST_F(FlightTest, NothingKnownIsWhatTheSmHasAcknowledged) { EXPECT_EQ(Taken(), 10u); }

TEST_F(FlightTest, WhoHoldsEverythingBeforeARecordHasTakenIt) {
  Acknowledge(1, 40);
  Acknowledge(2, 10);
  flight_.OnRequest(2, 0, 31);
  EXPECT_EQ(Taken(), 30u);
  flight_.OnRequest(2, 0, 91);
  EXPECT_EQ(Taken(), 40u);
}

TEST_F(FlightTest, AnOldRequestTakesNothingBack) {
  Acknowledge(1, 100);
  flight_.OnRequest(2, 0, 61);
  flight_.OnRequest(2, 0, 11);
  EXPECT_EQ(Taken(), 60u);
}

TEST_F(FlightTest, TheSmLagsWhereAllOthersHaveAcknowledgedMore) {
  Acknowledge(1, 50);
  Acknowledge(2, 60);
  EXPECT_EQ(Taken(), 10u);
  flight_.OnRequest(0, 0, 46);
  EXPECT_EQ(Taken(), 45u);
}

TEST_F(FlightTest, LearnersDoNotCount) {
  Acknowledge(1, 50);
  flight_.OnRequest(0, 0, 81);
  group_.SetStatus(2, MemberStatus::kLearner);
  EXPECT_EQ(Taken(), 50u);
}

TEST_F(FlightTest, ARequestForWhatWasNeverSentIsNotBelieved) {
  Acknowledge(1, 100);
  Acknowledge(2, 100);
  flight_.OnRequest(0, 0, 5000);
  EXPECT_EQ(Taken(), 100u);
}

TEST_F(FlightTest, ANewViewForgets) {
  Acknowledge(1, 100);
  flight_.OnRequest(2, 0, 61);
  flight_.Reset();
  EXPECT_EQ(Taken(), 10u);
}

}  // namespace
}  // namespace strata::multicast
