#pragma once

#include <cstdint>
#include <variant>

#include "common/address.h"
#include "common/bytes.h"

// Captured frames: finding the UDP datagram inside Ethernet, IPv4 or IPv6.
namespace strata::multicast {

struct UdpDatagram {
  Endpoint from;
  Endpoint to;
  ByteSpan payload;  // Inside the frame.
};

enum class FrameError : uint8_t {
  kNotUdp,    // Other traffic.
  kFragment,  // A part of an IP datagram; this protocol never sends such.
  kCut,       // The capture kept less than the whole datagram.
};

// Whether FindUdp knows this kind of link layer, numbered as by libpcap (DLT_...).
bool KnowsLinkType(int link_type);

// The datagram in a frame. kNotUdp for a link type that it does not know.
std::variant<UdpDatagram, FrameError> FindUdp(int link_type, ByteSpan frame);

}  // namespace strata::multicast
