#pragma once

#include <cstdint>
#include <span>

#include "multicast/core/actions.h"
#include "multicast/core/counters.h"
#include "multicast/wire/packets.h"

namespace strata::multicast {

// Where a packet goes: the group, its ack port, or one address.
struct To {
  Destination destination = Destination::kGroup;
  Endpoint unicast{};
  static To Group() { return {Destination::kGroup, {}}; }
  static To Acks() { return {Destination::kAcks, {}}; }
  static To MulticastOnly() { return {Destination::kMulticastOnly, {}}; }
  static To Unicast(const Endpoint& endpoint) { return {Destination::kUnicast, endpoint}; }
};

// Writes packets of this member into the action batch, with the header of its current state; cuts
// control bodies that exceed a datagram into fragments (spec, section 4.12).
class Outbox {
 public:
  Outbox(ActionBatch& batch, GroupId group) : batch_(batch) { header_.group = group; }

  void SetSelf(const MemberInfo& self);
  void SetView(const View& view);

  // What fits behind the header of a datagram, tag not counted.
  size_t max_body() const { return max_body_; }

  // A body of at most max_body(), written by `write(ByteWriter&)`.
  template <class Write>
  void SendBody(PacketType type, const To& to, Write&& write) {
    std::span<uint8_t> datagram = Begin(type);
    ByteWriter out(datagram.subspan(kHeaderBytes));
    write(out);
    Finish(datagram, kHeaderBytes + out.size(), to, out.ok());
  }
  template <class Body>
  void Send(PacketType type, const Body& body, const To& to) {
    SendBody(type, to, [&](ByteWriter& out) { Encode(body, out); });
  }
  // A body that may be larger; `size_max` bounds its encoding.
  template <class Body>
  void SendLarge(PacketType type, const Body& body, size_t size_max, const To& to) {
    Bytes bytes(size_max);
    ByteWriter out(bytes);
    Encode(body, out);
    if (out.ok()) SendCut(type, out.written(), to);
  }

 private:
  std::span<uint8_t> Begin(PacketType type);
  void Finish(std::span<uint8_t> datagram, size_t used, const To& to, bool ok);
  void SendCut(PacketType type, ByteSpan body, const To& to);

  ActionBatch& batch_;
  Header header_;
  size_t max_body_ = kMinMtu - kIpv6UdpHeaderBytes - kHeaderBytes - kTagBytes;
  // The last body that was cut. Repeated it has the same id: a fragment lost the first time, and
  // another one lost the second time, are no loss then.
  uint32_t body_id_ = 0;
  PacketType cut_type_{};
  Bytes cut_body_;
};

}  // namespace strata::multicast
