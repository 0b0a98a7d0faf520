#include <cstdarg>
#include <cstdio>
#include <string>

#include "tests/simulation/packet.h"

// Packets as one line of text, for traces.
namespace strata::simulation {

using multicast::PacketType;

namespace {

std::string Format(const char* format, ...) __attribute__((format(printf, 1, 2)));
std::string Format(const char* format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  return text;
}

const char* NameOf(PacketType type) {
  switch (type) {
    case PacketType::kData:
      return "DATA";
    case PacketType::kAck:
      return "ACK";
    case PacketType::kCommit:
      return "COMMIT";
    case PacketType::kResend:
      return "RESEND";
    case PacketType::kHeartbeat:
      return "HEARTBEAT";
    case PacketType::kAbort:
      return "ABORT";
    case PacketType::kAbortAck:
      return "ABORT_ACK";
    case PacketType::kRefuse:
      return "REFUSE";
    case PacketType::kPropose:
      return "PROPOSE";
    case PacketType::kReport:
      return "REPORT";
    case PacketType::kView:
      return "VIEW";
    case PacketType::kViewAck:
      return "VIEW_ACK";
    case PacketType::kInstall:
      return "INSTALL";
    case PacketType::kJoin:
      return "JOIN";
    case PacketType::kJoinRefused:
      return "JOIN_REFUSED";
    case PacketType::kProbe:
      return "PROBE";
    case PacketType::kProbeReply:
      return "PROBE_REPLY";
    case PacketType::kSnapshotRequest:
      return "SNAPSHOT_REQUEST";
    case PacketType::kSnapshotChunk:
      return "SNAPSHOT_CHUNK";
    case PacketType::kFragment:
      return "FRAGMENT";
  }
  return "UNKNOWN";
}

std::string Text(const multicast::Epoch& epoch) {
  return Format("%llu.%u", static_cast<unsigned long long>(epoch.counter), epoch.proposer.value());
}

std::string Text(const std::vector<multicast::Position>& positions) {
  std::string text;
  for (const auto& p : positions) {
    text += Format(" %u/%u:%llu", p.slot, p.stream, static_cast<unsigned long long>(p.seq));
  }
  return text;
}

std::string Text(const std::vector<multicast::Range>& ranges) {
  std::string text;
  for (const auto& r : ranges) {
    text +=
        Format(" %u/%u:%llu-%llu(%u)", r.slot, r.stream, static_cast<unsigned long long>(r.from),
               static_cast<unsigned long long>(r.to), r.reason);
  }
  return text;
}

std::string Text(const multicast::View& view) {
  std::string text =
      Format(" v%u e%s @%llu%s {", view.number, Text(view.epoch).c_str(),
             static_cast<unsigned long long>(view.log_number), view.fan_out ? " fan-out" : "");
  for (const auto& m : view.members) {
    const char* status = m.status == multicast::MemberStatus::kLearner   ? "L"
                         : m.status == multicast::MemberStatus::kWitness ? "W"
                                                                         : "";
    text += Format(" %u%s%s", m.id.value(), status, m.voter ? "*" : "");
  }
  return text + " }";
}

std::string Text(uint64_t first, const std::vector<multicast::LogRecord>& records) {
  std::string text;
  for (const auto& record : records) {
    text += Format(" #%llu", static_cast<unsigned long long>(first++));
    if (record.kind == multicast::LogRecord::Kind::kAdvance)
      text += "[" + Text(record.positions) + " ]";
    if (record.kind == multicast::LogRecord::Kind::kAborted) {
      text += "[aborted" + Text(record.ranges) + " ]";
    }
    if (record.view) text += "[view" + Text(*record.view) + " ]";
  }
  return text;
}

std::string TextOf(const DataNote& data) {
  std::string text = Format(" origin %u%s%s:", data.origin,
                            (data.flags & multicast::kAckNow) != 0 ? " ack-now" : "",
                            (data.flags & multicast::kRepair) != 0 ? " repair" : "");
  size_t shown = 0;
  for (const auto& r : data.records) {
    if (++shown > 12) return text + Format(" ... (%zu records)", data.records.size());
    text += Format(" %u:%llu%s%s%s", r.stream, static_cast<unsigned long long>(r.seq),
                   (r.flags & multicast::kInit) != 0 ? "i" : "",
                   (r.flags & multicast::kNoMore) != 0 ? "n" : "",
                   (r.flags & multicast::kReceived) != 0 ? "r" : "");
    if ((r.flags & multicast::kPrepare) != 0) text += "p";
  }
  return text;
}

std::string TextOf(const multicast::Commit& commit) {
  return Format(" floor %llu first %llu", static_cast<unsigned long long>(commit.floor),
                static_cast<unsigned long long>(commit.first)) +
         Text(commit.first, commit.records) + " progress" + Text(commit.progress);
}

std::string TextOf(const multicast::Resend& resend) {
  std::string text = Format(" log %llu-%llu", static_cast<unsigned long long>(resend.log_from),
                            static_cast<unsigned long long>(resend.log_to));
  for (const auto& r : resend.requests) {
    text += Format(" %u/%u:%llu+%u", r.slot, r.stream, static_cast<unsigned long long>(r.from),
                   r.count);
  }
  return text;
}

std::string TextOf(const multicast::Heartbeat& heartbeat) {
  std::string text =
      Format(" log %llu floor %llu promised %s nonce %u%s%s%s%s",
             static_cast<unsigned long long>(heartbeat.log_last),
             static_cast<unsigned long long>(heartbeat.log_floor), Text(heartbeat.promised).c_str(),
             heartbeat.nonce, heartbeat.ack_requested ? " ack-requested" : "",
             heartbeat.unicast_copy ? " copy" : "", heartbeat.frozen ? " frozen" : "",
             heartbeat.synced ? " synced" : "");
  for (const auto& t : heartbeat.tails) {
    text += Format(" %u:%llu(kept %llu)", t.stream, static_cast<unsigned long long>(t.last),
                   static_cast<unsigned long long>(t.first_kept));
  }
  return text;
}

std::string TextOf(const multicast::Report& report) {
  std::string text = Format(" ballot %s promised %s status %u%s durable %llu log %llu held",
                            Text(report.ballot).c_str(), Text(report.promised).c_str(),
                            static_cast<unsigned>(report.status), report.synced ? " synced" : "",
                            static_cast<unsigned long long>(report.durable_commit),
                            static_cast<unsigned long long>(report.log_seen));
  text += Text(report.positions);
  if (report.installed) text += " installed" + Text(*report.installed);
  if (report.accepted) text += " accepted" + Text(report.accepted->view);
  return text;
}

std::string TextOf(const multicast::ViewProposal& proposal) {
  return " ballot " + Text(proposal.ballot) + Format(" quorums %zu", proposal.quorums.size()) +
         Text(proposal.view) + Text(proposal.log_first, proposal.records) + " at" +
         Text(proposal.positions);
}

}  // namespace

std::string Packet::Text() const {
  std::string text = Format("%s from %u e%s v%u", NameOf(type()), header_.sender.value(),
                            simulation::Text(header_.epoch).c_str(), header_.view_number);
  if (const auto* data = As<DataNote>()) return text + TextOf(*data);
  if (const auto* ack = As<multicast::Ack>()) {
    return text +
           Format(" log %llu%s", static_cast<unsigned long long>(ack->log_seen),
                  ack->synced ? " synced" : "") +
           simulation::Text(ack->positions);
  }
  if (const auto* commit = As<multicast::Commit>()) return text + TextOf(*commit);
  if (const auto* resend = As<multicast::Resend>()) return text + TextOf(*resend);
  if (const auto* heartbeat = As<multicast::Heartbeat>()) return text + TextOf(*heartbeat);
  if (const auto* ranges = As<multicast::Ranges>()) return text + simulation::Text(ranges->ranges);
  if (const auto* propose = As<multicast::Propose>()) {
    return text + " ballot " + simulation::Text(propose->ballot);
  }
  if (const auto* report = As<multicast::Report>()) return text + TextOf(*report);
  if (const auto* proposal = As<multicast::ViewProposal>()) return text + TextOf(*proposal);
  if (const auto* ballot = As<multicast::Ballot>()) {
    return text + " ballot " + simulation::Text(ballot->ballot);
  }
  if (const auto* f = As<FragmentNote>()) {
    return text + Format(" %u of %u of %s", f->index, f->count,
                         NameOf(static_cast<PacketType>(f->inner_type)));
  }
  return text + Format(" %zu bytes", datagram_.size());
}

}  // namespace strata::simulation
