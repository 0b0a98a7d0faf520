#include "farm/version.h"

#include <gtest/gtest.h>

#include <array>

namespace strata::farm {
namespace {

// A program of the next version, for the tests.
constexpr uint8_t kNext = kFarmVersion + 1;

TEST(VersionGateTest, SpeaksTheLowestOfTheView) {
  VersionGate gate(kNext);
  gate.OnView(std::array<uint8_t, 3>{kNext, kFarmVersion, kNext});
  EXPECT_EQ(gate.spoken(), kFarmVersion);
  EXPECT_TRUE(gate.MaySay(kFarmVersion));
  EXPECT_FALSE(gate.MaySay(kNext));
}

TEST(VersionGateTest, SpeaksTheNextOneWhenAllAreNew) {
  VersionGate gate(kNext);
  gate.OnView(std::array<uint8_t, 3>{kNext, kNext, kNext});
  EXPECT_EQ(gate.spoken(), kNext);
  EXPECT_TRUE(gate.MaySay(kNext));
}

TEST(VersionGateTest, GoesBackWhenAnOldOneJoins) {
  VersionGate gate(kNext);
  gate.OnView(std::array<uint8_t, 1>{kNext});
  ASSERT_EQ(gate.spoken(), kNext);
  gate.OnView(std::array<uint8_t, 2>{kNext, kFarmVersion});
  EXPECT_EQ(gate.spoken(), kFarmVersion);
}

TEST(VersionGateTest, WhoTellsNothingSpeaksTheFirst) {
  VersionGate gate(kNext);
  gate.OnView(std::array<uint8_t, 2>{kNext, 0});
  EXPECT_EQ(gate.spoken(), 1);
}

TEST(VersionGateTest, SpeaksNoMoreThanItsOwn) {
  VersionGate gate;
  gate.OnView(std::array<uint8_t, 2>{255, 7});
  EXPECT_EQ(gate.spoken(), kFarmVersion);
  gate.OnView({});
  EXPECT_EQ(gate.spoken(), kFarmVersion);
}

TEST(VersionGateTest, EveryMessageIsOfAVersionThatThisProgramSpeaks) {
  EXPECT_EQ(VersionOf(Present{}), 1);
  EXPECT_LE(VersionOf(SiteRemoved{"films"}), kFarmVersion);
  SiteApplied applied;
  EXPECT_EQ(VersionOf(applied), 1) << "members of the first version understand it";
  applied.site.choice = Site::Choice::kDelegate;
  EXPECT_EQ(VersionOf(applied), 2);
}

TEST(MessageVersionTest, ALaterVersionIsToldApartFromNonsense) {
  Bytes bytes;
  Encode(Message(Present{}), bytes);
  EXPECT_FALSE(IsOfLaterVersion(bytes));
  bytes[0] = kNext;
  EXPECT_TRUE(IsOfLaterVersion(bytes));
  const Status refused = DecodeMessage(bytes).status();
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(MessageOf(refused).find("version"), std::string::npos) << MessageOf(refused);
  bytes[0] = 0;
  EXPECT_FALSE(IsOfLaterVersion(bytes));
  EXPECT_FALSE(IsOfLaterVersion({}));
}

}  // namespace
}  // namespace strata::farm
