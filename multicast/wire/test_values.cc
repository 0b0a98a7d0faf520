#include "multicast/wire/test_values.h"

#include <algorithm>
#include <tuple>

namespace strata::multicast::testing {

uint64_t Values::Number(uint64_t min, uint64_t max) {
  switch (random_.Below(8)) {
    case 0:
      return min;
    case 1:
      return max;
    default:
      return max - min == UINT64_MAX ? random_.Next() : min + random_.Below(max - min + 1);
  }
}

Bytes Values::SomeBytes(size_t min, size_t max) {
  Bytes bytes(Number(min, max));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_.Next());
  return bytes;
}

Header Values::AnyHeader() {
  Header header;
  header.type = static_cast<uint8_t>(Number(0, 127));
  header.sealed = Flag();
  header.key_id = static_cast<uint8_t>(Number(0, 255));
  header.sender = MemberId(static_cast<uint32_t>(Number()));
  header.group = GroupId(Number());
  header.epoch = AnyEpoch();
  header.view_number = static_cast<uint32_t>(Number());
  for (uint8_t& byte : header.incarnation.bytes) byte = static_cast<uint8_t>(random_.Next());
  header.counter = Number();
  return header;
}

Epoch Values::AnyEpoch() { return {Number(1), MemberId(static_cast<uint32_t>(Number()))}; }

Position Values::AnyPosition() {
  Position position;
  position.slot = static_cast<Slot>(Number(0, kMaxMembers - 1));
  position.stream = static_cast<StreamId>(Number(0, kStreamSlots - 1));
  position.seq = Number();
  return position;
}

Range Values::AnyRange() {
  Range range;
  range.slot = static_cast<Slot>(Number(0, kMaxMembers - 1));
  range.stream = static_cast<StreamId>(Number(0, kStreamSlots - 1));
  range.reason = static_cast<uint16_t>(Number(0, UINT16_MAX));
  range.from = Number(1);
  range.to = Number(range.from);
  return range;
}

Limit Values::AnyLimit() {
  Limit limit;
  limit.slot = static_cast<Slot>(Number(0, kMaxMembers - 1));
  limit.records = static_cast<uint32_t>(Number(0, UINT32_MAX));
  return limit;
}

MemberInfo Values::AnyMember() {
  MemberInfo member;
  member.id = MemberId(static_cast<uint32_t>(Number(1, UINT32_MAX)));
  member.role = static_cast<Role>(Number(1, 5));
  member.status = static_cast<MemberStatus>(Number(0, 3));
  member.voter = Flag();
  member.light = Flag();
  member.priority = static_cast<uint8_t>(Number(0, 255));
  for (uint8_t& byte : member.incarnation.bytes) byte = static_cast<uint8_t>(random_.Next());
  member.version_min = static_cast<uint8_t>(Number(1, 255));
  member.version_max = static_cast<uint8_t>(Number(member.version_min, 255));
  member.application_version = static_cast<uint8_t>(Number(0, 255));
  member.mtu = static_cast<uint16_t>(Number(0, UINT16_MAX));
  member.unicast.port = static_cast<uint16_t>(Number(0, UINT16_MAX));
  const Bytes address = SomeBytes(16, 16);
  if (Flag()) {
    member.unicast.ip = IpAddress::V4(address[0], address[1], address[2], address[3]);
  } else {
    std::array<uint8_t, 16> ip{};
    std::copy(address.begin(), address.end(), ip.begin());
    member.unicast.ip = IpAddress::V6(ip);
  }
  return member;
}

View Values::AnyView() {
  View view;
  view.epoch = AnyEpoch();
  view.number = static_cast<uint32_t>(Number(1, UINT32_MAX));
  view.version = static_cast<uint8_t>(Number(1, 255));
  view.fan_out = Flag();
  view.quorum_none = Flag();
  view.log_number = Number();
  view.members.resize(Number(1, kMaxMembers));
  for (size_t slot = 0; slot < view.members.size(); ++slot) {
    view.members[slot] = AnyMember();
    view.members[slot].id = MemberId(static_cast<uint32_t>(slot * 1000 + Number(1, 999)));
  }
  return view;
}

LogRecord Values::AnyLogRecord(bool view_allowed) {
  LogRecord record;
  record.kind = static_cast<LogRecord::Kind>(Number(1, view_allowed ? 3 : 2));
  if (record.kind == LogRecord::Kind::kView) {
    record.view = AnyView();
  } else if (record.kind == LogRecord::Kind::kAborted) {
    record.ranges = Some(kMaxLogEntries - 1, [this] { return AnyRange(); });
    record.ranges.push_back(AnyRange());
  } else {
    const auto where = [](const Position& p) { return std::tie(p.slot, p.stream); };
    auto& positions = record.positions;
    positions = Some(kMaxLogEntries, [this] { return AnyPosition(); });
    std::sort(positions.begin(), positions.end(),
              [&](const Position& a, const Position& b) { return where(a) < where(b); });
    const auto same = [&](const Position& a, const Position& b) { return where(a) == where(b); };
    positions.erase(std::unique(positions.begin(), positions.end(), same), positions.end());
  }
  return record;
}

