#pragma once

#include <map>
#include <utility>
#include <vector>

#include "multicast/wire/packets.h"
#include "tests/simulation/observer.h"

namespace strata::simulation {

// A member of a hand-made history.
class FakeMember final : public MemberProbe {
 public:
  explicit FakeMember(uint32_t id) : id_(id) {}

  multicast::MemberId id() const override { return id_; }
  bool running() const override { return runs; }
  int life() const override { return 1; }
  const multicast::View& view() const override { return current; }
  multicast::MemberStatus status() const override { return multicast::MemberStatus::kFull; }
  multicast::Incarnation incarnation() const override { return IncarnationOf(id_.value()); }
  multicast::Seq held(multicast::Slot slot, multicast::StreamId stream) const override {
    auto it = holds.find({slot, stream});
    return it == holds.end() ? 0 : it->second;
  }
  uint64_t commit_number() const override { return applied; }
  bool synced() const override { return true; }
  bool frozen() const override { return is_frozen; }
  multicast::Epoch promised() const override { return has_promised; }
  const multicast::View& shown_view() const override { return current; }
  const ReplicatedState& state() const override { return has; }
  bool state_complete() const override { return true; }

  static multicast::Incarnation IncarnationOf(uint32_t id) {
    multicast::Incarnation incarnation;
    incarnation.bytes[0] = static_cast<uint8_t>(id);
    return incarnation;
  }

  bool runs = true;
  bool is_frozen = false;
  uint64_t applied = 0;
  multicast::Epoch has_promised;
  multicast::View current;
  std::map<std::pair<multicast::Slot, multicast::StreamId>, multicast::Seq> holds;
  ReplicatedState has;

 private:
  multicast::MemberId id_;
};

// A view of these full members; the first is its SM.
inline multicast::View MakeView(uint64_t counter, uint64_t log_number,
                                const std::vector<uint32_t>& ids) {
  multicast::View view;
  view.epoch = {counter, multicast::MemberId(ids.front())};
  view.number = static_cast<uint32_t>(counter);
  view.log_number = log_number;
  for (uint32_t id : ids) {
    multicast::MemberInfo info;
    info.id = multicast::MemberId(id);
    info.role = multicast::Role::kManager;
    info.status = multicast::MemberStatus::kFull;
    info.voter = true;
    info.incarnation = FakeMember::IncarnationOf(id);
    info.unicast = {.ip = IpAddress::V4(10, 0, 0, static_cast<uint8_t>(id)), .port = 7};
    view.members.push_back(info);
  }
  return view;
}

// A packet of `from` in the epoch of its view, around an encoded body.
template <class Body>
PacketPtr MakePacket(const FakeMember& from, multicast::PacketType type, const Body& body) {
  multicast::Header header;
  header.type = static_cast<uint8_t>(type);
  header.sender = from.id();
  header.epoch = from.current.epoch;
  header.view_number = from.current.number;
  header.incarnation = from.incarnation();
  Bytes datagram(9000);
  multicast::Encode(header, std::span<uint8_t, multicast::kHeaderBytes>(datagram.data(),
                                                                        multicast::kHeaderBytes));
  ByteWriter out(std::span<uint8_t>(datagram).subspan(multicast::kHeaderBytes));
  body(out);
  datagram.resize(multicast::kHeaderBytes + out.size());
  return Packet::Parse(std::move(datagram));
}

template <class Body>
PacketPtr Encoded(const FakeMember& from, multicast::PacketType type, const Body& body) {
  return MakePacket(from, type, [&](ByteWriter& out) { multicast::Encode(body, out); });
}

// DATA of one record, a whole message unless told otherwise, on stream 0 of `from`.
inline PacketPtr MakeData(const FakeMember& from, multicast::Seq seq, uint8_t data_flags = 0,
                          size_t bytes = 20,
                          uint8_t record_flags = multicast::kInit | multicast::kNoMore) {
  return MakePacket(from, multicast::PacketType::kData, [&](ByteWriter& out) {
    Bytes payload(bytes);
    multicast::DataWriter data(out);
    data.Add({.stream = 0,
              .flags = record_flags,
              .seq = seq,
              .message_bytes = (record_flags & multicast::kNoMore) != 0 ? 0u : 5000u,
              .payload = payload});
    data.Finish(data_flags, from.current.SlotOf(from.id()));
  });
}

}  // namespace strata::simulation
