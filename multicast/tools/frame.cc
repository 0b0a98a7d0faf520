#include "multicast/tools/frame.h"

#include <pcap/dlt.h>

#include <algorithm>
#include <optional>

#ifndef DLT_LINUX_SLL2
#define DLT_LINUX_SLL2 276
#endif

namespace strata::multicast {
namespace {

constexpr uint16_t kIpv4 = 0x0800;
constexpr uint16_t kIpv6 = 0x86dd;
constexpr uint8_t kUdp = 17;
constexpr size_t kUdpHeader = 8;
constexpr int kMaxExtensions = 8;  // IPv6 extension headers that are skipped.

using Found = std::variant<UdpDatagram, FrameError>;

IpAddress ReadAddress(ByteReader& in, IpFamily family) {
  std::array<uint8_t, 16> bytes{};
  if (family == IpFamily::kV6) {
    in.Read(bytes);
    return IpAddress::V6(bytes);
  }
  in.Read(std::span(bytes).first(4));
  return IpAddress::V4(bytes[0], bytes[1], bytes[2], bytes[3]);
}

Found FindInUdp(ByteReader in, const IpAddress& from, const IpAddress& to) {
  UdpDatagram datagram;
  datagram.from = {.ip = from, .port = in.U16()};
  datagram.to = {.ip = to, .port = in.U16()};
  size_t length = in.U16();
  in.U16();  // Checksum: mostly left to the network card, so not there.
  if (!in.ok()) return FrameError::kCut;
  // 0: a train longer than the field can say.
  if (length == 0) length = kUdpHeader + in.remaining();
  if (length < kUdpHeader || length - kUdpHeader > in.remaining()) return FrameError::kCut;
  datagram.payload = in.Take(length - kUdpHeader);
  return datagram;
}

Found FindInIpv4(ByteSpan packet) {
  ByteReader in(packet);
  const uint8_t version_and_length = in.U8();
  in.Skip(1);
  const uint16_t total = in.U16();
  in.Skip(2);
  const uint16_t fragment = in.U16();
  in.Skip(1);
  const uint8_t protocol = in.U8();
  in.Skip(2);
  const IpAddress from = ReadAddress(in, IpFamily::kV4);
  const IpAddress to = ReadAddress(in, IpFamily::kV4);
  const size_t header = size_t{4} * (version_and_length & 0x0f);
  if (!in.ok() || header < 20) return FrameError::kCut;
  if (version_and_length >> 4 != 4 || protocol != kUdp) return FrameError::kNotUdp;
  if ((fragment & 0x3fff) != 0) return FrameError::kFragment;
  in.Skip(header - 20);
  if (!in.ok()) return FrameError::kCut;
  // Ethernet pads short packets; a total of 0 is a train.
  if (total >= header && total - header < in.remaining()) {
    in = ByteReader(in.Take(total - header));
  }
  return FindInUdp(in, from, to);
}

// Skips what may stand between the IPv6 header and the UDP header.
std::optional<FrameError> SkipExtensions(uint8_t next, ByteReader& in) {
  constexpr uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kDestination = 60;
  for (int i = 0; i < kMaxExtensions && next != kUdp; ++i) {
    if (next == kFragment) return FrameError::kFragment;
    if (next != kHopByHop && next != kRouting && next != kDestination) return FrameError::kNotUdp;
    next = in.U8();
    const size_t more = in.U8();
    in.Skip(6 + 8 * more);
    if (!in.ok()) return FrameError::kCut;
  }
  if (next != kUdp) return FrameError::kNotUdp;
  return std::nullopt;
}

Found FindInIpv6(ByteSpan packet) {
  ByteReader in(packet);
  const uint8_t version = in.U8() >> 4;
  in.Skip(3);
  const uint16_t length = in.U16();
  const uint8_t next = in.U8();
  in.Skip(1);
  const IpAddress from = ReadAddress(in, IpFamily::kV6);
  const IpAddress to = ReadAddress(in, IpFamily::kV6);
  if (!in.ok()) return FrameError::kCut;
  if (version != 6) return FrameError::kNotUdp;
  if (length > 0 && length < in.remaining()) in = ByteReader(in.Take(length));
  if (const std::optional<FrameError> error = SkipExtensions(next, in)) return *error;
  return FindInUdp(in, from, to);
}

Found FindInIp(uint16_t protocol, ByteSpan packet) {
  if (protocol == kIpv4) return FindInIpv4(packet);
  if (protocol == kIpv6) return FindInIpv6(packet);
  return FrameError::kNotUdp;
}

Found FindInIp(ByteSpan packet) {
  if (packet.empty()) return FrameError::kCut;
  return packet[0] >> 4 == 6 ? FindInIpv6(packet) : FindInIpv4(packet);
}

// From the two bytes that say what follows; skips VLAN tags.
Found FindBehindType(ByteReader in) {
  constexpr uint16_t kVlan = 0x8100, kServiceVlan = 0x88a8;
  uint16_t type = in.U16();
  for (int i = 0; i < 2 && (type == kVlan || type == kServiceVlan); ++i) {
    in.Skip(2);
    type = in.U16();
  }
  if (!in.ok()) return FrameError::kCut;
  return FindInIp(type, in.Rest());
}

Found FindAfter(size_t skipped, ByteSpan frame) {
  ByteReader in(frame);
  in.Skip(skipped);
  return FindBehindType(in);
}

}  // namespace

bool KnowsLinkType(int link_type) {
  constexpr std::array kKnown = {DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL,
                                 DLT_LOOP,   DLT_RAW,       DLT_IPV4,       DLT_IPV6};
  return std::find(kKnown.begin(), kKnown.end(), link_type) != kKnown.end();
}

Found FindUdp(int link_type, ByteSpan frame) {
  switch (link_type) {
    case DLT_EN10MB:
      return FindAfter(12, frame);
    case DLT_LINUX_SLL:
      return FindAfter(14, frame);
    case DLT_LINUX_SLL2: {
      ByteReader in(frame);
      const uint16_t protocol = in.U16();
      in.Skip(18);
      if (!in.ok()) return FrameError::kCut;
      return FindInIp(protocol, in.Rest());
    }
    case DLT_NULL:
    case DLT_LOOP:
      return frame.size() < 4 ? Found(FrameError::kCut) : FindInIp(frame.subspan(4));
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
      return FindInIp(frame);
    default:
      return FrameError::kNotUdp;
  }
}

}  // namespace strata::multicast
