#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "common/bytes.h"
#include "multicast/wire/types.h"

// The packets of docs/protocols/multicast.md, sections 3 and 4: structs, and functions between them
// and bytes. No policy: what a member thinks of a well-formed packet is the core's business.
//
// Encoders write the *body* with a ByteWriter that the caller sized; overflow shows in writer.ok().
// Decoders take the body, never allocate more than its size warrants, and say why they refuse.
namespace strata::multicast {

enum class PacketType : uint8_t {
  kData = 1,
  kAck = 2,
  kCommit = 3,
  kResend = 4,
  kHeartbeat = 5,
  kAbort = 6,
  kAbortAck = 7,
  kRefuse = 8,
  kPropose = 9,
  kReport = 10,
  kView = 11,
  kViewAck = 12,
  kInstall = 13,
  kJoin = 14,
  kJoinRefused = 15,
  kProbe = 16,
  kProbeReply = 17,
  kSnapshotRequest = 18,
  kSnapshotChunk = 19,
  kFragment = 20,
};

enum class DecodeError : uint8_t {
  kTooShort,
  kBadMagic,
  kBadVersion,
  kMalformed,
  kUnknownType,
};

// A value or the reason why there is none.
template <class T>
using Decoded = std::variant<T, DecodeError>;

struct Header {
  uint8_t version = kProtocolVersion;
  uint8_t type = 0;  // A PacketType, or a number that this version does not know.
  bool sealed = false;
  uint8_t key_id = 0;
  MemberId sender{};
  GroupId group{};
  Epoch epoch;
  uint32_t view_number = 0;
  Incarnation incarnation;
  uint64_t counter = 0;
  friend bool operator==(const Header&, const Header&) = default;
};

// Writes exactly kHeaderBytes.
void Encode(const Header& header, std::span<uint8_t, kHeaderBytes> out);
// kTooShort, kBadMagic or kBadVersion (not 1).
Decoded<Header> DecodeHeader(ByteSpan datagram);

// ---- DATA: the hot path. Records are written and read one by one, without a list in memory.

enum RecordFlag : uint8_t {
  kInit = 0x01,
  kNoMore = 0x02,
  kReceived = 0x04,
  kPrepare = 0x08,
  kReplies = 0x10,
  kAllOf = 0x20,
};
enum DataFlag : uint8_t { kAckNow = 0x01, kRepair = 0x02 };

struct Record {
  StreamId stream = 0;
  uint8_t flags = 0;
  Seq seq = 0;
  uint32_t message_bytes = 0;  // Length of the whole message: in the init record; else 0.
  ByteSpan payload;
};

// Bytes the record takes in a DATA body.
constexpr size_t EncodedSize(const Record& record) {
  bool alone = (record.flags & (kInit | kNoMore)) != kInit;
  return kRecordHeaderBytes + (alone ? 0 : kMessageLengthBytes) + record.payload.size();
}

// Writes a DATA body: construct, Add records, Finish.
class DataWriter {
 public:
  // Reserves the four bytes of the prefix.
  explicit DataWriter(ByteWriter& out);
  // False, and nothing written, if it does not fit.
  bool Add(const Record& record);
  // Writes the prefix.
  void Finish(uint8_t flags, Slot origin);
  uint16_t count() const { return count_; }

 private:
  ByteWriter& out_;
  size_t start_;
  uint16_t count_ = 0;
};

// Reads a DATA body. Check() validates all of it once, so that a bad packet changes nothing;
// Next() then only walks. Payloads point into the body.
class DataReader {
 public:
  explicit DataReader(ByteSpan body) : reader_(body) {}
  // Reads prefix and validates every record. kMalformed: counts, flags, lengths or zero bytes that
  // section 4.1 does not allow. Call once, first.
  std::optional<DecodeError> Check();
  uint8_t flags() const { return flags_; }
  Slot origin() const { return origin_; }
  uint16_t count() const { return count_; }
  // The next record, or nothing after the last.
  std::optional<Record> Next();

