#include "multicast/tools/probe_session.h"

#include <algorithm>

namespace strata::multicast {
namespace {

constexpr size_t kProbeBytes = 12;  // A PROBE without padding.

bool GoesByMulticast(ProbePath path) {
  return path == ProbePath::kMulticast || path == ProbePath::kThere ||
         path == ProbePath::kLargeMulticast;
}

bool ComesByMulticast(ProbePath path) {
  return path == ProbePath::kMulticast || path == ProbePath::kBack ||
         path == ProbePath::kLargeMulticast;
}

bool IsLarge(ProbePath path) {
  return path == ProbePath::kLargeMulticast || path == ProbePath::kLargeUnicast;
}

}  // namespace

ProbeSession::Outgoing ProbeSession::Ask(ProbePath path, const Endpoint& to) {
  Outgoing outgoing;
  outgoing.multicast = GoesByMulticast(path);
  outgoing.to = to;
  Probe& probe = outgoing.probe;
  probe.nonce = random_.Next();
  probe.answer_to_group = ComesByMulticast(path);
  probe.answer_padded = IsLarge(path);
  if (IsLarge(path)) probe.padding = static_cast<uint16_t>(body_bytes_ - kProbeBytes);
  asked_[probe.nonce] = {.path = path, .sent = {}, .answered = {}};
  return outgoing;
}

std::vector<ProbeSession::Outgoing> ProbeSession::StartRound() {
  std::vector<ProbePath> everyone = {ProbePath::kMulticast, ProbePath::kThere};
  std::vector<ProbePath> each = {ProbePath::kUnicast, ProbePath::kBack};
  // Not in the first round: who is there is not known yet.
  if (round_++ % kLargeEvery == 1) {
    everyone.push_back(ProbePath::kLargeMulticast);
    each.push_back(ProbePath::kLargeUnicast);
  }
  std::vector<Outgoing> outgoing;
  for (const ProbePath path : everyone) {
    outgoing.push_back(Ask(path, {}));
    const uint32_t sent = ++sent_to_everyone_[static_cast<size_t>(path)];
    for (auto& [id, member] : members_) member.path(path).sent = sent;
  }
  for (auto& [id, member] : members_) {
    for (const ProbePath path : each) {
      outgoing.push_back(Ask(path, member.info.unicast));
      ++member.path(path).sent;
    }
  }
  for (const Endpoint& seed : seeds_) {
    const bool known = std::any_of(members_.begin(), members_.end(), [&seed](const auto& item) {
      return item.second.info.unicast == seed;
    });
    // Its answer makes it known; this one does not count.
    if (!known) outgoing.push_back(Ask(ProbePath::kUnicast, seed));
  }
  return outgoing;
}

void ProbeSession::OnSent(const Probe& probe, Timestamp now) { asked_.at(probe.nonce).sent = now; }

// Null for who is no member, and beyond the limit.
ProbedMember* ProbeSession::MemberOf(const Header& header, const Endpoint& from) {
  const auto found = members_.find(header.sender);
  if (found != members_.end()) return &found->second;
  if (members_.size() == kMaxMembers) return nullptr;
  ProbedMember& member = members_[header.sender];
  member.info.id = header.sender;
  member.info.unicast = from;
  for (size_t i = 0; i < kProbePaths; ++i) member.paths[i].sent = sent_to_everyone_[i];
  return &member;
}

void ProbeSession::OnPacket(const Header& header, ByteSpan body, const Endpoint& from,
                            bool by_multicast, Timestamp now) {
  const auto type = static_cast<PacketType>(header.type);
  // Another observer is no member.
  if (type == PacketType::kProbe && header.view_number == 0) return;
  ProbedMember* member = MemberOf(header, from);
  if (member == nullptr) return;
  member->heard |= by_multicast;
  member->view_number = header.view_number;
  member->epoch = header.epoch;
  member->told_at = now;
  if (type == PacketType::kHeartbeat) {
    const Decoded<Heartbeat> heartbeat = DecodeHeartbeat(body);
    if (const auto* told = std::get_if<Heartbeat>(&heartbeat)) {
      if (by_multicast) member->fanned_out = told->multicast_test;
    }
  }
  if (type != PacketType::kProbeReply) return;
  const Decoded<ProbeReply> reply = DecodeProbeReply(body);
  if (const auto* answer = std::get_if<ProbeReply>(&reply)) OnReply(header, *answer, now);
}

void ProbeSession::OnReply(const Header& header, const ProbeReply& reply, Timestamp now) {
  const auto found = asked_.find(reply.nonce);
  if (found == asked_.end() || reply.self.id != header.sender) return;
  Asked& asked = found->second;
  ProbedMember& member = members_.at(header.sender);
  const auto [earlier, first] = asked.answered.emplace(header.sender, header.incarnation);
  if (!first) {
    member.duplicate |= earlier->second != header.incarnation;
    return;
  }
  const bool was_known = member.answered;
  member.answered = true;
  member.info = reply.self;
  PathTally& tally = member.path(asked.path);
  if (!was_known && tally.sent == 0) ++tally.sent;  // The probe that found it.
  if (tally.answered == tally.sent) return;
  ++tally.answered;
  tally.round_trips.push_back(now - asked.sent);
}

}  // namespace strata::multicast
