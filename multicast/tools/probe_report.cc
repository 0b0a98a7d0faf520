#include "multicast/tools/probe_report.h"

#include <algorithm>
#include <cstdio>
#include <optional>

namespace strata::multicast {
namespace {

using Row = std::vector<std::string>;

// By unicast if there are any: multicast answers wait for each other on the way.
std::optional<Duration> RoundTrip(const ProbedMember& member, double quantile) {
  std::vector<Duration> all = member.path(ProbePath::kUnicast).round_trips;
  if (all.empty()) all = member.path(ProbePath::kMulticast).round_trips;
  if (all.empty()) return std::nullopt;
  const auto index = std::min(all.size() - 1, static_cast<size_t>(quantile * all.size()));
  std::nth_element(all.begin(), all.begin() + static_cast<ptrdiff_t>(index), all.end());
  return all[index];
}

std::string Format(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

std::string RoundTripText(const ProbedMember& member, double quantile) {
  const std::optional<Duration> trip = RoundTrip(member, quantile);
  return trip ? Format("%.2f ms", Seconds(*trip) * 1e3) : "-";
}

std::string LossText(const PathTally& tally) {
  return tally.sent == 0 ? "-" : Format("%.1f %%", tally.loss_percent());
}

std::string_view ReachText(Reach reach) {
  switch (reach) {
    case Reach::kBothWays:
      return "both ways";
    case Reach::kToIt:
      return "to it";
    case Reach::kFromIt:
      return "from it";
    case Reach::kNot:
      return "no";
  }
  return "";
}

std::string FullSizeText(const ProbedMember& member) {
  const bool tried = member.path(ProbePath::kLargeMulticast).sent > 0 ||
                     member.path(ProbePath::kLargeUnicast).sent > 0;
  if (!tried || !member.answered) return "-";
  return (FullSizeWorks(member) ? "yes " : "NO ") + std::to_string(member.info.mtu);
}

std::string VersionText(const MemberInfo& info) {
  std::string text = std::to_string(info.version_min);
  if (info.version_max != info.version_min) text += "-" + std::to_string(info.version_max);
  return text;
}

Row RowOf(const ProbedMember& member) {
  const MemberInfo& info = member.info;
  return {std::to_string(info.id.value()) + (member.is_sm() ? "*" : " "),
          member.answered ? std::string(ToString(info.role)) : "?",
          member.answered ? std::string(ToString(info.status)) : "?",
          RoundTripText(member, 0.5),
          RoundTripText(member, 0.99),
          LossText(member.path(ProbePath::kMulticast)),
          LossText(member.path(ProbePath::kUnicast)),
          std::string(ReachText(MulticastReach(member))),
          UnicastReach(member) ? "yes" : "no",
          FullSizeText(member),
          member.answered ? VersionText(info) : "?",
          member.view_number == 0 ? "none" : std::to_string(member.view_number),
          ToString(info.unicast)};
}

void WriteRows(const std::vector<Row>& rows, std::ostream& out) {
  std::vector<size_t> widths(rows[0].size());
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  constexpr size_t kNumbers[] = {0, 3, 4, 5, 6};  // Set to the right.
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string gap(widths[i] - row[i].size(), ' ');
      const bool right =
          std::find(std::begin(kNumbers), std::end(kNumbers), i) != std::end(kNumbers);
      line += (i == 0 ? "" : "  ") + (right ? gap + row[i] : row[i] + gap);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  }
}

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return quoted + "\"";
}

std::string Micros(const std::optional<Duration>& trip) {
  return trip ? Format("%.1f", Seconds(*trip) * 1e6) : "null";
}

const char* Boolean(bool value) { return value ? "true" : "false"; }

void WriteMember(const ProbedMember& member, std::ostream& out) {
  const MemberInfo& info = member.info;
  const auto loss = [&member](ProbePath path) {
    const PathTally& tally = member.path(path);
    return tally.sent == 0 ? "null" : Format("%.2f", tally.loss_percent());
  };
  out << "{\"id\": " << info.id.value() << ", \"answered\": " << Boolean(member.answered)
      << ", \"role\": " << Quoted(ToString(info.role))
      << ", \"status\": " << Quoted(ToString(info.status))
      << ", \"sm\": " << Boolean(member.is_sm())
      << ", \"address\": " << Quoted(ToString(info.unicast))
      << ", \"round_trip_p50_us\": " << Micros(RoundTrip(member, 0.5))
      << ", \"round_trip_p99_us\": " << Micros(RoundTrip(member, 0.99))
      << ", \"loss_multicast_percent\": " << loss(ProbePath::kMulticast)
      << ", \"loss_unicast_percent\": " << loss(ProbePath::kUnicast)
      << ", \"multicast\": " << Quoted(ReachText(MulticastReach(member)))
      << ", \"unicast\": " << Boolean(UnicastReach(member))
      << ", \"full_size\": " << Boolean(FullSizeWorks(member)) << ", \"mtu\": " << info.mtu
      << ", \"version_min\": " << int{info.version_min}
      << ", \"version_max\": " << int{info.version_max} << ", \"view\": " << member.view_number
      << ", \"epoch\": " << Quoted(ToString(member.epoch)) << "}";
}

}  // namespace

void WriteTable(const ProbeReport& report, std::ostream& out) {
  out << report.group << "\n\n";
  if (!report.members.empty()) {
    std::vector<Row> rows = {{"id ", "role", "status", "rtt p50", "rtt p99", "lost mcast",
                              "lost ucast", "multicast", "unicast", "full size", "version", "view",
                              "address"}};
    for (const auto& [id, member] : report.members) rows.push_back(RowOf(member));
    WriteRows(rows, out);
    out << "* Service Manager\n\n";
  }
  if (report.findings.empty()) {
    out << "All is well: " << report.members.size()
        << " members answer by multicast and unicast.\n";
  }
  for (const std::string& finding : report.findings) out << "- " << finding << ".\n";
}

void WriteJson(const ProbeReport& report, std::ostream& out) {
  out << "{\"group\": " << Quoted(report.group)
      << ",\n \"ok\": " << Boolean(report.findings.empty()) << ",\n \"members\": [";
  const char* between = "\n  ";
  for (const auto& [id, member] : report.members) {
    out << between;
    WriteMember(member, out);
    between = ",\n  ";
  }
  out << "],\n \"findings\": [";
  between = "\n  ";
  for (const std::string& finding : report.findings) {
    out << between << Quoted(finding);
    between = ",\n  ";
  }
  out << "]}\n";
}

}  // namespace strata::multicast
