#include "farm/member/group_place.h"

#include <gtest/gtest.h>

#include <chrono>

namespace strata::farm {
namespace {

TEST(GroupPlaceTest, AMemberHasItsGroupFromItsPlaceAndAllElseFromItself) {
  GroupPlace place;
  place.group_id = 7;
  place.address = *IpAddress::Parse("ff15::77:1");
  place.port = 7450;
  place.detection_timeout = std::chrono::milliseconds(400);
  place.seeds = {*Endpoint::Parse("[fd77::1]:7450")};
  place.keys = {{2, Bytes(32, 2)}, {1, Bytes(32, 1)}};
  multicast::GroupOptions options;
  options.member = multicast::MemberId(101);
  options.sockets.interface = "eth0";
  options.sockets.address = *IpAddress::Parse("fd77::2");
  SetPlace(place, options);
  EXPECT_EQ(options.core.group, multicast::GroupId(7));
  EXPECT_EQ(options.core.seeds, place.seeds);
  EXPECT_EQ(options.core.detection_timeout, std::chrono::milliseconds(400));
  EXPECT_LT(options.core.heartbeat_interval, std::chrono::milliseconds(400));
  EXPECT_EQ(options.sockets.group, place.address);
  EXPECT_EQ(options.sockets.port, 7450);
  ASSERT_EQ(options.keys.size(), 2u);
  EXPECT_EQ(options.keys[0].id, 2);
  EXPECT_EQ(options.keys[1].bytes, place.keys[1].bytes);
  EXPECT_EQ(options.member, multicast::MemberId(101));
  EXPECT_EQ(options.sockets.interface, "eth0");
  EXPECT_EQ(options.sockets.address, *IpAddress::Parse("fd77::2"));
}

}  // namespace
}  // namespace strata::farm
