#include <algorithm>
#include <string>
#include <vector>

#include "cli/failure.h"
#include "cli/json.h"
#include "cli/readable.h"
#include "cli/suggestion.h"
#include "cli/table.h"
#include "cli/text_width.h"
#include "cli/verbs.h"

namespace strata::cli {
namespace {

constexpr size_t kRowsAtOnce = 1000;  // Of a list that comes bit by bit.

// The farms of a site that is for several.
void PrintScopes(Terminal& terminal, const api::Purge& purge) {
  Table table({{"SCOPE"}, {"OUTCOME"}, {"ENGINES", Align::kRight}, {"REMARKS"}});
  for (const api::ScopeConfirmation& scope : purge.scopes()) {
    const bool confirmed = scope.outcome() == "confirmed";
    const std::string engines =
        std::to_string(scope.confirmed()) + " of " + std::to_string(scope.engines());
    table.AddRow({scope.scope(),
                  {scope.outcome(), confirmed ? Colour::kGreen : Colour::kRed},
                  scope.engines() == 0 ? "" : engines,
                  scope.problem()});
  }
  if (!table.empty()) terminal.out << table.Render(terminal.style());
}

// The site, its number in the purge log, and who confirmed.
void PrintPurge(Terminal& terminal, const api::Purge& purge) {
  terminal.out << "Site " << terminal.Paint(Printable(purge.site()), Colour::kBold) << ", purge "
               << ReadableCount(purge.position()) << ": "
               << Counted(static_cast<uint64_t>(purge.uris_size()), "URI", "URIs") << "\n";
  Table table({{"ENGINE"}, {"CONFIRMED"}, {"DROPPED", Align::kRight}, {"REMARKS"}});
  for (const api::PurgeConfirmation& engine : purge.engines()) {
    table.AddRow(
        {engine.engine(),
         {engine.confirmed() ? "yes" : "no", engine.confirmed() ? Colour::kGreen : Colour::kRed},
         engine.confirmed() ? Counted(engine.dropped(), "copy", "copies") : "",
         engine.problem()});
  }
  if (!table.empty()) terminal.out << table.Render(terminal.style());
  PrintScopes(terminal, purge);
  terminal.out << "\n";
}

ExitCode ReportPurge(Terminal& terminal, const api::PurgeContentReply& reply) {
  const ExitCode code = reply.complete() ? ExitCode::kOk : ExitCode::kNotComplete;
  if (terminal.json) {
    terminal.out << JsonOf(reply);
    return code;
  }
  for (const api::Purge& purge : reply.purges()) PrintPurge(terminal, purge);
  terminal.out << (reply.complete()
                       ? terminal.Paint("Purged at every engine that is there.", Colour::kGreen)
                       : terminal.Paint("Not confirmed by every engine: those purge before they "
                                        "serve again.",
                                        Colour::kRed))
               << "\n";
  return code;
}

}  // namespace

ExitCode ListContent(Terminal& terminal, ManagerClient& manager,
                     const ListContentOptions& options) {
  api::ListContentRequest request;
  request.set_site(options.site);
  request.set_engine(options.engine);
  request.set_limit(options.limit);
  const auto new_table = [] {
    return Table({{"SIZE", Align::kRight}, {"COPIES", Align::kRight}, {"ENGINES"}, {"CONTENT"}});
  };
  Table table = new_table();
  size_t rows = 0;
  const Status listed = manager.ListContent(request, [&](const api::Content& content) {
    ++rows;
    if (terminal.json) {
      terminal.out << JsonLineOf(content);
      return;
    }
    table.AddRow({ReadableBytes(content.size()), std::to_string(content.engines_size()),
                  Joined(content.engines()),
                  content.uri().empty() ? Cell(content.key(), Colour::kGrey) : content.uri()});
    if (rows % kRowsAtOnce != 0) return;
    terminal.out << table.Render({.colours = terminal.colours});
    table = new_table();
  });
  // URIs are to be copied: they are not cut.
  if (!table.empty()) terminal.out << table.Render({.colours = terminal.colours});
  if (!listed.ok()) {
    const bool names_engine =
        !options.engine.empty() && MessageOf(listed).find(options.engine) != std::string::npos;
    return Fail(terminal, names_engine ? WithEngineMeant(manager, options.engine, listed)
                                       : WithSiteMeant(manager, options.site, listed));
  }
  if (rows == 0 && !terminal.json) terminal.out << "Nothing is held.\n";
  return ExitCode::kOk;
}

ExitCode PurgeContent(Terminal& terminal, ManagerClient& manager,
                      const std::vector<std::string>& uris) {
  api::PurgeContentReply all;
  all.set_complete(true);
  for (size_t begin = 0; begin < uris.size(); begin += kPurgeBatch) {
    const size_t end = std::min(uris.size(), begin + kPurgeBatch);
    const StatusOr<api::PurgeContentReply> reply = manager.PurgeContent(
        {uris.begin() + static_cast<ptrdiff_t>(begin), uris.begin() + static_cast<ptrdiff_t>(end)});
    if (!reply.ok()) {
      // What was purged before is told all the same.
      if (begin > 0) ReportPurge(terminal, all);
      return Fail(terminal, reply.status());
    }
    all.mutable_purges()->MergeFrom(reply->purges());
    all.set_complete(all.complete() && reply->complete());
  }
  return ReportPurge(terminal, all);
}

}  // namespace strata::cli
