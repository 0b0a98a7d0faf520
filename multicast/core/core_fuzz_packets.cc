#include "multicast/core/core_fuzz_packets.h"

#include <algorithm>

namespace strata::multicast::fuzz {
namespace {

// Makes the pieces of which bodies consist.
class Maker {
 public:
  Maker(Slot from, const Core& core, Input& in) : from_(from), core_(core), in_(in) {}

  Slot AnySlot() { return in_.Below(4); }
  StreamId AnyStream() { return in_.Below(kStreamSlots); }
  uint64_t LogNumber() { return in_.Near(core_.commit_number() + 1); }
  uint16_t Reason() { return in_.Byte(); }

  Position AnyPosition() {
    Position position{AnySlot(), AnyStream(), 0};
    position.seq = in_.Near(core_.held(position.slot, position.stream) + 1);
    return position;
  }
  Range AnyRange() {
    Range range{AnySlot(), AnyStream(), Reason(), 0, 0};
    range.from = std::max<Seq>(1, in_.Near(core_.held(range.slot, range.stream) + 1));
    range.to = std::max(range.from, in_.Near(range.from));
    return range;
  }
  Limit AnyLimit() { return {AnySlot(), static_cast<uint32_t>(in_.Near(16384))}; }
  Epoch AnyBallot() {
    return {in_.Near(std::max(core_.promised().counter, core_.view().epoch.counter) + 1),
            in_.Flag() ? core_.view().members[from_].id : MemberId(in_.Below(5))};
  }
  template <class Make>
  auto Some(uint8_t max, Make make) {
    std::vector<decltype(make())> items(in_.Below(static_cast<uint8_t>(max + 1)));
    for (auto& item : items) item = make();
    return items;
  }
  LogRecord AnyLogRecord() {
    LogRecord record;
    if (in_.Flag()) {
      record.positions = Some(4, [this] { return AnyPosition(); });
    } else {
      record.kind = LogRecord::Kind::kAborted;
      record.ranges = Some(3, [this] { return AnyRange(); });
    }
    return record;
  }
  // The view as it is, but for a few changes.
  View AnyView() {
    View view = core_.view();
    if (in_.Flag()) view.epoch = AnyBallot();
    view.number = static_cast<uint32_t>(in_.Near(view.number + 1));
    view.log_number = in_.Near(view.log_number + 1);
    for (MemberInfo& member : view.members) {
      if (in_.Below(8) == 0) member.incarnation.bytes[0] ^= 1;
      if (in_.Below(8) == 0) member.status = static_cast<MemberStatus>(in_.Below(4));
    }
    if (in_.Below(4) == 0)
      std::rotate(view.members.begin(), view.members.begin() + 1, view.members.end());
    if (in_.Below(4) == 0) view.members.pop_back();
    if (in_.Below(4) == 0) view.fan_out = true;
    return view;
  }