 private:
  ByteReader reader_;
  uint8_t flags_ = 0;
  Slot origin_ = 0;
  uint16_t count_ = 0;
  uint16_t left_ = 0;
};

// ---- The control packets.

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

struct Probe {
  uint64_t nonce = 0;
  bool answer_to_group = false;
  bool answer_padded = false;
  uint16_t padding = 0;  // Zero bytes behind; decoders report how many there were.
  friend bool operator==(const Probe&, const Probe&) = default;
};
struct ProbeReply {
  uint64_t nonce = 0;
  bool by_multicast = false;
  bool to_group = false;
  uint16_t mtu = 0;
  MemberInfo self;
  uint64_t log_seen = 0;
  uint16_t padding = 0;
  friend bool operator==(const ProbeReply&, const ProbeReply&) = default;
};

struct SnapshotRequest {
  uint64_t nonce = 0;
  uint64_t min_commit = 0;
  uint64_t offset = 0;
  uint32_t bytes = 0;
  friend bool operator==(const SnapshotRequest&, const SnapshotRequest&) = default;
};
struct SnapshotChunk {
  uint64_t nonce = 0;
  uint64_t commit = 0;
  uint64_t total = 0;
  uint64_t offset = 0;
  bool not_ready = false;
  bool refused = false;
  ByteSpan bytes;  // Points into the body.
};

struct Fragment {
  uint8_t inner_type = 0;
  uint16_t index = 0;
  uint16_t count = 0;
  uint32_t body_id = 0;
  ByteSpan bytes;  // Points into the body.
};

void Encode(const Ack& body, ByteWriter& out);
void Encode(const Commit& body, ByteWriter& out);
void Encode(const Resend& body, ByteWriter& out);
void Encode(const Heartbeat& body, ByteWriter& out);
void Encode(const Ranges& body, ByteWriter& out);
void Encode(const Propose& body, ByteWriter& out);
void Encode(const ViewProposal& body, ByteWriter& out);
void Encode(const Report& body, ByteWriter& out);
void Encode(const Ballot& body, ByteWriter& out);
void Encode(const Join& body, ByteWriter& out);
void Encode(const JoinRefused& body, ByteWriter& out);
void Encode(const Probe& body, ByteWriter& out);
void Encode(const ProbeReply& body, ByteWriter& out);
void Encode(const SnapshotRequest& body, ByteWriter& out);
void Encode(const SnapshotChunk& body, ByteWriter& out);
void Encode(const Fragment& body, ByteWriter& out);
void Encode(const View& view, ByteWriter& out);
void Encode(const LogRecord& record, ByteWriter& out);
void Encode(const MemberInfo& member, ByteWriter& out);

Decoded<Ack> DecodeAck(ByteSpan body);
Decoded<Commit> DecodeCommit(ByteSpan body);
Decoded<Resend> DecodeResend(ByteSpan body);
Decoded<Heartbeat> DecodeHeartbeat(ByteSpan body);
Decoded<Ranges> DecodeRanges(ByteSpan body);
Decoded<Propose> DecodePropose(ByteSpan body);
Decoded<ViewProposal> DecodeViewProposal(ByteSpan body);
Decoded<Report> DecodeReport(ByteSpan body);
Decoded<Ballot> DecodeBallot(ByteSpan body);
Decoded<Join> DecodeJoin(ByteSpan body);
Decoded<JoinRefused> DecodeJoinRefused(ByteSpan body);
Decoded<Probe> DecodeProbe(ByteSpan body);
Decoded<ProbeReply> DecodeProbeReply(ByteSpan body);
Decoded<SnapshotRequest> DecodeSnapshotRequest(ByteSpan body);
Decoded<SnapshotChunk> DecodeSnapshotChunk(ByteSpan body);
Decoded<Fragment> DecodeFragment(ByteSpan body);
// For durable state; the reader fails on a malformed view.
View DecodeView(ByteReader& in);

// Upper bounds for sizing a writer.
size_t EncodedSizeMax(const View& view);
size_t EncodedSizeMax(const LogRecord& record);
size_t EncodedSizeMax(const ViewProposal& proposal);
size_t EncodedSizeMax(const Report& report);
size_t EncodedSizeMax(const Commit& commit);

}  // namespace strata::multicast
