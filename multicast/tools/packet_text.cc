#include "multicast/tools/packet_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "common/number.h"
#include "multicast/tools/field_text.h"
#include "multicast/tools/line.h"

namespace strata::multicast {
namespace {

using Lines = std::vector<std::string>;

constexpr std::array<std::string_view, 21> kTypeNames = {"",
                                                         "DATA",
                                                         "ACK",
                                                         "COMMIT",
                                                         "RESEND",
                                                         "HEARTBEAT",
                                                         "ABORT",
                                                         "ABORT_ACK",
                                                         "REFUSE",
                                                         "PROPOSE",
                                                         "REPORT",
                                                         "VIEW",
                                                         "VIEW_ACK",
                                                         "INSTALL",
                                                         "JOIN",
                                                         "JOIN_REFUSED",
                                                         "PROBE",
                                                         "PROBE_REPLY",
                                                         "SNAPSHOT_REQUEST",
                                                         "SNAPSHOT_CHUNK",
                                                         "FRAGMENT"};

std::string HexNumber(uint64_t value, int digits) {
  std::string text;
  for (int i = digits - 1; i >= 0; --i) text += "0123456789abcdef"[(value >> (4 * i)) & 0xf];
  return text;
}

std::string RecordLine(const DataReader& data, const Record& record, size_t payload_bytes) {
  Line line;
  line.Field("origin", data.origin());
  line.WordIf(data.flags() & kAckNow, "ack-now").WordIf(data.flags() & kRepair, "repair");
  line.Field("stream", record.stream).Field("seq", record.seq);
  line.WordIf(record.flags & kInit, "init").WordIf(record.flags & kNoMore, "no-more");
  line.WordIf(record.flags & kReceived, "received").WordIf(record.flags & kPrepare, "prepare");
  line.WordIf(record.flags & kReplies, "replies").WordIf(record.flags & kAllOf, "all-of");
  line.Field("bytes", record.payload.size());
  if (BearsMessageLength(record.flags)) line.Field("message-bytes", record.message_bytes);
  if (payload_bytes > 0) line.Word(DescribePayload(record.payload, payload_bytes));
  return line.text();
}

Decoded<Lines> DataLines(ByteSpan body, size_t payload_bytes) {
  DataReader data(body);
  if (const std::optional<DecodeError> error = data.Check()) return *error;
  Lines lines;
  while (const std::optional<Record> record = data.Next()) {
    lines.push_back(RecordLine(data, *record, payload_bytes));
  }
  return lines;
}

void Write(const Ack& ack, Line& line) {
  line.Field("log-seen", ack.log_seen).Field("nonce", HexNumber(ack.nonce, 8));
  line.WordIf(ack.synced, "synced").Field("held", DescribeAll(ack.positions));
  line.Field("limits", DescribeAll(ack.limits));
}

void Write(const Commit& commit, Line& line) {
  line.Field("first", commit.first).Field("floor", commit.floor);
  line.Field("log", DescribeAll(commit.records));
  line.Field("progress", DescribeAll(commit.progress));
  line.Field("limits", DescribeAll(commit.limits));
}

void Write(const Resend& resend, Line& line) {
  if (resend.log_from > 0) {
    line.Field("log", std::to_string(resend.log_from) + "-" + std::to_string(resend.log_to));
  }
  line.Field("wanted", DescribeAll(resend.requests));
}

void Write(const Heartbeat& heartbeat, Line& line) {
  line.Field("log-last", heartbeat.log_last).Field("floor", heartbeat.log_floor);
  line.Field("promised", ToString(heartbeat.promised));
  line.Field("nonce", HexNumber(heartbeat.nonce, 8));
  line.WordIf(heartbeat.ack_requested, "ack-requested");
  line.WordIf(heartbeat.unicast_copy, "unicast-copy").WordIf(heartbeat.hears_sm, "hears-sm");
  line.WordIf(heartbeat.synced, "synced").WordIf(heartbeat.frozen, "frozen");
  line.WordIf(heartbeat.multicast_test, "multicast-test");
  line.Field("streams", DescribeAll(heartbeat.tails));
}

void Write(const Ranges& ranges, Line& line) { line.Field("ranges", DescribeAll(ranges.ranges)); }

void Write(const Propose& propose, Line& line) {
  line.Field("ballot", ToString(propose.ballot)).Field("log-seen", propose.log_seen);
}

void Write(const ViewProposal& proposal, Line& line) {
  line.Field("ballot", ToString(proposal.ballot));
  std::string quorums;
  for (const std::vector<MemberId>& quorum : proposal.quorums) {
    std::string ids;
    for (const MemberId id : quorum) ids += (ids.empty() ? "" : ",") + std::to_string(id.value());
    quorums += (quorums.empty() ? "" : ";") + ids;
  }
  line.Field("quorums", "[" + quorums + "]").Word(Describe(proposal.view));
  line.Field("log-first", proposal.log_first).Field("log-records", DescribeAll(proposal.records));
  line.Field("positions", DescribeAll(proposal.positions));
}

void Write(const Report& report, Line& line) {
  line.Field("ballot", ToString(report.ballot)).Field("promised", ToString(report.promised));
  line.Field("status", ToString(report.status)).WordIf(report.synced, "synced");
  line.Field("durable", report.durable_commit).Field("log-seen", report.log_seen);
  line.Field("self", Describe(report.self)).Field("held", DescribeAll(report.positions));
  line.Field("log", DescribeAll(report.records));
  if (report.installed) line.Field("installed", "{" + Describe(*report.installed) + "}");
  if (report.accepted) {
    Line accepted;
    Write(*report.accepted, accepted);
    line.Field("accepted", "{" + accepted.text() + "}");
  }
}

void Write(const Ballot& ballot, Line& line) { line.Field("ballot", ToString(ballot.ballot)); }

void Write(const Join& join, Line& line) {
  line.Field("self", Describe(join.self)).Field("durable-epoch", ToString(join.durable_epoch));
  line.Field("durable", join.durable_commit).Field("evicted-from", join.evicted_from);
}

void Write(const JoinRefused& refused, Line& line) {
  line.Field("reason", JoinRefusalText(refused.reason));
}

void Write(const Probe& probe, Line& line) {
  line.Field("nonce", HexNumber(probe.nonce, 16));
  line.WordIf(probe.answer_to_group, "answer-to-group");
  line.WordIf(probe.answer_padded, "answer-padded").Field("padding", probe.padding);
}

void Write(const ProbeReply& reply, Line& line) {
  line.Field("nonce", HexNumber(reply.nonce, 16));
  line.WordIf(reply.by_multicast, "by-multicast").WordIf(reply.to_group, "to-group");
  line.Field("mtu", reply.mtu).Field("self", Describe(reply.self));
  line.Field("log-seen", reply.log_seen).Field("padding", reply.padding);
}

void Write(const SnapshotRequest& request, Line& line) {
  line.Field("nonce", HexNumber(request.nonce, 16)).Field("min-commit", request.min_commit);
  line.Field("offset", request.offset).Field("bytes", request.bytes);
}

void Write(const SnapshotChunk& chunk, Line& line) {
  line.Field("nonce", HexNumber(chunk.nonce, 16)).WordIf(chunk.not_ready, "not-ready");
  line.WordIf(chunk.refused, "refused").Field("commit", chunk.commit).Field("total", chunk.total);
  line.Field("offset", chunk.offset).Field("bytes", chunk.bytes.size());
}

void Write(const Fragment& fragment, Line& line) {
  line.Field("of", PacketTypeName(fragment.inner_type));
  line.Field("body", HexNumber(fragment.body_id, 8)).Field("index", fragment.index);
  line.Field("count", fragment.count).Field("bytes", fragment.bytes.size());
}

template <class T>
Decoded<Lines> OneLine(const Decoded<T>& decoded) {
  if (const DecodeError* error = std::get_if<DecodeError>(&decoded)) return *error;
  Line line;
  Write(std::get<T>(decoded), line);
  return Lines{line.text()};
}

}  // namespace

std::string PacketTypeName(uint8_t type) {
  if (type > 0 && type < kTypeNames.size()) return std::string(kTypeNames[type]);
  return "type-" + std::to_string(type);
}

std::optional<uint8_t> ParsePacketType(const std::string& name) {
  if (const std::optional<uint8_t> number = ParseNumber<uint8_t>(name)) {
    if (*number == 0 || *number >= kSealedBit) return std::nullopt;
    return number;
  }
  std::string upper = name;
  for (char& c : upper) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
  const auto found = std::find(kTypeNames.begin() + 1, kTypeNames.end(), upper);
  if (found == kTypeNames.end()) return std::nullopt;
  return static_cast<uint8_t>(found - kTypeNames.begin());
}

Decoded<Lines> DescribeBody(uint8_t type, ByteSpan body, size_t payload_bytes) {
  switch (static_cast<PacketType>(type)) {
    case PacketType::kData:
      return DataLines(body, payload_bytes);
    case PacketType::kAck:
      return OneLine(DecodeAck(body));
    case PacketType::kCommit:
      return OneLine(DecodeCommit(body));
    case PacketType::kResend:
      return OneLine(DecodeResend(body));
    case PacketType::kHeartbeat:
      return OneLine(DecodeHeartbeat(body));
    case PacketType::kAbort:
    case PacketType::kAbortAck:
    case PacketType::kRefuse:
      return OneLine(DecodeRanges(body));
    case PacketType::kPropose:
      return OneLine(DecodePropose(body));
    case PacketType::kReport:
      return OneLine(DecodeReport(body));
    case PacketType::kView:
      return OneLine(DecodeViewProposal(body));
    case PacketType::kViewAck:
    case PacketType::kInstall:
      return OneLine(DecodeBallot(body));
    case PacketType::kJoin:
      return OneLine(DecodeJoin(body));
    case PacketType::kJoinRefused:
      return OneLine(DecodeJoinRefused(body));
    case PacketType::kProbe:
      return OneLine(DecodeProbe(body));
    case PacketType::kProbeReply:
      return OneLine(DecodeProbeReply(body));
    case PacketType::kSnapshotRequest:
      return OneLine(DecodeSnapshotRequest(body));
    case PacketType::kSnapshotChunk:
      return OneLine(DecodeSnapshotChunk(body));
    case PacketType::kFragment:
      return OneLine(DecodeFragment(body));
  }
  return DecodeError::kUnknownType;
}

}  // namespace strata::multicast
