#include <string>
#include <vector>

#include "cli/failure.h"
#include "cli/json.h"
#include "cli/readable.h"
#include "cli/suggestion.h"
#include "cli/table.h"
#include "cli/text_width.h"
#include "cli/tree_text.h"
#include "cli/verbs.h"

namespace strata::cli {
namespace {

constexpr double kNeverExpires = 1e17;  // Seconds; what managers send is above.

std::string ExpiryText(double in_s) {
  if (in_s >= kNeverExpires) return "never";
  return in_s < 0 ? "expired" : "in " + ReadableSeconds(in_s);
}

// What both kinds of answers begin with.
template <class Reply>
void PrintContent(Terminal& terminal, const Reply& reply) {
  terminal.out << terminal.Paint(Printable(reply.canonical_uri()), Colour::kBold) << "\nsite "
               << Printable(reply.site()) << ", key " << Printable(reply.key()) << "\n\n";
}

Table CopyTable(const api::LocateReply& reply) {
  Table table({{"ENGINE"},
               {"STATUS"},
               {"LOAD", Align::kRight},
               {"KIND"},
               {"SIZE", Align::kRight},
               {"EXPIRES"},
               {"VALIDATOR"},
               {"REMARKS"}});
  for (const api::Copy& copy : reply.copies()) {
    table.AddRow({copy.engine(),
                  {copy.status(), ColourOfStatus(copy.status())},
                  ReadableShare(copy.load_factor()),
                  copy.kind(),
                  ReadableBytes(copy.size()),
                  {ExpiryText(copy.expires_in_s()),
                   copy.expires_in_s() < 0 ? Colour::kYellow : Colour::kNone},
                  copy.validator(),
                  {copy.complete() ? "" : "not whole yet", Colour::kYellow}});
  }
  return table;
}

std::string RemarksOn(const locate_api::Copy& copy) {
  std::string remarks;
  const auto add = [&remarks](const char* words) {
    remarks += (remarks.empty() ? "" : "; ") + std::string(words);
  };
  if (copy.engine().empty()) add("somewhere in that scope");
  if (copy.stale()) add("nobody hears of it at the moment");
  if (!copy.complete() && !copy.engine().empty()) add("not whole yet");
  return remarks;
}

Table ScopedCopyTable(const locate_api::TraceReply& reply, std::string_view without_scope) {
  Table table({{"SCOPE"}, {"ENGINE"}, {"KIND"}, {"SIZE", Align::kRight}, {"CLIENTS"}, {"REMARKS"}});
  for (const locate_api::Copy& copy : reply.copies()) {
    if (copy.scope() == without_scope) continue;
    const bool engine = !copy.engine().empty();
    table.AddRow({copy.scope(),
                  copy.engine(),
                  !engine          ? ""
                  : copy.library() ? "library"
                                   : "cache",
                  copy.size() > 0 ? ReadableBytes(copy.size()) : "",
                  Joined(copy.clients()),
                  {RemarksOn(copy), Colour::kYellow}});
  }
  return table;
}

void PrintGaps(Terminal& terminal, const locate_api::TraceReply& reply) {
  if (reply.gaps().empty()) return;
  terminal.out << "\n" << terminal.Paint("Not complete:", Colour::kYellow) << "\n";
  for (const locate_api::Gap& gap : reply.gaps()) {
    terminal.out << "  " << Printable(gap.text()) << "\n";
  }
}

Table HopTable(const locate_api::TraceReply& reply) {
  Table table({{"MANAGER"},
               {"COPIES", Align::kRight},
               {"TOOK", Align::kRight},
               {"FOR ITS ASKER", Align::kRight}});
  std::vector<size_t> depths;
  for (const locate_api::Hop& hop : reply.hops()) depths.push_back(hop.depth());
  const std::vector<std::string> branches = TreeBranches(depths);
  for (int i = 0; i < reply.hops_size(); ++i) {
    const locate_api::Hop& hop = reply.hops(i);
    table.AddRow({branches[static_cast<size_t>(i)] + hop.scope(), ReadableCount(hop.copies()),
                  ReadableMicros(hop.took_us()),
                  hop.depth() == 0 ? "" : ReadableMicros(hop.round_trip_us())});
  }
  return table;
}

// What other farms have, where the manager is one of a federation.
void PrintElsewhere(Terminal& terminal, ManagerClient& manager, const std::string& uri) {
  const StatusOr<locate_api::TraceReply> reply = manager.Trace(uri, false);
  if (!reply.ok()) {
    if (reply.status().code() == StatusCode::kUnimplemented) return;  // An older manager.
    terminal.out << "\nElsewhere: not known, " << Printable(MessageOf(reply.status())) << "\n";
    return;
  }
  const Table table = ScopedCopyTable(*reply, reply->scope());
  if (!table.empty()) terminal.out << "\nElsewhere:\n" << table.Render(terminal.style());
  PrintGaps(terminal, *reply);
}

}  // namespace

ExitCode Locate(Terminal& terminal, ManagerClient& manager, const std::string& uri) {
  const StatusOr<api::LocateReply> reply = manager.Locate(uri);
  if (!reply.ok()) return Fail(terminal, reply.status());
  if (terminal.json) {
    terminal.out << JsonOf(*reply);
    return ExitCode::kOk;
  }
  PrintContent(terminal, *reply);
  if (reply->copies().empty()) {
    terminal.out << "No engine holds it.\n";
  } else {
    terminal.out << CopyTable(*reply).Render(terminal.style());
  }
  if (!reply->fillers().empty()) {
    terminal.out << "Would fetch it from the origin, in this order: "
                 << Printable(Joined(reply->fillers())) << "\n";
  }
  PrintElsewhere(terminal, manager, uri);
  return ExitCode::kOk;
}

ExitCode TraceLocation(Terminal& terminal, ManagerClient& manager, const std::string& uri) {
  const StatusOr<locate_api::TraceReply> reply = manager.Trace(uri, true);
  if (!reply.ok()) return Fail(terminal, reply.status());
  const ExitCode code = reply->gaps().empty() ? ExitCode::kOk : ExitCode::kNotComplete;
  if (terminal.json) {
    terminal.out << JsonOf(*reply);
    return code;
  }
  PrintContent(terminal, *reply);
  terminal.out << HopTable(*reply).Render(terminal.style()) << "\n";
  if (reply->copies().empty()) {
    terminal.out << "Nobody is known to hold it.\n";
  } else {
    terminal.out << ScopedCopyTable(*reply, "").Render(terminal.style());
  }
  PrintGaps(terminal, *reply);
  return code;
}

}  // namespace strata::cli
