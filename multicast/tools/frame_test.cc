#include "multicast/tools/frame.h"

#include <gtest/gtest.h>
#include <pcap/dlt.h>

#include "common/hex.h"
#include "multicast/tools/golden_packets.h"

namespace strata::multicast {
namespace {

constexpr size_t kEthernet = 14;
constexpr char kText[] =
    "0123456\x07"
    "890";  // The sender is taken from the eighth byte.

Bytes Frame() { return EthernetFrame(AsBytes(kText)); }

Bytes operator+(Bytes a, ByteSpan b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// From ::7, port 4807, with these headers between.
Bytes Ipv6Packet(uint8_t next, const Bytes& extensions) {
  const Bytes udp = *FromHex("12c71d1a00130000") + AsBytes(kText);
  Bytes packet = *FromHex("600000000000");
  packet[5] = static_cast<uint8_t>(extensions.size() + udp.size());
  packet.push_back(next);
  packet.push_back(1);
  return packet + *FromHex("00000000000000000000000000000007") +
         *FromHex("ff150000000000000000000000000001") + extensions + udp;
}

void ExpectText(int link_type, const Bytes& frame) {
  const auto found = FindUdp(link_type, frame);
  ASSERT_TRUE(std::holds_alternative<UdpDatagram>(found));
  EXPECT_EQ(AsText(std::get<UdpDatagram>(found).payload), kText);
}

void ExpectError(int link_type, const Bytes& frame, FrameError expected) {
  const auto found = FindUdp(link_type, frame);
  ASSERT_TRUE(std::holds_alternative<FrameError>(found));
  EXPECT_EQ(std::get<FrameError>(found), expected);
}

TEST(FrameTest, FindsADatagramInEthernet) {
  const Bytes frame = Frame();
  const auto found = FindUdp(DLT_EN10MB, frame);
  ASSERT_TRUE(std::holds_alternative<UdpDatagram>(found));
  const auto& datagram = std::get<UdpDatagram>(found);
  EXPECT_EQ(ToString(datagram.from), "192.0.2.7:4807");
  EXPECT_EQ(ToString(datagram.to), "239.5.0.1:7450");
  EXPECT_EQ(AsText(datagram.payload), kText);
}

TEST(FrameTest, SkipsTheTagOfAVlan) {
  const Bytes frame = Frame();
  const Bytes tagged =
      Bytes(frame.begin(), frame.begin() + 12) + *FromHex("81000005") + ByteSpan(frame).subspan(12);
  ExpectText(DLT_EN10MB, tagged);
}

TEST(FrameTest, LeavesThePaddingOfShortFramesOut) { ExpectText(DLT_EN10MB, Frame() + Bytes(7)); }

TEST(FrameTest, KnowsTheLinksOfLinuxCaptures) {
  const Bytes frame = Frame();
  const ByteSpan packet = ByteSpan(frame).subspan(kEthernet);
  ExpectText(DLT_RAW, Bytes() + packet);
  ExpectText(DLT_IPV4, Bytes() + packet);
  ExpectText(DLT_NULL, Bytes(4) + packet);
  ExpectText(DLT_LINUX_SLL, Bytes(14) + *FromHex("0800") + packet);
  ExpectText(276, *FromHex("0800") + Bytes(18) + packet);
  for (const int link : {DLT_EN10MB, DLT_RAW, DLT_IPV6, DLT_LINUX_SLL, 276}) {
    EXPECT_TRUE(KnowsLinkType(link));
  }
  EXPECT_FALSE(KnowsLinkType(DLT_IEEE802_11));
}

TEST(FrameTest, FindsADatagramInIpv6) {
  const Bytes packet = Ipv6Packet(17, {});
  const auto found = FindUdp(DLT_IPV6, packet);
  ASSERT_TRUE(std::holds_alternative<UdpDatagram>(found));
  EXPECT_EQ(ToString(std::get<UdpDatagram>(found).from), "[::7]:4807");
  ExpectText(DLT_IPV6, packet);
}

TEST(FrameTest, SkipsTheExtensionsOfIpv6) {
  ExpectText(DLT_IPV6, Ipv6Packet(0, *FromHex("1100050200000100")));
  ExpectText(DLT_IPV6, Ipv6Packet(0, *FromHex("3c000502000001001100010400000000")));
}

TEST(FrameTest, KnowsFragments) {
  Bytes frame = Frame();
  frame[kEthernet + 6] = 0x20;  // More of them follow.
  ExpectError(DLT_EN10MB, frame, FrameError::kFragment);
  ExpectError(DLT_IPV6, Ipv6Packet(44, *FromHex("1100000100000000")), FrameError::kFragment);
}

TEST(FrameTest, LeavesOtherTrafficAlone) {
  Bytes tcp = Frame();
  tcp[kEthernet + 9] = 6;
  ExpectError(DLT_EN10MB, tcp, FrameError::kNotUdp);
  ExpectError(DLT_EN10MB, Bytes(12) + *FromHex("0806") + Bytes(28), FrameError::kNotUdp);
  ExpectError(DLT_IPV6, Ipv6Packet(6, {}), FrameError::kNotUdp);
  ExpectError(DLT_IEEE802_11, Frame(), FrameError::kNotUdp);
}

TEST(FrameTest, TellsOfFramesThatAreCutAnywhere) {
  const Bytes frame = Frame();
  for (size_t bytes = kEthernet; bytes < frame.size(); ++bytes) {
    ExpectError(DLT_EN10MB, Bytes(frame.begin(), frame.begin() + static_cast<ptrdiff_t>(bytes)),
                FrameError::kCut);
  }
}

TEST(FrameTest, TakesATrainThatIsLongerThanItsLengthFieldsCanSay) {
  Bytes frame = Frame();
  for (const size_t offset : {2, 3, 24, 25}) frame[kEthernet + offset] = 0;
  ExpectText(DLT_EN10MB, frame);
}

}  // namespace
}  // namespace strata::multicast
