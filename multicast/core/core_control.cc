#include <utility>

#include "multicast/core/core_impl.h"

// Packets that need no common view: view changes, joins, probes, snapshots, fragments.
namespace strata::multicast {
namespace {

constexpr size_t kProbeReplyBytes = 72;
constexpr int kProbesPerSecond = 100;

}  // namespace

// False if it is none of them.
bool Core::Impl::RouteViewChange(PacketType type, const ReceivedPacket& packet, Timestamp now) {
  const ByteSpan body = packet.body;
  switch (type) {
    case PacketType::kPropose:
      With(DecodePropose(body), [&](const Propose& propose) {
        const bool suspected = !group_.in_view() || failures_.Suspects(0, now);
        applier_.EndTurn(now);  // What is decided is applied before this member reports.
        views_.OnPropose(packet.header, packet.from, propose, suspected, now);
      });
      break;
    case PacketType::kReport:
      With(DecodeReport(body), [&](const Report& r) { views_.OnReport(r, packet.from, now); });
      break;
    case PacketType::kView:
      With(DecodeViewProposal(body), [&](const ViewProposal& proposal) {
        views_.OnView(packet.header, packet.from, proposal, now);
      });
      break;
    case PacketType::kViewAck:
      With(DecodeBallot(body),
           [&](const Ballot& b) { views_.OnViewAck(packet.header, b.ballot, now); });
      break;
    case PacketType::kInstall:
      With(DecodeBallot(body), [&](const Ballot& b) {
        if (packet.header.sender == b.ballot.proposer) views_.OnInstall(b.ballot, now);
      });
      break;
    default:
      return false;
  }
  return true;
}

void Core::Impl::RouteService(PacketType type, const ReceivedPacket& packet, Timestamp now) {
  const ByteSpan body = packet.body;
  switch (type) {
    case PacketType::kJoin:
      With(DecodeJoin(body), [&](const Join& join) {
        const bool own = join.self.id == packet.header.sender &&
                         join.self.incarnation == packet.header.incarnation;
        if (own && group_.self.role == Role::kManager) {
          admission_.OnJoin(join, join.self.unicast, now);
        }
      });
      break;
    case PacketType::kJoinRefused:
      With(DecodeJoinRefused(body), [&](const JoinRefused& refused) {
        if (group_.in_view()) return;
        group_.batch.Add(AlarmAction{Alarm::kJoinRefused, packet.header.sender, refused.reason});
      });
      break;
    case PacketType::kProbe:
      With(DecodeProbe(body), [&](const Probe& probe) { OnProbe(packet, probe, now); });
      break;
    case PacketType::kProbeReply:
      With(DecodeProbeReply(body), [&](const ProbeReply& reply) {
        admission_.OnProbeReply(reply, packet.by_multicast, now);
      });
      break;
    case PacketType::kSnapshotRequest:
      With(DecodeSnapshotRequest(body), [&](const SnapshotRequest& request) {
        const Slot slot = group_.view.SlotOf(packet.header.sender, packet.header.incarnation);
        if (slot == kNoSlot) {
          Count(Counter::kNotInView);
          return;
        }
        donor_.OnRequest(request, group_.view.members[slot], packet.from, applier_.applied(), now);
      });
      break;
    case PacketType::kSnapshotChunk:
      With(DecodeSnapshotChunk(body), [&](const SnapshotChunk& c) { fetcher_.OnChunk(c, now); });
      break;
    case PacketType::kFragment:
      With(DecodeFragment(body), [&](const Fragment& f) { OnFragment(packet, f, now); });
      break;
    default:
      Count(Counter::kUnknownType);
  }
}

void Core::Impl::OnFragment(const ReceivedPacket& packet, const Fragment& fragment, Timestamp now) {
  auto joined = fragments_.OnFragment(packet.header.sender, packet.header.incarnation, fragment);
  if (!joined) return;
  ReceivedPacket whole = packet;
  whole.header.type = static_cast<uint8_t>(joined->type);
  whole.body = joined->body;
  OnPacket(whole, now);
}

void Core::Impl::OnProbe(const ReceivedPacket& packet, const Probe& probe, Timestamp now) {
  if (now - probe_window_ >= std::chrono::seconds(1)) {
    probe_window_ = now;
    probes_in_window_ = 0;
  }
  if (++probes_in_window_ > kProbesPerSecond) {
    Count(Counter::kProbesLimited);
    return;
  }
  ProbeReply reply;
  reply.nonce = probe.nonce;
  reply.by_multicast = packet.by_multicast;
  reply.to_group = probe.answer_to_group;
  reply.mtu = group_.self.mtu;
  reply.self = group_.self;
  reply.self.status = group_.status();
  reply.log_seen = group_.log.last();
  if (probe.answer_padded) {
    reply.padding = static_cast<uint16_t>(group_.outbox.max_body() - kProbeReplyBytes);
  }
  const To to = probe.answer_to_group ? To::MulticastOnly() : To::Unicast(packet.from);
  group_.outbox.Send(PacketType::kProbeReply, reply, to);
}

}  // namespace strata::multicast
