#include <string>

#include "cli/failure.h"
#include "cli/json.h"
#include "cli/readable.h"
#include "cli/table.h"
#include "cli/text_width.h"
#include "cli/verbs.h"

namespace strata::cli {
namespace {

constexpr size_t kKindWidth = 7;  // The longest: "engine".

// One line, whatever was said in several.
std::string InOneLine(std::string text) {
  for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos;) text.replace(at, 1, "; ");
  return text;
}

// A line each, as they come: columns cannot wait for the last one.
void PrintEvent(Terminal& terminal, const api::Event& event) {
  if (terminal.json) {
    terminal.out << JsonLineOf(event);
  } else {
    std::string kind = Printable(event.kind());
    kind.resize(std::max(kind.size(), kKindWidth), ' ');
    terminal.out << terminal.Paint(ReadableTime(event.at_ms()), Colour::kGrey) << "  "
                 << terminal.Paint(kind, Colour::kCyan) << " " << Printable(event.text()) << "\n";
  }
  terminal.out.flush();
}

}  // namespace

ExitCode ShowEvents(Terminal& terminal, ManagerClient& manager, const EventOptions& options) {
  api::FollowEventsRequest request;
  request.set_recent(options.recent);
  request.set_follow(options.follow);
  bool any = false;
  const Status ended = manager.FollowEvents(request, [&](const api::Event& event) {
    any = true;
    PrintEvent(terminal, event);
  });
  if (!ended.ok()) return Fail(terminal, ended);
  if (!any && !terminal.json) terminal.out << "Nothing has happened yet.\n";
  return ExitCode::kOk;
}

ExitCode ShowAudit(Terminal& terminal, ManagerClient& manager, uint32_t limit) {
  const StatusOr<api::ListAuditReply> reply = manager.ListAudit(limit);
  if (!reply.ok()) return Fail(terminal, reply.status());
  if (terminal.json) {
    for (const api::AuditRecord& record : reply->records()) terminal.out << JsonLineOf(record);
    return ExitCode::kOk;
  }
  Table table({{"TIME (UTC)"}, {"WHO"}, {"FROM"}, {"WHAT"}, {"OUTCOME"}});
  for (const api::AuditRecord& record : reply->records()) {
    table.AddRow(
        {ReadableTime(record.at_ms()),
         record.who(),
         record.from(),
         record.what(),
         {InOneLine(record.outcome()), record.outcome() == "ok" ? Colour::kGreen : Colour::kRed}});
  }
  terminal.out << (table.empty() ? "Nothing is recorded yet.\n" : table.Render(terminal.style()));
  return ExitCode::kOk;
}

}  // namespace strata::cli
