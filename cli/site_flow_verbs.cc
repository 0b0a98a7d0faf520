#include <algorithm>
#include <string>

#include "cli/failure.h"
#include "cli/json.h"
#include "cli/readable.h"
#include "cli/suggestion.h"
#include "cli/table.h"
#include "cli/text_width.h"
#include "cli/verbs.h"

namespace strata::cli {
namespace {

std::string Of(uint32_t count, uint32_t all) {
  return all == 0 ? "" : std::to_string(count) + " of " + std::to_string(all);
}

const flow::ScopeRow* FindScope(const flow::SiteStatusReply& reply, const std::string& scope) {
  const auto it =
      std::find_if(reply.scopes().begin(), reply.scopes().end(),
                   [&scope](const flow::ScopeRow& row) { return row.scope() == scope; });
  return it == reply.scopes().end() ? nullptr : &*it;
}

bool IsHeard(const flow::SiteStatusReply& reply, const std::string& scope) {
  const flow::ScopeRow* row = FindScope(reply, scope);
  return row == nullptr || row->heard();  // Of who answers there is none.
}

bool IsAsHere(const flow::SiteStatusReply& reply, const flow::SiteRow& row) {
  const flow::SiteState& here = reply.state();
  const flow::SiteState& there = row.state();
  return row.problem().empty() && IsHeard(reply, row.scope()) &&
         there.version() == here.version() && there.position() == here.position() &&
         row.serving() == row.engines() && row.applied() == row.engines();
}

std::string RemarkOf(const flow::SiteStatusReply& reply, const flow::SiteRow& row) {
  if (!IsHeard(reply, row.scope())) return "not in reach; this is what it said last";
  if (!row.problem().empty()) return row.problem();
  const flow::ScopeRow* scope = FindScope(reply, row.scope());
  return scope != nullptr && !scope->caught_up() ? "catches up before it is sent clients" : "";
}

void AddRow(Table& table, const flow::SiteStatusReply& reply, const flow::SiteRow& row) {
  const bool has = row.state().version() != 0;
  const Colour colour = IsAsHere(reply, row) ? Colour::kNone : Colour::kYellow;
  table.AddRow({row.scope(),
                {has ? std::to_string(row.state().version()) : "-", colour},
                {Of(row.serving(), row.engines()), colour},
                {has ? std::to_string(row.state().position()) : "-", colour},
                {Of(row.applied(), row.engines()), colour},
                {RemarkOf(reply, row), Colour::kYellow}});
}

std::string StateOf(const flow::EngineRow& engine) {
  std::string text = engine.name() + " serves by ";
  text += engine.version() == 0 ? "no version that is known"
                                : "version " + std::to_string(engine.version());
  text += ", purged up to " + std::to_string(engine.applied());
  if (engine.away()) text += "; away: it catches up before it serves";
  if (!engine.problem().empty()) text += "; " + engine.problem();
  return text;
}

void PrintEngines(Terminal& terminal, const flow::SiteStatusReply& reply) {
  bool first = true;
  for (const flow::SiteRow& row : reply.rows()) {
    for (const flow::EngineRow& engine : row.behind()) {
      terminal.out << (first ? "\n" : "") << Printable(row.scope() + ": " + StateOf(engine))
                   << "\n";
      first = false;
    }
  }
}

// Scopes that the site is for, and that have said nothing of it.
void AddSilent(Table& table, const flow::SiteStatusReply& reply, bool& all) {
  for (const flow::ScopeRow& scope : reply.scopes()) {
    const bool told = std::any_of(reply.rows().begin(), reply.rows().end(),
                                  [&](const auto& row) { return row.scope() == scope.scope(); });
    if (told) continue;
    all = false;
    table.AddRow({scope.scope(),
                  {"-", Colour::kYellow},
                  "",
                  {"-", Colour::kYellow},
                  "",
                  {scope.heard() ? "has not taken it yet" : "not in reach", Colour::kYellow}});
  }
}

std::string ContentsOf(const flow::PurgeReport& purge) {
  if (purge.uris().empty()) return "all of the site";
  return Counted(static_cast<uint64_t>(purge.uris_size()), "URI", "URIs");
}

Colour ColourOfOutcome(const std::string& outcome) {
  if (outcome == "confirmed") return Colour::kGreen;
  return outcome == "failed" ? Colour::kRed : Colour::kYellow;
}

std::string RemarkOf(const flow::ScopeOutcome& scope) {
  std::string text = scope.problem();
  for (const flow::EngineRow& engine : scope.others()) {
    if (!text.empty()) text += "; ";
    text += engine.name() + ": ";
    if (!engine.problem().empty()) {
      text += engine.problem();
    } else {
      text += engine.away() ? "away, it purges before it serves" : "no answer yet";
    }
  }
  return text;
}

void PrintScopes(Terminal& terminal, const flow::PurgeReport& purge) {
  Table table({{"SCOPE"}, {"OUTCOME"}, {"ENGINES", Align::kRight}, {"REMARKS"}});
  for (const flow::ScopeOutcome& scope : purge.scopes()) {
    table.AddRow({scope.scope(),
                  {scope.outcome(), ColourOfOutcome(scope.outcome())},
                  Of(scope.confirmed(), scope.engines()),
                  RemarkOf(scope)});
  }
  if (!table.empty()) terminal.out << "\n" << table.Render(terminal.style());
}

}  // namespace

ExitCode SiteStatus(Terminal& terminal, ManagerClient& manager, const std::string& name) {
  const StatusOr<flow::SiteStatusReply> reply = manager.SiteStatus(name);
  if (!reply.ok()) return Fail(terminal, WithSiteMeant(manager, name, reply.status()));
  bool all = std::all_of(reply->rows().begin(), reply->rows().end(),
                         [&](const flow::SiteRow& row) { return IsAsHere(*reply, row); });
  Table table({{"SCOPE"},
               {"VERSION", Align::kRight},
               {"SERVING", Align::kRight},
               {"LOG", Align::kRight},
               {"PURGED", Align::kRight},
               {"REMARKS"}});
  for (const flow::SiteRow& row : reply->rows()) AddRow(table, *reply, row);
  AddSilent(table, *reply, all);
  if (terminal.json) {
    terminal.out << JsonOf(*reply);
    return all ? ExitCode::kOk : ExitCode::kNotComplete;
  }
  terminal.out << "Site " << terminal.Paint(Printable(reply->site()), Colour::kBold) << " of "
               << Printable(reply->state().home()) << ": version " << reply->state().version()
               << ", purge log at " << reply->state().position() << "\n\n"
               << table.Render(terminal.style());
  PrintEngines(terminal, *reply);
  terminal.out << "\n"
               << (all ? terminal.Paint("All scopes serve by this version.", Colour::kGreen)
                       : terminal.Paint("Not all scopes serve by this version yet.",
                                        Colour::kYellow))
               << "\n";
  return all ? ExitCode::kOk : ExitCode::kNotComplete;
}

ExitCode ListPurges(Terminal& terminal, ManagerClient& manager, const ListPurgesOptions& options) {
  const StatusOr<flow::ListPurgesReply> reply = manager.ListPurges(options.site, options.limit);
  if (!reply.ok()) return Fail(terminal, WithSiteMeant(manager, options.site, reply.status()));
  if (terminal.json) {
    for (const flow::PurgeReport& purge : reply->purges()) terminal.out << JsonLineOf(purge);
    return ExitCode::kOk;
  }
  Table table({{"PURGE"}, {"ORDERED (UTC)"}, {"CONTENTS"}, {"STATE"}, {"BY"}});
  for (int i = 0; i < reply->purges_size(); ++i) {
    const flow::PurgeReport& purge = reply->purges(i);
    const uint32_t missing = i < reply->missing_size() ? reply->missing(i) : 0;
    table.AddRow({purge.id(),
                  purge.at_ms() == 0 ? "" : ReadableTime(purge.at_ms()),
                  ContentsOf(purge),
                  {missing == 0 ? "confirmed" : Counted(missing, "scope", "scopes") + " missing",
                   missing == 0 ? Colour::kGreen : Colour::kYellow},
                  purge.ordered_by()});
  }
  terminal.out << (table.empty() ? "Nothing was purged.\n" : table.Render(terminal.style()));
  return ExitCode::kOk;
}

ExitCode ShowPurge(Terminal& terminal, ManagerClient& manager, const std::string& id) {
  const StatusOr<flow::ShowPurgeReply> reply = manager.ShowPurge(id);
  if (!reply.ok()) return Fail(terminal, reply.status());
  const flow::PurgeReport& purge = reply->report();
  const ExitCode code = purge.complete() ? ExitCode::kOk : ExitCode::kNotComplete;
  if (terminal.json) {
    terminal.out << JsonOf(purge);
    return code;
  }
  terminal.out << terminal.Paint(Printable(purge.id()), Colour::kBold) << ": " << ContentsOf(purge);
  if (purge.at_ms() != 0) terminal.out << ", ordered " << ReadableTime(purge.at_ms()) << " UTC";
  terminal.out << " by " << Printable(purge.ordered_by()) << "\n";
  for (const std::string& uri : purge.uris()) terminal.out << "  " << Printable(uri) << "\n";
  PrintScopes(terminal, purge);
  terminal.out << "\n"
               << (purge.complete()
                       ? terminal.Paint("Confirmed by every engine.", Colour::kGreen)
                       : terminal.Paint("Not confirmed by every engine: the others purge before "
                                        "they serve again.",
                                        Colour::kYellow))
               << "\n";
  return code;
}

}  // namespace strata::cli
