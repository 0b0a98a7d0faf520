#include "service_engine/app/farm_entry.h"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

namespace strata::engine::app {
namespace {

// A farm that answers as it is told, and whose time passes while somebody sleeps.
class FarmEntryTest : public testing::Test {
 protected:
  static rpc::Registration Registration(uint64_t number) {
    rpc::Registration registration;
    registration.id = farm::EngineId(101);
    registration.number = number;
    return registration;
  }
  StatusOr<rpc::Registration> Enter() {
    FarmEntry::Farm farm;
    farm.register_there = [this]() -> StatusOr<rpc::Registration> {
      tried_.push_back(now_);
      if (now_ < leads_from_) return Unavailable("nobody leads");
      if (!refusal_.ok()) return refusal_;
      return Registration(1);
    };
    farm.find_place = [this]() -> StatusOr<rpc::Registration> {
      ++asked_;
      if (!place_.ok()) return place_;
      return Registration(0);
    };
    farm.take_place = [this](const rpc::Registration& place) {
      EXPECT_EQ(place.number, 0u);
      ++taken_;
      return taken_status_;
    };
    farm.view = [this] { return now_ < view_from_ ? 0u : 7u; };
    farm.sleep = [this](Duration time) {
      now_ += time;
      return now_ < ends_;
    };
    return FarmEntry(std::move(farm)).Enter();
  }

  Duration now_{};
  Duration leads_from_{};
  Duration view_from_ = std::chrono::hours(1);
  Duration ends_ = std::chrono::minutes(1);
  Status refusal_;
  Status place_;
  Status taken_status_;
  std::vector<Duration> tried_;
  int asked_ = 0;
  int taken_ = 0;
};

TEST_F(FarmEntryTest, RegistersAtOnceWhereSomebodyLeads) {
  ASSERT_TRUE(Enter().ok());
  EXPECT_EQ(tried_.size(), 1u);
  EXPECT_EQ(asked_, 0);
}

TEST_F(FarmEntryTest, TakesItsPlaceInTheGroupWhileNobodyLeads) {
  leads_from_ = std::chrono::milliseconds(2500);
  ASSERT_TRUE(Enter().ok());
  EXPECT_EQ(tried_.size(), 4u);
  EXPECT_EQ(taken_, 3) << "the keys may be others each time";
}

TEST_F(FarmEntryTest, RegistersAsSoonAsTheGroupHasAView) {
  leads_from_ = std::chrono::milliseconds(3100);
  view_from_ = std::chrono::milliseconds(3050);
  ASSERT_TRUE(Enter().ok());
  // At 3.05 s the manager only begins to lead.
  EXPECT_LE(now_, std::chrono::milliseconds(3400));
}

TEST_F(FarmEntryTest, DoesNotTroubleAManagerThatBeginsToLeadForLong) {
  leads_from_ = std::chrono::seconds(10);
  view_from_ = Duration();
  ASSERT_TRUE(Enter().ok());
  EXPECT_LE(tried_.size(), 41u);
}

TEST_F(FarmEntryTest, WithoutAPlaceItWaitsForWhoIsToLead) {
  leads_from_ = std::chrono::seconds(2);
  place_ = NotFound("its disk is new");
  ASSERT_TRUE(Enter().ok());
  EXPECT_EQ(asked_, 2);
  EXPECT_EQ(taken_, 0);
}

TEST_F(FarmEntryTest, AManagersRefusalIsFinalAndThatOfAPlaceIsNot) {
  leads_from_ = std::chrono::seconds(2);
  place_ = PermissionDenied("revoked, says one that does not lead");
  refusal_ = PermissionDenied("revoked");
  const Status refused = Enter().status();
  EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(tried_.size(), 3u);
}

TEST_F(FarmEntryTest, AGroupThatCannotBeJoinedIsFinal) {
  leads_from_ = std::chrono::seconds(2);
  taken_status_ = DataLoss("the state file is damaged");
  EXPECT_EQ(Enter().status().code(), StatusCode::kDataLoss);
}

TEST_F(FarmEntryTest, ATwinThatLivesIsAskedForSomeTimeAndAtNoHigherPace) {
  view_from_ = Duration();
  refusal_ = AlreadyExists("another process");
  EXPECT_EQ(Enter().status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(now_, kTwinTries * kTryAgain);
  EXPECT_EQ(asked_, 0);
}

TEST_F(FarmEntryTest, EndsWhenTheEngineEnds) {
  leads_from_ = std::chrono::hours(1);
  ends_ = std::chrono::milliseconds(120);
  EXPECT_EQ(Enter().status().code(), StatusCode::kUnavailable);
  EXPECT_LT(now_, kTryAgain);
}

}  // namespace
}  // namespace strata::engine::app