  Ack AnyAck() {
    Ack ack;
    ack.log_seen = LogNumber();
    ack.nonce = in_.Byte();
    ack.synced = in_.Flag();
    ack.positions = Some(8, [this] { return AnyPosition(); });
    ack.limits = Some(3, [this] { return AnyLimit(); });
    return ack;
  }
  Commit AnyCommit() {
    Commit commit;
    commit.first = LogNumber();
    commit.floor = LogNumber();
    commit.records = Some(4, [this] { return AnyLogRecord(); });
    commit.progress = Some(3, [this] { return AnyPosition(); });
    commit.limits = Some(3, [this] { return AnyLimit(); });
    return commit;
  }
  Resend AnyResend() {
    Resend resend;
    if (in_.Flag()) resend.log_from = LogNumber(), resend.log_to = LogNumber();
    resend.requests = Some(8, [this] {
      ResendRequest request{AnySlot(), AnyStream(), 0, 0};
      request.count = static_cast<uint16_t>(std::max<uint64_t>(1, in_.Near(2) & 0xffff));
      request.from = std::max<Seq>(1, in_.Near(core_.held(request.slot, request.stream) + 1));
      return request;
    });
    return resend;
  }
  Heartbeat AnyHeartbeat() {
    Heartbeat heartbeat;
    heartbeat.log_last = LogNumber();
    heartbeat.log_floor = LogNumber();
    heartbeat.promised = AnyBallot();
    heartbeat.nonce = in_.Byte();
    const uint8_t flags = in_.Byte();
    heartbeat.ack_requested = (flags & 1) != 0;
    heartbeat.unicast_copy = (flags & 2) != 0;
    heartbeat.hears_sm = (flags & 4) != 0;
    heartbeat.synced = (flags & 8) != 0;
    heartbeat.frozen = (flags & 16) != 0;
    for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
      if (in_.Below(3) != 0) continue;
      const Seq last = in_.Near(core_.held(from_, stream) + 1);
      heartbeat.tails.push_back({stream, last, in_.Near(last)});
    }
    return heartbeat;
  }
  ViewProposal AnyProposal() {
    ViewProposal proposal;
    proposal.ballot = AnyBallot();
    proposal.quorums = {{MemberId(1), MemberId(2), MemberId(3)}};
    proposal.view = AnyView();
    if (in_.Below(4) != 0) proposal.view.epoch = proposal.ballot;
    proposal.log_first = LogNumber();
    proposal.records = Some(4, [this] { return AnyLogRecord(); });
    if (in_.Below(4) == 0) {
      LogRecord record;
      record.kind = LogRecord::Kind::kView;
      record.view = AnyView();
      proposal.records.push_back(record);
    }
    if (in_.Below(4) != 0) proposal.view.log_number = proposal.log_first + proposal.records.size();
    proposal.positions = Some(6, [this] { return AnyPosition(); });
    return proposal;
  }
  Report AnyReport() {
    Report report;
    report.ballot = in_.Flag() ? core_.promised() : AnyBallot();
    report.promised = in_.Flag() ? report.ballot : AnyBallot();
    report.status = static_cast<MemberStatus>(in_.Below(4));
    report.synced = in_.Flag();
    report.durable_commit = LogNumber();
    report.log_seen = LogNumber();
    report.self = core_.view().members[from_];
    report.positions = Some(6, [this] { return AnyPosition(); });
    report.records = Some(4, [this] { return AnyLogRecord(); });
    if (in_.Below(4) != 0) report.installed = AnyView();
    if (in_.Below(4) == 0) report.accepted = AnyProposal();
    return report;
  }
  MemberInfo AnyJoiner() {
    MemberInfo joiner = core_.view().members[from_];
    joiner.id = MemberId(in_.Below(8));
    joiner.role = static_cast<Role>(1 + in_.Below(5));
    joiner.incarnation.bytes[0] ^= in_.Byte();
    return joiner;
  }
  ProbeReply AnyProbeReply() {
    ProbeReply reply;
    reply.nonce = in_.Near(1);
    reply.by_multicast = in_.Flag();
    reply.to_group = in_.Flag();
    reply.self = AnyJoiner();
    reply.padding = in_.Byte();
    return reply;
  }
  void PutData(ByteWriter& out) {
    DataWriter writer(out);
    const Slot origin = in_.Flag() ? from_ : AnySlot();
    const uint8_t data_flags = in_.Byte();
    const uint8_t records = in_.Below(12);
    Seq next = 0;
    for (uint8_t i = 0; i <= records; ++i) {
      Record record;
      record.stream = AnyStream();
      record.flags = in_.Flag() ? uint8_t{kInit | kNoMore} : in_.Byte();
      next = in_.Flag() ? next + 1 : in_.Near(core_.held(origin, record.stream) + 1);
      record.seq = next;
      record.payload = in_.Some(40);
      record.message_bytes = static_cast<uint32_t>(in_.Near(record.payload.size() + 1));
      writer.Add(record);
    }
    writer.Finish(data_flags & 3, origin);
  }
  SnapshotChunk AnyChunk() {
    SnapshotChunk chunk;
    chunk.nonce = in_.Near(1);
    chunk.commit = LogNumber();
    chunk.bytes = in_.Some(30);
    chunk.offset = in_.Near(0);
    chunk.total = in_.Near(chunk.offset + chunk.bytes.size());
    return chunk;
  }

  void Put(PacketType type, ByteWriter& out) {
    switch (type) {
      case PacketType::kData:
        return PutData(out);
      case PacketType::kAck:
        return Encode(AnyAck(), out);
      case PacketType::kCommit:
        return Encode(AnyCommit(), out);
      case PacketType::kResend:
        return Encode(AnyResend(), out);
      case PacketType::kHeartbeat:
        return Encode(AnyHeartbeat(), out);
      case PacketType::kAbort:
      case PacketType::kAbortAck:
      case PacketType::kRefuse:
        return Encode(Ranges{Some(4, [this] { return AnyRange(); })}, out);
      case PacketType::kPropose:
        return Encode(Propose{AnyBallot(), LogNumber()}, out);
      case PacketType::kReport:
        return Encode(AnyReport(), out);
      case PacketType::kView:
        return Encode(AnyProposal(), out);
      case PacketType::kViewAck:
      case PacketType::kInstall:
        return Encode(Ballot{in_.Flag() ? core_.promised() : AnyBallot()}, out);
      case PacketType::kJoin:
        return Encode(Join{AnyJoiner(), AnyBallot(), LogNumber(), in_.Byte()}, out);
      case PacketType::kJoinRefused:
        return Encode(JoinRefused{Reason()}, out);
      case PacketType::kProbe:
        return Encode(Probe{in_.Near(1), in_.Flag(), in_.Flag(), in_.Byte()}, out);
      case PacketType::kProbeReply:
        return Encode(AnyProbeReply(), out);
      case PacketType::kSnapshotRequest:
        return Encode(SnapshotRequest{in_.Byte(), LogNumber(), in_.Near(0),
                                      static_cast<uint32_t>(in_.Near(1000))},
                      out);
      case PacketType::kSnapshotChunk:
        return Encode(AnyChunk(), out);
      case PacketType::kFragment:
        return PutFragment(out);
    }
  }

