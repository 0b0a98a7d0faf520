#pragma once

#include <string>
#include <vector>

#include "common/bytes.h"

// For tests: the worked examples of docs/protocols/multicast.md, section 15, and captures of them.
namespace strata::multicast {

struct GoldenPacket {
  std::string name;
  Bytes bytes;
};

// In the document's order; empty if it cannot be read.
std::vector<GoldenPacket> GoldenPackets();
GoldenPacket GoldenPacketNamed(const std::string& name);

// The packet as an Ethernet frame from 192.0.2.<sender>, port 4800 + <sender>, to 239.5.0.1.
Bytes EthernetFrame(ByteSpan packet);

// A capture file of these frames, of a kind of link (DLT_...), one each second and microsecond.
Bytes CaptureOf(const std::vector<Bytes>& frames, int link_type);

}  // namespace strata::multicast
