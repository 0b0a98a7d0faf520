#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/bytes.h"
#include "multicast/wire/header.h"
#include "multicast/wire/types.h"

// The packets that make a view, and those of who wants into one (docs/protocols/multicast.md,
// sections 4.7 to 4.9).
namespace strata::multicast {

struct Propose {
  Epoch ballot;
  uint64_t log_seen = 0;
  friend bool operator==(const Propose&, const Propose&) = default;
};

// Body of VIEW.
struct ViewProposal {
  Epoch ballot;
  std::vector<std::vector<MemberId>> quorums;  // 1 to kMaxQuorums sets, none empty.
  View view;
  uint64_t log_first = 0;  // Number of records[0]; log_first + records.size() == view.log_number.
  std::vector<LogRecord> records;
  std::vector<Position> positions;  // Slots of `view`.
  friend bool operator==(const ViewProposal&, const ViewProposal&) = default;
};

struct Report {
  Epoch ballot;
  Epoch promised;
  MemberStatus status = MemberStatus::kNone;
  bool synced = false;
  uint64_t durable_commit = 0;
  uint64_t log_seen = 0;
  MemberInfo self;
  std::vector<Position> positions;
  std::vector<LogRecord> records;  // Numbered from the proposer's log_seen + 1.
  std::optional<View> installed;
  std::optional<ViewProposal> accepted;
  friend bool operator==(const Report&, const Report&) = default;
};

// Body of VIEW_ACK and INSTALL.
struct Ballot {
  Epoch ballot;
  friend bool operator==(const Ballot&, const Ballot&) = default;
};

struct Join {
  MemberInfo self;
  Epoch durable_epoch;
  uint64_t durable_commit = 0;
  uint32_t evicted_from = 0;
  friend bool operator==(const Join&, const Join&) = default;
};

enum class JoinRefusal : uint16_t {
  kDuplicateId = 1,
  kVersion = 2,
  kGroupFull = 3,
  kNotReachable = 4,
  kMtu = 5,
  kNotAllowed = 6,
};
struct JoinRefused {
  uint16_t reason = 0;  // A JoinRefusal, or one of a later version.
  friend bool operator==(const JoinRefused&, const JoinRefused&) = default;
};

void Encode(const Propose& body, ByteWriter& out);
void Encode(const ViewProposal& body, ByteWriter& out);
void Encode(const Report& body, ByteWriter& out);
void Encode(const Ballot& body, ByteWriter& out);
void Encode(const Join& body, ByteWriter& out);
void Encode(const JoinRefused& body, ByteWriter& out);
void Encode(const View& view, ByteWriter& out);
void Encode(const LogRecord& record, ByteWriter& out);
void Encode(const MemberInfo& member, ByteWriter& out);

Decoded<Propose> DecodePropose(ByteSpan body);
Decoded<ViewProposal> DecodeViewProposal(ByteSpan body);
Decoded<Report> DecodeReport(ByteSpan body);
Decoded<Ballot> DecodeBallot(ByteSpan body);
Decoded<Join> DecodeJoin(ByteSpan body);
Decoded<JoinRefused> DecodeJoinRefused(ByteSpan body);

// For durable state; the reader fails on a malformed view.
View DecodeView(ByteReader& in);

// Bytes that Encode needs.
size_t EncodedSizeMax(const View& view);
size_t EncodedSizeMax(const LogRecord& record);
size_t EncodedSizeMax(const ViewProposal& proposal);
size_t EncodedSizeMax(const Report& report);

}  // namespace strata::multicast
