#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/bytes.h"
#include "multicast/wire/packets.h"

namespace strata::simulation {

// What the simulator wants to know of a record without its payload.
struct RecordNote {
  multicast::StreamId stream = 0;
  uint8_t flags = 0;
  multicast::Seq seq = 0;
  size_t bytes = 0;
};

struct DataNote {
  uint8_t flags = 0;
  multicast::Slot origin = 0;
  std::vector<RecordNote> records;
};

struct FragmentNote {
  uint8_t inner_type = 0;
  uint16_t index = 0;
  uint16_t count = 0;
  uint32_t body_id = 0;
};

// A datagram on its way: its bytes, and what they say, decoded once. Never changes.
class Packet {
 public:
  // `datagram` must have a header that decodes; the body may be garbage (then nothing is decoded).
  static std::shared_ptr<const Packet> Parse(Bytes datagram);

  const multicast::Header& header() const { return header_; }
  multicast::PacketType type() const { return static_cast<multicast::PacketType>(header_.type); }
  ByteSpan body() const { return ByteSpan(datagram_).subspan(multicast::kHeaderBytes); }
  const Bytes& datagram() const { return datagram_; }

  // Null unless this packet is one of those.
  template <class Body>
  const Body* As() const {
    return std::get_if<Body>(&body_);
  }

  // One line for people.
  std::string Text() const;

 private:
  using Body =
      std::variant<std::monostate, DataNote, FragmentNote, multicast::Ack, multicast::Commit,
                   multicast::Resend, multicast::Heartbeat, multicast::Ranges, multicast::Propose,
                   multicast::Report, multicast::ViewProposal, multicast::Ballot, multicast::Join>;

  static Body Decode(multicast::PacketType type, ByteSpan body);

  multicast::Header header_;
  Bytes datagram_;
  Body body_;
};

using PacketPtr = std::shared_ptr<const Packet>;

}  // namespace strata::simulation
