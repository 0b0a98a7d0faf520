#include "multicast/wire/codec.h"
#include "multicast/wire/views.h"

// PROPOSE, REPORT, VIEW_ACK, INSTALL, JOIN, JOIN_REFUSED.
namespace strata::multicast {
namespace {

using namespace internal;  // NOLINT(google-build-using-namespace): the room's own pieces.

constexpr uint8_t kSynced = 0x01;
constexpr uint8_t kInstalledFollows = 0x02;
constexpr uint8_t kAcceptedFollows = 0x04;
constexpr size_t kReportBytesMin = 24 + 8 + 16 + kMemberBytes;
constexpr size_t kPositionsMax = kMaxMembers * kStreamSlots;

}  // namespace

void Encode(const Propose& body, ByteWriter& out) {
  internal::Put(body.ballot, out);
  out.U64(body.log_seen);
}

Decoded<Propose> DecodePropose(ByteSpan body) {
  ByteReader in(body);
  Propose propose;
  propose.ballot = TakeEpoch(in);
  propose.log_seen = in.U64();
  return Result(propose, in);
}

void Encode(const Report& body, ByteWriter& out) {
  internal::Put(body.ballot, out);
  internal::Put(body.promised, out);
  out.U8(static_cast<uint8_t>(body.status));
  out.U8(static_cast<uint8_t>((body.synced ? kSynced : 0) |
                              (body.installed ? kInstalledFollows : 0) |
                              (body.accepted ? kAcceptedFollows : 0)));
  PutCount<uint16_t>(body.positions.size(), out, kPositionsMax);
  PutCount<uint16_t>(body.records.size(), out);
  out.U16(0);
  out.U64(body.durable_commit);
  out.U64(body.log_seen);
  Encode(body.self, out);
  PutAll(body.positions, out);
  PutAll(body.records, out);
  if (body.installed) Encode(*body.installed, out);
  if (body.accepted) Encode(*body.accepted, out);
}

Decoded<Report> DecodeReport(ByteSpan body) {
  ByteReader in(body);
  Report report;
  report.ballot = TakeEpoch(in);
  report.promised = TakeEpoch(in);
  const uint8_t status = in.U8();
  const uint8_t flags = in.U8();
  const size_t positions = in.U16();
  const size_t records = in.U16();
  in.Skip(2);
  report.durable_commit = in.U64();
  report.log_seen = in.U64();
  report.self = TakeMember(in);
  if (status > static_cast<uint8_t>(MemberStatus::kWitness) || positions > kPositionsMax) in.Fail();
  if (!in.ok()) return DecodeError::kMalformed;
  report.status = static_cast<MemberStatus>(status);
  report.synced = (flags & kSynced) != 0;
  report.positions = TakeList(in, positions, kPositionBytes, TakePosition);
  report.records = TakeList(in, records, kLogRecordBytesMin, TakeAnyRecord);
  if (flags & kInstalledFollows) report.installed = DecodeView(in);
  if (flags & kAcceptedFollows) report.accepted = TakeProposal(in);
  return Result(std::move(report), in);
}

size_t EncodedSizeMax(const Report& report) {
  return kReportBytesMin + report.positions.size() * kPositionBytes + SizeOf(report.records) +
         (report.installed ? EncodedSizeMax(*report.installed) : 0) +
         (report.accepted ? EncodedSizeMax(*report.accepted) : 0);
}

void Encode(const Ballot& body, ByteWriter& out) { internal::Put(body.ballot, out); }

Decoded<Ballot> DecodeBallot(ByteSpan body) {
  ByteReader in(body);
  Ballot ballot;
  ballot.ballot = TakeEpoch(in);
  return Result(ballot, in);
}

void Encode(const Join& body, ByteWriter& out) {
  Encode(body.self, out);
  internal::Put(body.durable_epoch, out);
  out.U64(body.durable_commit);
  out.U32(body.evicted_from);
}

Decoded<Join> DecodeJoin(ByteSpan body) {
  ByteReader in(body);
  Join join;
  join.self = TakeMember(in);
  join.durable_epoch = TakeEpoch(in);
  join.durable_commit = in.U64();
  join.evicted_from = in.U32();
  return Result(join, in);
}

void Encode(const JoinRefused& body, ByteWriter& out) {
  out.U16(body.reason);
  out.U16(0);
}

Decoded<JoinRefused> DecodeJoinRefused(ByteSpan body) {
  ByteReader in(body);
  JoinRefused refused;
  refused.reason = in.U16();
  in.Skip(2);
  return Result(refused, in);
}

}  // namespace strata::multicast
