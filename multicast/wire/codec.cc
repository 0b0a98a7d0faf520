#include "multicast/wire/codec.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "multicast/wire/views.h"

namespace strata::multicast::internal {
namespace {

constexpr uint8_t kVoter = 0x01;
constexpr uint8_t kLight = 0x02;

bool IsStream(Slot slot, StreamId stream) { return slot < kMaxMembers && stream < kStreamSlots; }

// By slot, then stream, each stream once.
bool IsSorted(const std::vector<Position>& positions) {
  const auto not_before = [](const Position& a, const Position& b) {
    return std::tie(a.slot, a.stream) >= std::tie(b.slot, b.stream);
  };
  return std::adjacent_find(positions.begin(), positions.end(), not_before) == positions.end();
}

// Family, zero, port, zero, MTU, and the address in 16 bytes.
void PutUnicast(const MemberInfo& member, ByteWriter& out) {
  const ByteSpan address = member.unicast.ip.bytes();
  out.U8(static_cast<uint8_t>(member.unicast.ip.family()));
  out.U8(member.application_version);
  out.U16(member.unicast.port);
  out.U16(0);
  out.U32(member.mtu);
  out.Put(address);
  PutZeros(16 - address.size(), out);
}

void TakeUnicast(ByteReader& in, MemberInfo& member) {
  const uint8_t family = in.U8();
  member.application_version = in.U8();
  member.unicast.port = in.U16();
  in.Skip(2);
  const uint32_t mtu = in.U32();
  if (mtu > std::numeric_limits<uint16_t>::max()) in.Fail();
  member.mtu = static_cast<uint16_t>(mtu);
  std::array<uint8_t, 16> address;
  in.Read(address);
  if (family == static_cast<uint8_t>(IpFamily::kV4)) {
    member.unicast.ip = IpAddress::V4(address[0], address[1], address[2], address[3]);
  } else if (family == static_cast<uint8_t>(IpFamily::kV6)) {
    member.unicast.ip = IpAddress::V6(address);
  } else {
    in.Fail();
  }
}

}  // namespace

void Put(const Epoch& epoch, ByteWriter& out) {
  out.U64(epoch.counter);
  out.U32(epoch.proposer.value());
}

void Put(const Position& position, ByteWriter& out) {
  out.U8(position.slot);
  out.U8(position.stream);
  out.U16(0);
  out.U64(position.seq);
}

void Put(const Range& range, ByteWriter& out) {
  out.U8(range.slot);
  out.U8(range.stream);
  out.U16(range.reason);
  out.U64(range.from);
  out.U64(range.to);
}

void Put(const Limit& limit, ByteWriter& out) {
  out.U8(limit.slot);
  PutZeros(3, out);
  out.U32(limit.records);
}

void Put(const LogRecord& record, ByteWriter& out) {
  out.U8(static_cast<uint8_t>(record.kind));
  switch (record.kind) {
    case LogRecord::Kind::kAdvance:
      PutCount<uint8_t>(record.positions.size(), out, kMaxLogEntries);
      out.U16(0);
      return PutAll(record.positions, out);
    case LogRecord::Kind::kAborted:
      PutCount<uint8_t>(record.ranges.size(), out, kMaxLogEntries);
      out.U16(0);
      return PutAll(record.ranges, out);
    case LogRecord::Kind::kView:
      PutZeros(3, out);
      if (!record.view) return out.Fail();
      return Encode(*record.view, out);
  }
  out.Fail();
}

void Put(const MemberInfo& member, ByteWriter& out) {
  out.U32(member.id.value());
  out.U8(static_cast<uint8_t>(member.role));
  out.U8(static_cast<uint8_t>(member.status));
  uint8_t flags = member.voter ? kVoter : 0;
  if (member.light) flags |= kLight;
  out.U8(flags);
  out.U8(member.priority);
  out.Put(member.incarnation.bytes);
  out.U8(member.version_min);
  out.U8(member.version_max);
  PutUnicast(member, out);
}

void PutZeros(size_t n, ByteWriter& out) {
  const std::span<uint8_t> zeros = out.Reserve(n);
  std::fill(zeros.begin(), zeros.end(), uint8_t{0});
}

Epoch TakeEpoch(ByteReader& in) {
  Epoch epoch;
  epoch.counter = in.U64();
  epoch.proposer = MemberId(in.U32());
  return epoch;
}

Position TakePosition(ByteReader& in) {
  Position position;
  position.slot = in.U8();
  position.stream = in.U8();
  in.Skip(2);
  position.seq = in.U64();
  if (!IsStream(position.slot, position.stream)) in.Fail();
  return position;
}

Range TakeRange(ByteReader& in) {
  Range range;
  range.slot = in.U8();
  range.stream = in.U8();
  range.reason = in.U16();
  range.from = in.U64();
  range.to = in.U64();
  const bool ordered = range.from > 0 && range.from <= range.to;
  if (!IsStream(range.slot, range.stream) || !ordered) in.Fail();
  return range;
}

Limit TakeLimit(ByteReader& in) {
  Limit limit;
  limit.slot = in.U8();
  in.Skip(3);
  limit.records = in.U32();
  if (limit.slot >= kMaxMembers) in.Fail();
  return limit;
}

LogRecord TakeLogRecord(ByteReader& in, bool view_allowed) {
  LogRecord record;
  const uint8_t kind = in.U8();
  const size_t count = in.U8();
  in.Skip(2);
  record.kind = static_cast<LogRecord::Kind>(kind);
  if (record.kind == LogRecord::Kind::kAdvance) {
    record.positions = TakeList(in, count, kPositionBytes, TakePosition);
    if (!IsSorted(record.positions)) in.Fail();
  } else if (record.kind == LogRecord::Kind::kAborted && count > 0) {
    record.ranges = TakeList(in, count, kRangeBytes, TakeRange);
  } else if (record.kind == LogRecord::Kind::kView && count == 0 && view_allowed) {
    record.view = DecodeView(in);
  } else {
    in.Fail();
  }
  return record;
}

MemberInfo TakeMember(ByteReader& in) {
  MemberInfo member;
  member.id = MemberId(in.U32());
  const uint8_t role = in.U8();
  const uint8_t status = in.U8();
  const uint8_t flags = in.U8();
  member.voter = (flags & kVoter) != 0;
  member.light = (flags & kLight) != 0;
  member.priority = in.U8();
  in.Read(member.incarnation.bytes);
  member.version_min = in.U8();
  member.version_max = in.U8();
  TakeUnicast(in, member);
  if (member.id == MemberId() || role < static_cast<uint8_t>(Role::kManager) ||
      role > static_cast<uint8_t>(Role::kObserver) ||
      status > static_cast<uint8_t>(MemberStatus::kWitness) || member.version_min == 0 ||
      member.version_min > member.version_max) {
    in.Fail();
    return member;
  }
  member.role = static_cast<Role>(role);
  member.status = static_cast<MemberStatus>(status);
  return member;
}

size_t SizeOf(const LogRecord& record) {
  return kLogRecordBytesMin + record.positions.size() * kPositionBytes +
         record.ranges.size() * kRangeBytes + (record.view ? EncodedSizeMax(*record.view) : 0);
}

size_t SizeOf(const std::vector<LogRecord>& records) {
  size_t bytes = 0;
  for (const LogRecord& record : records) bytes += SizeOf(record);
  return bytes;
}

}  // namespace strata::multicast::internal
