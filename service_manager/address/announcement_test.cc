#include "service_manager/address/announcement.h"

#include <gtest/gtest.h>

#include "common/hex.h"

namespace strata::manager::address {
namespace {

constexpr MacAddress kSelf = {0x02, 0x00, 0x5e, 0x10, 0x00, 0x01};

TEST(AnnouncementTest, AsksByArpForItsOwnAddress) {
  const Bytes frame = ArpAnnouncement(kSelf, IpAddress::V4(192, 0, 2, 10), ArpForm::kRequest);
  EXPECT_EQ(ToHex(frame),
            "ffffffffffff02005e100001"
            "0806"
            "0001080006040001"
            "02005e100001c000020a"
            "000000000000c000020a");
}

TEST(AnnouncementTest, AnswersByArpWhatNobodyAsked) {
  const Bytes frame = ArpAnnouncement(kSelf, IpAddress::V4(192, 0, 2, 10), ArpForm::kReply);
  EXPECT_EQ(ToHex(frame),
            "ffffffffffff02005e100001"
            "0806"
            "0001080006040002"
            "02005e100001c000020a"
            "02005e100001c000020a");
}

TEST(AnnouncementTest, AdvertisesAnIpv6Address) {
  const Bytes frame = NeighborAdvertisement(kSelf, *IpAddress::Parse("2001:db8::10"));
  EXPECT_EQ(ToHex(frame),
            "333300000001"
            "02005e100001"
            "86dd"
            "60000000"
            "00203aff"
            "20010db8000000000000000000000010"
            "ff020000000000000000000000000001"
            // 88 00, checksum, override, target; option 2 of 8 bytes.
            "88009afc20000000"
            "20010db8000000000000000000000010"
            "020102005e100001");
}

TEST(AnnouncementTest, SaysAnIpv4AddressInBothForms) {
  EXPECT_EQ(AnnouncementsOf(kSelf, IpAddress::V4(192, 0, 2, 10)).size(), 2u);
  EXPECT_EQ(AnnouncementsOf(kSelf, *IpAddress::Parse("2001:db8::10")).size(), 1u);
}

}  // namespace
}  // namespace strata::manager::address
