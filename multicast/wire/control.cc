#include "multicast/wire/control.h"

#include <limits>

#include "multicast/wire/codec.h"

namespace strata::multicast {
namespace {

using namespace internal;  // NOLINT(google-build-using-namespace): the room's own pieces.

constexpr size_t kRequestBytes = 12;
constexpr size_t kTailBytes = 20;
constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

// Flags of ACK and HEARTBEAT.
constexpr uint8_t kAckSynced = 0x01;
constexpr uint8_t kAckRequested = 0x01;
constexpr uint8_t kUnicastCopy = 0x02;
constexpr uint8_t kHearsSm = 0x04;
constexpr uint8_t kSynced = 0x08;
constexpr uint8_t kFrozen = 0x10;
constexpr uint8_t kMulticastTest = 0x20;

void Put(const ResendRequest& request, ByteWriter& out) {
  out.U8(request.slot);
  out.U8(request.stream);
  out.U16(request.count);
  out.U64(request.from);
}

ResendRequest TakeRequest(ByteReader& in) {
  ResendRequest request;
  request.slot = in.U8();
  request.stream = in.U8();
  request.count = in.U16();
  request.from = in.U64();
  const bool is_range =
      request.count > 0 && request.from > 0 && request.from <= kMax - (request.count - 1u);
  if (request.slot >= kMaxMembers || request.stream >= kStreamSlots || !is_range) in.Fail();
  return request;
}

StreamTail TakeTail(ByteReader& in) {
  StreamTail tail;
  tail.stream = in.U8();
  in.Skip(3);
  tail.last = in.U64();
  tail.first_kept = in.U64();
  if (tail.stream >= kStreamSlots) in.Fail();
  return tail;
}

bool NamesAStreamTwice(const std::vector<StreamTail>& tails) {
  uint32_t seen = 0;
  for (const StreamTail& tail : tails) {
    const uint32_t bit = uint32_t{1} << tail.stream;
    if (seen & bit) return true;
    seen |= bit;
  }
  return false;
}

uint8_t FlagsOf(const Heartbeat& body) {
  uint8_t flags = 0;
  if (body.ack_requested) flags |= kAckRequested;
  if (body.unicast_copy) flags |= kUnicastCopy;
  if (body.hears_sm) flags |= kHearsSm;
  if (body.synced) flags |= kSynced;
  if (body.frozen) flags |= kFrozen;
  if (body.multicast_test) flags |= kMulticastTest;
  return flags;
}

void SetFlags(uint8_t flags, Heartbeat& body) {
  body.ack_requested = (flags & kAckRequested) != 0;
  body.unicast_copy = (flags & kUnicastCopy) != 0;
  body.hears_sm = (flags & kHearsSm) != 0;
  body.synced = (flags & kSynced) != 0;
  body.frozen = (flags & kFrozen) != 0;
  body.multicast_test = (flags & kMulticastTest) != 0;
}

LogRecord TakeCommitRecord(ByteReader& in) { return TakeLogRecord(in, /*view_allowed=*/false); }

}  // namespace

void Encode(const Ack& body, ByteWriter& out) {
  out.U64(body.log_seen);
  out.U32(body.nonce);
  out.U8(body.synced ? kAckSynced : 0);
  PutCount<uint8_t>(body.positions.size(), out);
  PutCount<uint8_t>(body.limits.size(), out);
  out.U8(0);
  PutAll(body.positions, out);
  PutAll(body.limits, out);
}

Decoded<Ack> DecodeAck(ByteSpan body) {
  ByteReader in(body);
  Ack ack;
  ack.log_seen = in.U64();
  ack.nonce = in.U32();
  ack.synced = (in.U8() & kAckSynced) != 0;
  const size_t positions = in.U8();
  const size_t limits = in.U8();
  in.Skip(1);
  ack.positions = TakeList(in, positions, kPositionBytes, TakePosition);
  ack.limits = TakeList(in, limits, kLimitBytes, TakeLimit);
  return Result(std::move(ack), in);
}

void Encode(const Commit& body, ByteWriter& out) {
  out.U64(body.first);
  out.U64(body.floor);
  PutCount<uint16_t>(body.records.size(), out);
  PutCount<uint8_t>(body.progress.size(), out);
  PutCount<uint8_t>(body.limits.size(), out);
  PutAll(body.records, out);
  PutAll(body.progress, out);
  PutAll(body.limits, out);
}

Decoded<Commit> DecodeCommit(ByteSpan body) {
  ByteReader in(body);
  Commit commit;
  commit.first = in.U64();
  commit.floor = in.U64();
  const size_t records = in.U16();
  const size_t progress = in.U8();
  const size_t limits = in.U8();
  if (records > 0 && (commit.first == 0 || commit.first > kMax - (records - 1))) in.Fail();
  commit.records = TakeList(in, records, kLogRecordBytesMin, TakeCommitRecord);
  commit.progress = TakeList(in, progress, kPositionBytes, TakePosition);
  commit.limits = TakeList(in, limits, kLimitBytes, TakeLimit);
  return Result(std::move(commit), in);
}

void Encode(const Resend& body, ByteWriter& out) {
  PutCount<uint8_t>(body.requests.size(), out, kMaxResendRequests);
  PutZeros(3, out);
  out.U64(body.log_from);
  out.U64(body.log_to);
  for (const ResendRequest& request : body.requests) Put(request, out);
}

Decoded<Resend> DecodeResend(ByteSpan body) {
  ByteReader in(body);
  Resend resend;
  const size_t requests = in.U8();
  in.Skip(3);
  resend.log_from = in.U64();
  resend.log_to = in.U64();
  if ((resend.log_from == 0) != (resend.log_to == 0) || resend.log_from > resend.log_to ||
      requests > kMaxResendRequests) {
    in.Fail();
  }
  resend.requests = TakeList(in, requests, kRequestBytes, TakeRequest);
  return Result(std::move(resend), in);
}

void Encode(const Heartbeat& body, ByteWriter& out) {
  out.U64(body.log_last);
  out.U64(body.log_floor);
  internal::Put(body.promised, out);
  out.U32(body.nonce);
  out.U8(FlagsOf(body));
  PutCount<uint8_t>(body.tails.size(), out, kStreamSlots);
  out.U16(0);
  for (const StreamTail& tail : body.tails) {
    out.U8(tail.stream);
    PutZeros(3, out);
    out.U64(tail.last);
    out.U64(tail.first_kept);
  }
}

Decoded<Heartbeat> DecodeHeartbeat(ByteSpan body) {
  ByteReader in(body);
  Heartbeat heartbeat;
  heartbeat.log_last = in.U64();
  heartbeat.log_floor = in.U64();
  heartbeat.promised = TakeEpoch(in);
  heartbeat.nonce = in.U32();
  SetFlags(in.U8(), heartbeat);
  const size_t tails = in.U8();
  in.Skip(2);
  heartbeat.tails = TakeList(in, tails, kTailBytes, TakeTail);
  if (in.ok() && NamesAStreamTwice(heartbeat.tails)) in.Fail();
  return Result(std::move(heartbeat), in);
}

void Encode(const Ranges& body, ByteWriter& out) {
  if (body.ranges.empty()) return out.Fail();
  PutCount<uint8_t>(body.ranges.size(), out);
  PutZeros(3, out);
  PutAll(body.ranges, out);
}

Decoded<Ranges> DecodeRanges(ByteSpan body) {
  ByteReader in(body);
  Ranges ranges;
  const size_t count = in.U8();
  in.Skip(3);
  if (count == 0) in.Fail();
  ranges.ranges = TakeList(in, count, kRangeBytes, TakeRange);
  return Result(std::move(ranges), in);
}

size_t EncodedSizeMax(const Commit& commit) {
  return 20 + SizeOf(commit.records) + commit.progress.size() * kPositionBytes +
         commit.limits.size() * kLimitBytes;
}

}  // namespace strata::multicast
