#include "service_manager/control/place_desk.h"

#include <gtest/gtest.h>

#include <memory>

#include "service_manager/control/test_farm.h"

namespace strata::manager::control {
namespace {

using testing::Eventually;

// A manager of two, alone after a power cut: nobody leads. It knows an engine and a witness.
class PlaceDeskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::TestFarm::EnterNetwork()) GTEST_SKIP() << "no network of its own";
    farm_.Start();
    engine_.name = "north-1";
    engine_.clients = engine_.peers = {Endpoint::Parse("192.0.2.7:80").value()};
    const auto registered = farm_.control().Register(engine_, Bytes(kInstanceBytes, 1));
    ASSERT_TRUE(registered.ok());
    id_ = registered->info.id.value();
    group_ = farm_.control().registrar().group_id();
    ASSERT_TRUE(WitnessBook(farm_.control().store())
                    .Attend("w-1", Bytes(kInstanceBytes, 1), Timestamp())
                    .ok());
  }

  void LosePower() {
    ASSERT_TRUE(farm_.control().managers().Enroll("sm-2", "192.0.2.2:7400").ok());
    farm_.Stop();
    farm_.StartAsOneOfSeveral();
    Open();
  }
  void Open() {
    witnesses_ = std::make_unique<WitnessBook>(farm_.control().store());
    desk_ = std::make_unique<PlaceDesk>(farm_.control(), *witnesses_, farm_.metrics());
  }
  PlaceDesk::Claim Claim() const {
    return {.name = "north-1", .member_id = id_, .group_id = group_};
  }
  StatusCode Ask(const PlaceDesk::Claim& claim) { return desk_->Check(claim).status().code(); }

  testing::TestFarm farm_;
  farm::EngineInfo engine_;
  uint32_t id_ = 0;
  uint64_t group_ = 0;
  std::unique_ptr<WitnessBook> witnesses_;
  std::unique_ptr<PlaceDesk> desk_;
};

TEST_F(PlaceDeskTest, AnEngineIsToRegisterWhereSomebodyLeads) {
  Open();
  EXPECT_EQ(Ask(Claim()), StatusCode::kUnavailable);
}

TEST_F(PlaceDeskTest, AMemberOfTheFarmHasItsPlaceWhileNobodyLeads) {
  LosePower();
  EXPECT_FALSE(farm_.control().CheckLeads().ok());
  const auto place = desk_->Check(Claim());
  ASSERT_TRUE(place.ok()) << place.status();
  EXPECT_EQ(*place, farm_.control().store().position());
  EXPECT_EQ(Ask({.name = "w-1", .witness = true, .member_id = kWitnessIdFirst, .group_id = group_}),
            StatusCode::kOk);
}

TEST_F(PlaceDeskTest, WhoIsNotKnownSoIsRefused) {
  LosePower();
  PlaceDesk::Claim claim = Claim();
  claim.name = "north-2";
  EXPECT_EQ(Ask(claim), StatusCode::kNotFound);
  claim = Claim();
  claim.witness = true;
  EXPECT_EQ(Ask(claim), StatusCode::kNotFound);
  claim = Claim();
  ++claim.member_id;
  EXPECT_EQ(Ask(claim), StatusCode::kFailedPrecondition);
  claim = Claim();
  ++claim.group_id;
  EXPECT_EQ(Ask(claim), StatusCode::kFailedPrecondition);
  const std::string metrics = farm_.metrics().Text();
  EXPECT_NE(metrics.find("strata_farm_places_refused_total 4"), std::string::npos);
  EXPECT_NE(metrics.find("strata_farm_places_told_total 0"), std::string::npos);
}

TEST_F(PlaceDeskTest, NothingIsWrittenAndNobodyIsRegistered) {
  LosePower();
  const auto before = farm_.control().store().position();
  ASSERT_TRUE(desk_->Check(Claim()).ok());
  EXPECT_EQ(farm_.control().store().position(), before);
  EXPECT_EQ(farm_.control().registrar().Find("north-1")->registration, 1u);
  EXPECT_FALSE(farm_.control().CheckRegisters().ok());
}

TEST_F(PlaceDeskTest, AnEngineThatWasRemovedHasNoPlace) {
  ASSERT_TRUE(farm_.control().registrar().Remove("north-1").ok());
  LosePower();
  EXPECT_EQ(Ask(Claim()), StatusCode::kNotFound);
}

}  // namespace
}  // namespace strata::manager::control
