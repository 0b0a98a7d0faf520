#pragma once

#include <cstdint>
#include <vector>

#include "common/bytes.h"
#include "common/check.h"
#include "common/random.h"
#include "multicast/wire/packets.h"

// Random well-formed packets, for tests only: every field takes any value that section 4 allows,
// and the ends of its range more often than chance would have it.
namespace strata::multicast::testing {

class Values {
 public:
  explicit Values(uint64_t seed) : random_(seed) {}

  uint64_t Number(uint64_t min = 0, uint64_t max = UINT64_MAX);
  bool Flag() { return Number(0, 1) == 1; }
  Bytes SomeBytes(size_t min, size_t max);

  Header AnyHeader();
  Epoch AnyEpoch();
  Position AnyPosition();
  Range AnyRange();
  Limit AnyLimit();
  MemberInfo AnyMember();
  View AnyView();
  LogRecord AnyLogRecord(bool view_allowed);

  Ack AnyAck();
  Commit AnyCommit();
  Resend AnyResend();
  Heartbeat AnyHeartbeat();
  Ranges AnyRanges();
  Propose AnyPropose();
  ViewProposal AnyViewProposal();
  Report AnyReport();
  Ballot AnyBallot();
  Join AnyJoin();
  JoinRefused AnyJoinRefused();
  Probe AnyProbe();
  ProbeReply AnyProbeReply();
  SnapshotRequest AnySnapshotRequest();

 private:
  template <class Make>
  auto Some(size_t max, Make make) {
    std::vector<decltype(make())> items(Number(0, max));
    for (auto& item : items) item = make();
    return items;
  }

  SeededRandom random_;
};

// The body as bytes; room for the largest packet is made.
template <class T>
Bytes Encoded(const T& body) {
  static Bytes buffer(size_t{1} << 20);
  ByteWriter out(buffer);
  Encode(body, out);
  STRATA_CHECK(out.ok());
  return {out.written().begin(), out.written().end()};
}

// Whether Encode finds that `body` is no packet, though there is room.
template <class T>
bool CannotEncode(const T& body) {
  Bytes buffer(size_t{1} << 20);
  ByteWriter out(buffer);
  Encode(body, out);
  return !out.ok();
}

// `bytes` with the byte at `offset` replaced.
inline Bytes With(Bytes bytes, size_t offset, uint8_t value) {
  bytes.at(offset) = value;
  return bytes;
}

// `bytes` with `count` bytes from `offset` replaced by the big-endian `value`.
inline Bytes WithNumber(Bytes bytes, size_t offset, size_t count, uint64_t value) {
  for (size_t i = count; i > 0; --i, value >>= 8) {
    bytes.at(offset + i - 1) = static_cast<uint8_t>(value);
  }
  return bytes;
}

template <class T>
bool IsMalformed(const Decoded<T>& decoded) {
  const DecodeError* error = std::get_if<DecodeError>(&decoded);
  return error != nullptr && *error == DecodeError::kMalformed;
}

}  // namespace strata::multicast::testing
