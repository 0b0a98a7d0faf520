#include "tests/simulation/hostile.h"

#include <utility>

namespace strata::simulation {

using multicast::PacketType;

Hostile::Hostile(std::vector<std::unique_ptr<Member>>& members, uint64_t seed)
    : members_(members), random_(seed) {}

void Hostile::OnTransmit(const MemberProbe&, const Packet& packet, Sent) {
  ++heard_;
  if (kept_.size() < kKept) {
    kept_.push_back(packet.datagram());
  } else if (uint64_t at = random_.Below(heard_); at < kKept) {
    kept_[at] = packet.datagram();
  }
}

void Hostile::Attack() {
  uint64_t count = 1 + random_.Below(20);
  for (uint64_t i = 0; i < count; ++i) {
    size_t victim = random_.Below(members_.size());
    if (!members_[victim]->running()) continue;
    uint64_t kind = random_.Below(4);
    if (kind == 0) Garbage(victim);
    if (kind == 1) Truncated(victim);
    if (kind >= 2) Replayed(victim);
  }
}

void Hostile::Hand(size_t victim, const PacketPtr& packet) {
  Port port = packet->type() == PacketType::kAck ? Port::kAcks : Port::kData;
  size_t from = (packet->header().sender.value() + members_.size() - 1) % members_.size();
  if (packet->header().sender == members_[victim]->id()) return;  // The Opener drops own packets.
  members_[victim]->Arrive(port, packet, from);
}

// Of an incarnation that never was. The bodies of joins and view changes, which anybody may send,
// are too short to mean anything.
void Hostile::Garbage(size_t victim) {
  const multicast::View& view = members_[victim]->view();
  multicast::Header header;
  header.type = static_cast<uint8_t>(1 + random_.Below(24));
  header.sender = multicast::MemberId(static_cast<uint32_t>(1 + random_.Below(40)));
  header.group = members_[victim]->group();
  header.epoch = random_.Chance(0.5) ? view.epoch : multicast::Epoch{random_.Below(9), {}};
  header.view_number = view.number;
  for (uint8_t& byte : header.incarnation.bytes) byte = static_cast<uint8_t>(random_.Next());
  bool open_to_all = header.type >= static_cast<uint8_t>(PacketType::kPropose);
  size_t bytes = open_to_all ? random_.Below(4) : random_.Below(200);
  Bytes datagram(multicast::kHeaderBytes + bytes);
  multicast::Encode(header, std::span<uint8_t, multicast::kHeaderBytes>(datagram.data(),
                                                                        multicast::kHeaderBytes));
  for (size_t i = multicast::kHeaderBytes; i < datagram.size(); ++i) {
    datagram[i] = static_cast<uint8_t>(random_.Next());
  }
  Hand(victim, Packet::Parse(std::move(datagram)));
}

void Hostile::Truncated(size_t victim) {
  if (kept_.empty()) return;
  Bytes datagram = kept_[random_.Below(kept_.size())];
  auto type = static_cast<PacketType>(datagram[2] & 0x7f);
  // Any length of these is well-formed.
  if (type == PacketType::kSnapshotChunk || type == PacketType::kFragment ||
      type == PacketType::kProbe || type == PacketType::kProbeReply) {
    return;
  }
  size_t body = datagram.size() - multicast::kHeaderBytes;
  if (body == 0) return;
  datagram.resize(multicast::kHeaderBytes + random_.Below(body));
  Hand(victim, Packet::Parse(std::move(datagram)));
}

void Hostile::Replayed(size_t victim) {
  if (kept_.empty()) return;
  Bytes datagram = kept_[random_.Below(kept_.size())];
  auto type = static_cast<PacketType>(datagram[2] & 0x7f);
  // An old JOIN is stopped by the replay window only.
  if (type == PacketType::kJoin || type == PacketType::kJoinRefused) return;
  Hand(victim, Packet::Parse(std::move(datagram)));
}

}  // namespace strata::simulation
