#include <string>

#include "cli/failure.h"
#include "cli/json.h"
#include "cli/suggestion.h"
#include "cli/table.h"
#include "cli/text_width.h"
#include "cli/verbs.h"

namespace strata::cli {
namespace {

Colour ColourOfRole(const std::string& role) {
  if (role == "leads" || role == "backup") return Colour::kGreen;
  return role == "joins" ? Colour::kYellow : Colour::kRed;
}

std::string RemarkOn(const api::ManagerRow& row) {
  if (row.behind()) return "behind: orders wait for it";
  if (row.role() == "joins") return "takes what the farm knows";
  if (row.role() == "away") return "does not know what is ordered meanwhile";
  return "";
}

std::string Summary(const Terminal& terminal, const api::ListManagersReply& reply) {
  if (reply.leader().empty()) {
    return terminal.Paint("Nobody leads the farm: too few of its members are in reach.",
                          Colour::kRed) +
           "\n";
  }
  int backups = 0;
  for (const api::ManagerRow& row : reply.managers()) backups += row.role() == "backup" ? 1 : 0;
  return Printable(reply.leader()) + " leads the farm; " +
         (backups == 0 ? terminal.Paint("no manager can take over", Colour::kYellow)
                       : std::to_string(backups) + " can take over") +
         ".\n";
}

}  // namespace

ExitCode ListManagers(Terminal& terminal, ManagerClient& manager) {
  const StatusOr<api::ListManagersReply> reply = manager.ListManagers();
  if (!reply.ok()) return Fail(terminal, reply.status());
  if (terminal.json) {
    for (const api::ManagerRow& row : reply->managers()) terminal.out << JsonLineOf(row);
    return ExitCode::kOk;
  }
  Table table({{"MANAGER"}, {"ROLE"}, {"ADDRESS"}, {"PRIORITY", Align::kRight}, {"REMARKS"}});
  for (const api::ManagerRow& row : reply->managers()) {
    const bool in_view = row.role() != "away";
    table.AddRow({row.name(),
                  {row.role(), ColourOfRole(row.role())},
                  row.address(),
                  in_view ? Cell(std::to_string(row.priority())) : Cell("-", Colour::kGrey),
                  RemarkOn(row)});
  }
  terminal.out << table.Render(terminal.style()) << "\n" << Summary(terminal, *reply);
  return ExitCode::kOk;
}

ExitCode PromoteManager(Terminal& terminal, ManagerClient& manager, const OpenManagerAt& open,
                        const std::string& name, bool anyway) {
  const StatusOr<api::ListManagersReply> reply = manager.ListManagers();
  if (!reply.ok()) return Fail(terminal, reply.status());
  std::string address;
  std::vector<std::string> names;
  for (const api::ManagerRow& row : reply->managers()) {
    if (row.name() == name) address = row.address();
    names.push_back(row.name());
  }
  if (address.empty()) {
    return Fail(terminal,
                WithNameMeant(name, names, NotFound("there is no manager %s", name.c_str())));
  }
  const StatusOr<std::unique_ptr<ManagerClient>> itself = open(address);
  if (!itself.ok()) return Fail(terminal, itself.status());
  const Status promoted = (*itself)->PromoteManager(name, anyway);
  if (!promoted.ok()) return Fail(terminal, promoted);
  if (terminal.json) {
    terminal.out << JsonOf(api::PromoteManagerReply());
  } else {
    terminal.out << Printable(name) << " leads the farm.\n";
  }
  return ExitCode::kOk;
}

ExitCode RemoveManager(Terminal& terminal, ManagerClient& manager, const std::string& name) {
  const Status done = manager.RemoveManager(name);
  if (!done.ok()) return Fail(terminal, done);
  if (terminal.json) {
    terminal.out << JsonOf(api::RemoveManagerReply());
  } else {
    terminal.out << Printable(name) << " is forgotten.\n";
  }
  return ExitCode::kOk;
}

}  // namespace strata::cli