Ack Values::AnyAck() {
  Ack ack;
  ack.log_seen = Number();
  ack.nonce = static_cast<uint32_t>(Number());
  ack.synced = Flag();
  ack.positions = Some(255, [this] { return AnyPosition(); });
  ack.limits = Some(255, [this] { return AnyLimit(); });
  return ack;
}

Commit Values::AnyCommit() {
  Commit commit;
  commit.first = Number(1, UINT64_MAX - 100);
  commit.floor = Number();
  commit.records = Some(20, [this] { return AnyLogRecord(/*view_allowed=*/false); });
  commit.progress = Some(255, [this] { return AnyPosition(); });
  commit.limits = Some(255, [this] { return AnyLimit(); });
  return commit;
}

Resend Values::AnyResend() {
  Resend resend;
  if (Flag()) {
    resend.log_from = Number(1);
    resend.log_to = Number(resend.log_from);
  }
  resend.requests = Some(kMaxResendRequests, [this] {
    ResendRequest request;
    request.slot = static_cast<Slot>(Number(0, kMaxMembers - 1));
    request.stream = static_cast<StreamId>(Number(0, kStreamSlots - 1));
    request.count = static_cast<uint16_t>(Number(1, UINT16_MAX));
    request.from = Number(1, UINT64_MAX - request.count + 1);
    return request;
  });
  return resend;
}

Heartbeat Values::AnyHeartbeat() {
  Heartbeat heartbeat;
  heartbeat.log_last = Number();
  heartbeat.log_floor = Number();
  heartbeat.promised = AnyEpoch();
  heartbeat.nonce = static_cast<uint32_t>(Number());
  heartbeat.ack_requested = Flag();
  heartbeat.unicast_copy = Flag();
  heartbeat.hears_sm = Flag();
  heartbeat.synced = Flag();
  heartbeat.frozen = Flag();
  heartbeat.multicast_test = Flag();
  for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
    if (Flag()) heartbeat.tails.push_back({stream, Number(), Number()});
  }
  return heartbeat;
}

Ranges Values::AnyRanges() {
  Ranges ranges;
  ranges.ranges = Some(254, [this] { return AnyRange(); });
  ranges.ranges.push_back(AnyRange());
  return ranges;
}

Propose Values::AnyPropose() { return {AnyEpoch(), Number()}; }

ViewProposal Values::AnyViewProposal() {
  ViewProposal proposal;
  proposal.ballot = AnyEpoch();
  proposal.quorums.resize(Number(1, kMaxQuorums));
  for (auto& quorum : proposal.quorums) {
    const size_t voters = Number(1, kMaxMembers);
    for (uint32_t i = 0; i < voters; ++i) quorum.push_back(MemberId(1 + i * 7));
  }
  proposal.records = Some(12, [this] { return AnyLogRecord(/*view_allowed=*/true); });
  proposal.log_first = Number(1, UINT64_MAX - proposal.records.size());
  proposal.view = AnyView();
  proposal.view.log_number = proposal.log_first + proposal.records.size();
  proposal.positions = Some(kMaxMembers * kStreamSlots, [this] { return AnyPosition(); });
  return proposal;
}

Report Values::AnyReport() {
  Report report;
  report.ballot = AnyEpoch();
  report.promised = AnyEpoch();
  report.status = static_cast<MemberStatus>(Number(0, 3));
  report.synced = Flag();
  report.durable_commit = Number();
  report.log_seen = Number();
  report.self = AnyMember();
  report.positions = Some(kMaxMembers * kStreamSlots, [this] { return AnyPosition(); });
  report.records = Some(12, [this] { return AnyLogRecord(/*view_allowed=*/true); });
  if (Flag()) report.installed = AnyView();
  if (Flag()) report.accepted = AnyViewProposal();
  return report;
}

Ballot Values::AnyBallot() { return {AnyEpoch()}; }

Join Values::AnyJoin() {
  return {AnyMember(), AnyEpoch(), Number(), static_cast<uint32_t>(Number())};
}

JoinRefused Values::AnyJoinRefused() { return {static_cast<uint16_t>(Number(0, UINT16_MAX))}; }

Probe Values::AnyProbe() {
  return {Number(), Flag(), Flag(), static_cast<uint16_t>(Number(0, kMaxMtu))};
}

ProbeReply Values::AnyProbeReply() {
  ProbeReply reply;
  reply.nonce = Number();
  reply.by_multicast = Flag();
  reply.to_group = Flag();
  reply.mtu = static_cast<uint16_t>(Number(0, UINT16_MAX));
  reply.self = AnyMember();
  reply.log_seen = Number();
  reply.padding = static_cast<uint16_t>(Number(0, kMaxMtu));
  return reply;
}

SnapshotRequest Values::AnySnapshotRequest() {
  return {Number(), Number(), Number(), static_cast<uint32_t>(Number(0, UINT32_MAX))};
}

}  // namespace strata::multicast::testing
