#pragma once

#include <cstdint>
#include <vector>

#include "common/bytes.h"
#include "multicast/wire/header.h"
#include "multicast/wire/types.h"

// The packets of a running view: acknowledgement, commit, repair, heartbeat, abort
// (docs/protocols/multicast.md, sections 4.2 to 4.6).
namespace strata::multicast {

struct Ack {
  uint64_t log_seen = 0;
  uint32_t nonce = 0;
  bool synced = false;
  std::vector<Position> positions;  // At most 255.
  std::vector<Limit> limits;        // At most 255.
  friend bool operator==(const Ack&, const Ack&) = default;
};

struct Commit {
  uint64_t first = 0;
  uint64_t floor = 0;
  std::vector<LogRecord> records;  // kAdvance and kAborted only.
  std::vector<Position> progress;
  std::vector<Limit> limits;
  friend bool operator==(const Commit&, const Commit&) = default;
};

struct ResendRequest {
  Slot slot = 0;
  StreamId stream = 0;
  uint16_t count = 0;
  Seq from = 0;
  friend bool operator==(const ResendRequest&, const ResendRequest&) = default;
};
struct Resend {
  uint64_t log_from = 0;  // 0: no log wanted.
  uint64_t log_to = 0;
  std::vector<ResendRequest> requests;
  friend bool operator==(const Resend&, const Resend&) = default;
};

struct StreamTail {
  StreamId stream = 0;
  Seq last = 0;        // Last seq sent.
  Seq first_kept = 0;  // First seq that can still be repaired; an init record.
  friend bool operator==(const StreamTail&, const StreamTail&) = default;
};
struct Heartbeat {
  uint64_t log_last = 0;
  uint64_t log_floor = 0;
  Epoch promised;
  uint32_t nonce = 0;
  bool ack_requested = false;
  bool unicast_copy = false;
  bool hears_sm = false;
  bool synced = false;
  bool frozen = false;
  bool multicast_test = false;
  std::vector<StreamTail> tails;  // At most kStreamSlots.
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

// Body of ABORT, ABORT_ACK and REFUSE.
struct Ranges {
  std::vector<Range> ranges;  // At most 255.
  friend bool operator==(const Ranges&, const Ranges&) = default;
};

void Encode(const Ack& body, ByteWriter& out);
void Encode(const Commit& body, ByteWriter& out);
void Encode(const Resend& body, ByteWriter& out);
void Encode(const Heartbeat& body, ByteWriter& out);
void Encode(const Ranges& body, ByteWriter& out);

Decoded<Ack> DecodeAck(ByteSpan body);
Decoded<Commit> DecodeCommit(ByteSpan body);
Decoded<Resend> DecodeResend(ByteSpan body);
Decoded<Heartbeat> DecodeHeartbeat(ByteSpan body);
Decoded<Ranges> DecodeRanges(ByteSpan body);

// Bytes that Encode needs.
size_t EncodedSizeMax(const Commit& commit);

}  // namespace strata::multicast