 private:
  // A whole body inside one fragment, or a piece of nothing.
  void PutFragment(ByteWriter& out) {
    Fragment fragment;
    fragment.inner_type = 1 + in_.Below(20);
    fragment.count = in_.Flag() ? uint16_t{1} : static_cast<uint16_t>(in_.Near(2));
    fragment.index = fragment.count == 1 ? uint16_t{0} : in_.Byte();
    fragment.body_id = in_.Below(3);
    Bytes inner(4096);
    ByteWriter writer(inner);
    const auto type = static_cast<PacketType>(fragment.inner_type);
    if (type != PacketType::kFragment && type != PacketType::kData) Put(type, writer);
    fragment.bytes = writer.written();
    Encode(fragment, out);
  }

  Slot from_;
  const Core& core_;
  Input& in_;
};

template <class T>
bool Holds(const Decoded<T>& decoded) {
  return std::holds_alternative<T>(decoded);
}

}  // namespace

uint64_t Input::Near(uint64_t center) {
  const uint8_t how = Byte();
  if (how < 200) return center + how % 16;
  if (how < 230) return center - std::min<uint64_t>(center, how - 200);
  switch (how) {
    case 230:
      return 0;
    case 231:
      return UINT64_MAX;
    case 232:
      return UINT64_MAX - 1;
    case 233:
      return center + 65'535;
    case 234:
      return center + 16'384;
    case 235:
      return uint64_t{1} << 63;
    case 236:
      return uint64_t{1} << 32;
    default: {
      uint64_t value = 0;
      for (int i = 0; i < 8; ++i) value = value << 8 | Byte();
      return value;
    }
  }
}

ByteSpan Input::Some(uint8_t max) {
  const size_t wanted = Byte() % (max + 1);
  return in_.Take(std::min(wanted, in_.remaining()));
}

Bytes MakeBody(PacketType type, Slot from, const Core& core, Input& in) {
  Bytes body(16 << 10);
  ByteWriter out(body);
  Maker(from, core, in).Put(type, out);
  if (!out.ok()) return {};
  body.resize(out.size());
  return body;
}

bool IsWellFormed(PacketType type, ByteSpan body) {
  switch (type) {
    case PacketType::kData:
      return !DataReader(body).Check();
    case PacketType::kAck:
      return Holds(DecodeAck(body));
    case PacketType::kCommit:
      return Holds(DecodeCommit(body));
    case PacketType::kResend:
      return Holds(DecodeResend(body));
    case PacketType::kHeartbeat:
      return Holds(DecodeHeartbeat(body));
    case PacketType::kAbort:
    case PacketType::kAbortAck:
    case PacketType::kRefuse:
      return Holds(DecodeRanges(body));
    case PacketType::kPropose:
      return Holds(DecodePropose(body));
    case PacketType::kReport:
      return Holds(DecodeReport(body));
    case PacketType::kView:
      return Holds(DecodeViewProposal(body));
    case PacketType::kViewAck:
    case PacketType::kInstall:
      return Holds(DecodeBallot(body));
    case PacketType::kJoin:
      return Holds(DecodeJoin(body));
    case PacketType::kJoinRefused:
      return Holds(DecodeJoinRefused(body));
    case PacketType::kProbe:
      return Holds(DecodeProbe(body));
    case PacketType::kProbeReply:
      return Holds(DecodeProbeReply(body));
    case PacketType::kSnapshotRequest:
      return Holds(DecodeSnapshotRequest(body));
    case PacketType::kSnapshotChunk:
      return Holds(DecodeSnapshotChunk(body));
    case PacketType::kFragment:
      return Holds(DecodeFragment(body));
  }
  return false;
}

}  // namespace strata::multicast::fuzz
