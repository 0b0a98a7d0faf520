#include "tests/simulation/packet.h"

#include <optional>
#include <utility>

#include "common/check.h"

namespace strata::simulation {

using multicast::Decoded;
using multicast::DecodeError;
using multicast::PacketType;

namespace {

template <class Body, class T>
Body OrNothing(Decoded<T> decoded) {
  if (T* value = std::get_if<T>(&decoded)) return Body(std::move(*value));
  return Body();
}

std::optional<DataNote> NoteData(ByteSpan body) {
  multicast::DataReader reader(body);
  if (reader.Check().has_value()) return std::nullopt;
  DataNote note;
  note.flags = reader.flags();
  note.origin = reader.origin();
  while (auto record = reader.Next()) {
    note.records.push_back({.stream = record->stream,
                            .flags = record->flags,
                            .seq = record->seq,
                            .bytes = record->payload.size()});
  }
  return note;
}

}  // namespace

Packet::Body Packet::Decode(PacketType type, ByteSpan body) {
  switch (type) {
    case PacketType::kData:
      if (auto note = NoteData(body)) return Body(std::move(*note));
      return Body();
    case PacketType::kAck:
      return OrNothing<Body>(multicast::DecodeAck(body));
    case PacketType::kCommit:
      return OrNothing<Body>(multicast::DecodeCommit(body));
    case PacketType::kResend:
      return OrNothing<Body>(multicast::DecodeResend(body));
    case PacketType::kHeartbeat:
      return OrNothing<Body>(multicast::DecodeHeartbeat(body));
    case PacketType::kAbort:
    case PacketType::kAbortAck:
    case PacketType::kRefuse:
      return OrNothing<Body>(multicast::DecodeRanges(body));
    case PacketType::kPropose:
      return OrNothing<Body>(multicast::DecodePropose(body));
    case PacketType::kReport:
      return OrNothing<Body>(multicast::DecodeReport(body));
    case PacketType::kView:
      return OrNothing<Body>(multicast::DecodeViewProposal(body));
    case PacketType::kViewAck:
    case PacketType::kInstall:
      return OrNothing<Body>(multicast::DecodeBallot(body));
    case PacketType::kJoin:
      return OrNothing<Body>(multicast::DecodeJoin(body));
    case PacketType::kFragment: {
      auto decoded = multicast::DecodeFragment(body);
      const auto* fragment = std::get_if<multicast::Fragment>(&decoded);
      if (fragment == nullptr) return Body();
      return Body(FragmentNote{.inner_type = fragment->inner_type,
                               .index = fragment->index,
                               .count = fragment->count,
                               .body_id = fragment->body_id});
    }
    case PacketType::kJoinRefused:
    case PacketType::kProbe:
    case PacketType::kProbeReply:
    case PacketType::kSnapshotRequest:
    case PacketType::kSnapshotChunk:
      return Body();
  }
  return Body();
}

PacketPtr Packet::Parse(Bytes datagram) {
  auto packet = std::make_shared<Packet>();
  auto header = multicast::DecodeHeader(datagram);
  STRATA_CHECK(std::holds_alternative<multicast::Header>(header));
  packet->header_ = std::get<multicast::Header>(header);
  packet->datagram_ = std::move(datagram);
  packet->body_ = Decode(packet->type(), packet->body());
  return packet;
}

}  // namespace strata::simulation
