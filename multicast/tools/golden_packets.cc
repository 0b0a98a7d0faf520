#include "multicast/tools/golden_packets.h"

#include <fstream>

#include "common/hex.h"

namespace strata::multicast {
namespace {

constexpr char kDocument[] = "docs/protocols/multicast.md";
constexpr char kFence[] = "```packet ";

void Append(Bytes& to, ByteSpan bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

// Little-endian, as most machines write captures.
void Append32(Bytes& to, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) to.push_back(static_cast<uint8_t>(value >> shift));
}

void AppendLine(Bytes& to, const std::string& line) {
  std::string digits;
  for (const char c : line.substr(0, line.find('#'))) {
    if (c != ' ') digits += c;
  }
  Append(to, FromHex(digits).value_or(Bytes()));
}

}  // namespace

std::vector<GoldenPacket> GoldenPackets() {
  std::vector<GoldenPacket> packets;
  bool inside = false;
  std::ifstream document(kDocument);
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with(kFence)) {
      packets.push_back({line.substr(sizeof(kFence) - 1), {}});
      inside = true;
    } else if (line.starts_with("```")) {
      inside = false;
    } else if (inside) {
      AppendLine(packets.back().bytes, line);
    }
  }
  return packets;
}

GoldenPacket GoldenPacketNamed(const std::string& name) {
  for (GoldenPacket& packet : GoldenPackets()) {
    if (packet.name == name) return packet;
  }
  return {};
}

Bytes EthernetFrame(ByteSpan packet) {
  constexpr size_t kAround = 14 + 20 + 8;
  const uint8_t sender = packet.size() > 7 ? packet[7] : 0;
  Bytes frame(kAround + packet.size());
  ByteWriter out(frame);
  for (const uint8_t byte : {0x01, 0x00, 0x5e, 0x05, 0x00, 0x01}) out.U8(byte);
  for (const uint8_t byte : {0x02, 0x00, 0x00, 0x00, 0x00, 0x02}) out.U8(byte);
  out.U16(0x0800);
  out.U16(0x4500);
  out.U16(static_cast<uint16_t>(28 + packet.size()));
  out.U32(0x4000);  // No identification; don't fragment.
  out.U32(0x01110000);
  out.U32(0xc0000200 + sender);
  out.U32(0xef050001);
  out.U16(static_cast<uint16_t>(4800 + sender));
  out.U16(7450);
  out.U16(static_cast<uint16_t>(8 + packet.size()));
  out.U16(0);
  out.Put(packet);
  return frame;
}

Bytes CaptureOf(const std::vector<Bytes>& frames, int link_type) {
  Bytes file;
  Append32(file, 0xa1b2c3d4);
  Append32(file, 0x00040002);
  Append32(file, 0);
  Append32(file, 0);
  Append32(file, 65535);
  Append32(file, static_cast<uint32_t>(link_type));
  uint32_t number = 0;
  for (const Bytes& frame : frames) {
    Append32(file, 1);
    Append32(file, ++number);
    Append32(file, static_cast<uint32_t>(frame.size()));
    Append32(file, static_cast<uint32_t>(frame.size()));
    Append(file, frame);
  }
  return file;
}

}  // namespace strata::multicast
