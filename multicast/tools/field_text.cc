#include "multicast/tools/field_text.h"

#include <algorithm>

#include "common/hex.h"

namespace strata::multicast {
namespace {

std::string Joined(const std::string& a, char between, uint64_t b) {
  return a + between + std::to_string(b);
}

std::string StreamText(Slot slot, StreamId stream) {
  return Joined(std::to_string(slot), '/', stream);
}

}  // namespace

std::string Describe(const Position& position) {
  return Joined(StreamText(position.slot, position.stream), ':', position.seq);
}

std::string Describe(const Limit& limit) {
  return Joined(std::to_string(limit.slot), ':', limit.records);
}

std::string Describe(const Range& range) {
  std::string text = Joined(StreamText(range.slot, range.stream), ':', range.from);
  return Joined(text, '-', range.to) + "," + AbortReasonText(range.reason);
}

std::string Describe(const LogRecord& record) {
  std::string text;
  switch (record.kind) {
    case LogRecord::Kind::kAdvance:
      text = "advance" + DescribeAll(record.positions);
      break;
    case LogRecord::Kind::kAborted:
      text = "aborted" + DescribeAll(record.ranges);
      break;
    case LogRecord::Kind::kView:
      return "view(" + (record.view ? Describe(*record.view) : std::string()) + ")";
  }
  std::replace(text.begin(), text.end(), ' ', ';');
  return text;
}

std::string Describe(const StreamTail& tail) {
  return Joined(Joined(std::to_string(tail.stream), ':', tail.first_kept), '-', tail.last);
}

std::string Describe(const ResendRequest& request) {
  const std::string text = Joined(StreamText(request.slot, request.stream), ':', request.from);
  return Joined(text, '+', request.count);
}

std::string Describe(const MemberInfo& member) {
  std::string text = std::to_string(member.id.value());
  text += ",";
  text += ToString(member.role);
  text += ",";
  text += ToString(member.status);
  if (member.voter) text += ",voter";
  if (member.role == Role::kManager) text += ",priority=" + std::to_string(member.priority);
  text += "," + ToString(member.unicast);
  text += ",mtu=" + std::to_string(member.mtu);
  text += ",version=" + std::to_string(member.version_min);
  if (member.version_max != member.version_min) text = Joined(text, '-', member.version_max);
  return text;
}

std::string Describe(const View& view) {
  std::string text = "view=" + std::to_string(view.number) + " epoch=" + ToString(view.epoch);
  text += " version=" + std::to_string(view.version);
  if (view.fan_out) text += " fan-out";
  if (view.quorum_none) text += " quorum-none";
  text += " log=" + std::to_string(view.log_number);
  return text + " members=" + DescribeAll(view.members);
}

std::string DescribePayload(ByteSpan payload, size_t bytes_max) {
  const ByteSpan shown = payload.first(std::min(payload.size(), bytes_max));
  const bool printable = std::all_of(shown.begin(), shown.end(), [](uint8_t byte) {
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
  });
  std::string text = printable ? "\"" + std::string(AsText(shown)) + "\"" : ToHex(shown);
  if (shown.size() < payload.size()) text += "...";
  return text;
}

std::string AbortReasonText(uint16_t reason) {
  switch (reason) {
    case kAbortedBySender:
      return "sender";
    case kAbortRefused:
      return "refused";
    case kAbortPrepareTimeout:
      return "prepare-timeout";
    case kAbortTargetEvicted:
      return "target-evicted";
    case kAbortQueueCleared:
      return "queue-cleared";
    default:
      return (reason >= kApplicationReason ? "application-" : "reason-") + std::to_string(reason);
  }
}

std::string JoinRefusalText(uint16_t reason) {
  switch (static_cast<JoinRefusal>(reason)) {
    case JoinRefusal::kDuplicateId:
      return "duplicate-id";
    case JoinRefusal::kVersion:
      return "version";
    case JoinRefusal::kGroupFull:
      return "group-full";
    case JoinRefusal::kNotReachable:
      return "not-reachable";
    case JoinRefusal::kMtu:
      return "mtu";
    case JoinRefusal::kNotAllowed:
      return "not-allowed";
  }
  return "reason-" + std::to_string(reason);
}

}  // namespace strata::multicast
