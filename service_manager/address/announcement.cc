#include "service_manager/address/announcement.h"

#include "common/check.h"

namespace strata::manager::address {
namespace {

constexpr MacAddress kBroadcast = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr MacAddress kAllNodesMac = {0x33, 0x33, 0x00, 0x00, 0x00, 0x01};  // RFC 2464, section 7.
constexpr IpAddress kAllNodes = IpAddress::V6({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
constexpr uint16_t kEtherArp = 0x0806;
constexpr uint16_t kEtherIpv6 = 0x86dd;
constexpr size_t kArpFrameBytes = 42;

constexpr uint8_t kIcmpv6 = 58;
constexpr uint8_t kHopLimit = 255;  // What came through a router is not believed.
constexpr uint8_t kNeighborAdvertisement = 136;
constexpr uint32_t kOverride = 0x20000000;
constexpr uint8_t kTargetLinkLayer = 2;
constexpr size_t kAdvertisementBytes = 32;
constexpr size_t kAdvertisementFrameBytes = 14 + 40 + kAdvertisementBytes;
constexpr size_t kChecksumAt = 2;

void PutEthernet(const MacAddress& to, const MacAddress& from, uint16_t type, ByteWriter& out) {
  out.Put(ByteSpan(to));
  out.Put(ByteSpan(from));
  out.U16(type);
}

uint32_t SumOf(ByteSpan bytes) {  // Of an even number of bytes.
  uint32_t sum = 0;
  ByteReader in(bytes);
  while (in.remaining() >= 2) sum += in.U16();
  return sum;
}

// RFC 8200, section 8.1: over a pseudo header and the message.
uint16_t Icmpv6Checksum(const IpAddress& from, const IpAddress& to, ByteSpan message) {
  uint32_t sum = SumOf(from.bytes()) + SumOf(to.bytes()) + SumOf(message) +
                 static_cast<uint32_t>(message.size()) + kIcmpv6;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

Bytes AdvertisementBody(const MacAddress& self, const IpAddress& address) {
  Bytes body(kAdvertisementBytes);
  ByteWriter out(body);
  out.U8(kNeighborAdvertisement);
  out.U8(0);
  out.U16(0);  // Checksum, below.
  out.U32(kOverride);
  out.Put(address.bytes());
  out.U8(kTargetLinkLayer);
  out.U8(1);  // In units of 8 bytes.
  out.Put(ByteSpan(self));
  out.PatchU16(kChecksumAt, Icmpv6Checksum(address, kAllNodes, body));
  STRATA_CHECK(out.ok());
  return body;
}

}  // namespace

Bytes ArpAnnouncement(const MacAddress& self, const IpAddress& address, ArpForm form) {
  STRATA_CHECK(address.IsV4());
  Bytes frame(kArpFrameBytes);
  ByteWriter out(frame);
  PutEthernet(kBroadcast, self, kEtherArp, out);
  out.U16(1);  // Ethernet
  out.U16(0x0800);
  out.U8(6);
  out.U8(4);
  out.U16(static_cast<uint16_t>(form));
  out.Put(ByteSpan(self));
  out.Put(address.bytes());
  out.Put(ByteSpan(form == ArpForm::kRequest ? MacAddress{} : self));
  out.Put(address.bytes());
  STRATA_CHECK(out.ok());
  return frame;
}

Bytes NeighborAdvertisement(const MacAddress& self, const IpAddress& address) {
  STRATA_CHECK(address.IsV6());
  Bytes frame(kAdvertisementFrameBytes);
  ByteWriter out(frame);
  PutEthernet(kAllNodesMac, self, kEtherIpv6, out);
  out.U32(0x60000000);  // Version 6.
  out.U16(kAdvertisementBytes);
  out.U8(kIcmpv6);
  out.U8(kHopLimit);
  out.Put(address.bytes());
  out.Put(kAllNodes.bytes());
  out.Put(AdvertisementBody(self, address));
  STRATA_CHECK(out.ok());
  return frame;
}

std::vector<Bytes> AnnouncementsOf(const MacAddress& self, const IpAddress& address) {
  if (address.IsV6()) return {NeighborAdvertisement(self, address)};
  return {ArpAnnouncement(self, address, ArpForm::kRequest),
          ArpAnnouncement(self, address, ArpForm::kReply)};
}

}  // namespace strata::manager::address
