#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/failure.h"
#include "cli/json.h"
#include "cli/readable.h"
#include "cli/table.h"
#include "cli/text_width.h"
#include "cli/verbs.h"
#include "cli/watch.h"

namespace strata::cli {
namespace {

constexpr double kOld = 5;  // Seconds; managers report each second, one level after the other.
constexpr double kBusy = 0.8;
constexpr double kFull = 0.95;

Cell Nothing() { return {"-", Colour::kGrey}; }

Cell LeaderCell(const tree::SubtreeScope& scope) {
  for (const tree::ScopeManager& manager : scope.managers()) {
    if (manager.state() == tree::MANAGER_LEADS) return manager.name();
  }
  return {"nobody", Colour::kRed};
}

// "2", "1 of 2" where one cannot take over now.
Cell BackupsCell(const tree::SubtreeScope& scope) {
  int all = 0;
  int ready = 0;
  for (const tree::ScopeManager& manager : scope.managers()) {
    if (manager.state() == tree::MANAGER_LEADS) continue;
    ++all;
    if (manager.state() == tree::MANAGER_BACKUP) ++ready;
  }
  if (all == 0) return Nothing();
  if (ready == all) return std::to_string(all);
  return {std::to_string(ready) + " of " + std::to_string(all), Colour::kYellow};
}

Cell EnginesCell(const tree::SubtreeScope& scope) {
  if (scope.engines() == 0) return Nothing();
  const std::string text = ReadableCount(scope.engines_up()) + "/" + ReadableCount(scope.engines());
  if (scope.engines_up() == 0) return {text, Colour::kRed};
  return {text, scope.engines_up() < scope.engines() ? Colour::kYellow : Colour::kNone};
}

Cell LoadCell(const tree::SubtreeScope& scope, double factor) {
  if (!scope.has_load() || scope.load().engines() == 0) return Nothing();
  return {ReadableShare(factor), factor >= kFull   ? Colour::kRed
                                 : factor >= kBusy ? Colour::kYellow
                                                   : Colour::kNone};
}

// `unknown`: somebody above it is away.
Cell LinkCell(const tree::SubtreeScope& scope, bool unknown) {
  if (unknown) return {"?", Colour::kGrey};
  if (!scope.heard()) return {"away", Colour::kRed};
  if (!scope.has_up()) return Nothing();
  return scope.up().connected() ? Cell("up", Colour::kGreen) : Cell("down", Colour::kRed);
}

// What the parent does not know yet.
Cell LagCell(const tree::SubtreeScope& scope) {
  if (!scope.has_up()) return Nothing();
  return {ReadableCount(scope.up().waiting_records()),
          scope.up().dirty_ranges() == 0 ? Colour::kNone : Colour::kYellow};
}

std::string RemarkOn(const tree::SubtreeScope& scope, const tree::SubtreeScope& top) {
  std::string remark;
  const auto add = [&](const std::string& more) { remark += (remark.empty() ? "" : "; ") + more; };
  const double age_s = static_cast<double>(scope.age_ms()) / 1000;
  if (age_s > kOld) add("as of " + ReadableSeconds(age_s) + " ago");
  if (scope.version() != top.version() && !scope.version().empty()) {
    add("version " + scope.version());
  }
  if (scope.up().dirty_ranges() != 0) {
    add(Counted(scope.up().dirty_ranges(), "range is", "ranges are") + " to be told anew");
  }
  return remark;
}

// The tree of a reply, row by row.
class TreeTable {
 public:
  explicit TreeTable(const tree::TreeReply& reply) : reply_(reply), children_(Children(reply)) {
    if (reply.scopes().empty()) return;
    AddRow(0, reply.scopes(0).scope(), {});
    AddBeneath(0, {});
  }

  std::string Render(const Terminal& terminal) const { return table_.Render(terminal.style()); }

 private:
  // Rows beneath each row. A row stands behind its parent; if not, it is beneath the first one.
  static std::vector<std::vector<int>> Children(const tree::TreeReply& reply) {
    std::map<std::string_view, int> rows;
    std::vector<std::vector<int>> children(static_cast<size_t>(reply.scopes_size()));
    for (int row = 0; row < reply.scopes_size(); ++row) {
      const auto parent = rows.find(reply.scopes(row).parent());
      if (row > 0) {
        children[parent == rows.end() ? 0 : static_cast<size_t>(parent->second)].push_back(row);
      }
      rows.emplace(reply.scopes(row).scope(), row);
    }
    return children;
  }

  // As it is called beneath its parent.
  static std::string NameBeneath(const tree::SubtreeScope& scope, const std::string& parent) {
    return scope.scope().starts_with(parent + "/") ? scope.scope().substr(parent.size() + 1)
                                                   : scope.scope();
  }

  // Where a row stands: the lines to its left, and whether somebody above it is away.
  struct Place {
    std::string branch;
    bool unknown = false;
  };

  void AddBeneath(int row, const Place& above) {
    const tree::SubtreeScope& parent = reply_.scopes(row);
    const std::vector<int>& children = children_[static_cast<size_t>(row)];
    const bool unknown = above.unknown || !parent.heard();
    for (const int child : children) {
      const bool is_last = child == children.back();
      AddRow(child, NameBeneath(reply_.scopes(child), parent.scope()),
             {above.branch + (is_last ? "└─ " : "├─ "), unknown});
      AddBeneath(child, {above.branch + (is_last ? "   " : "│  "), unknown});
    }
  }

  void AddRow(int row, const std::string& name, const Place& place) {
    const tree::SubtreeScope& scope = reply_.scopes(row);
    table_.AddRow({{place.branch + name, row == 0 ? Colour::kBold : Colour::kNone},
                   std::to_string(scope.level()),
                   LeaderCell(scope),
                   BackupsCell(scope),
                   EnginesCell(scope),
                   ReadableCount(scope.locations()),
                   LoadCell(scope, scope.load().mean()),
                   LoadCell(scope, scope.load().worst()),
                   LinkCell(scope, place.unknown),
                   LagCell(scope)});
  }

  const tree::TreeReply& reply_;
  const std::vector<std::vector<int>> children_;
  Table table_{{{"SCOPE"},
                {"LEVEL", Align::kRight},
                {"LEADS"},
                {"BACKUPS", Align::kRight},
                {"ENGINES", Align::kRight},
                {"COPIES", Align::kRight},
                {"LOAD", Align::kRight},
                {"WORST", Align::kRight},
                {"LINK UP"},
                {"LAG", Align::kRight}}};
};

// Below the table, where they need not be cut.
std::string RemarkText(const Terminal& terminal, const tree::TreeReply& reply) {
  std::string text;
  for (const tree::SubtreeScope& scope : reply.scopes()) {
    const std::string remark = RemarkOn(scope, reply.scopes(0));
    if (remark.empty()) continue;
    text +=
        terminal.Paint(Printable(scope.scope()), Colour::kYellow) + ": " + Printable(remark) + "\n";
  }
  if (reply.left_out() != 0) {
    text +=
        Counted(reply.left_out(), "scope is", "scopes are") + " left out: there are too many.\n";
  }
  return text.empty() ? text : "\n" + text;
}

// "cdn-one (level 3), exchange (level 4)".
template <class Places>
std::string PlacesText(const Places& places) {
  std::string text;
  for (const tree::TreePlace& place : places) {
    text += (text.empty() ? "" : ", ") + Printable(place.scope()) + " (level " +
            std::to_string(place.level()) + ")";
  }
  return text;
}

std::string AboveText(const Terminal& terminal, const tree::TreeReply& reply) {
  if (!reply.has_parent()) return "";
  std::string text;
  if (!reply.above().empty()) text = "Above: " + PlacesText(reply.above()) + ".\n";
  if (reply.attached()) return text;
  return text +
         terminal.Paint("Not attached to the parent: " + Printable(reply.problem()), Colour::kRed) +
         "\n";
}

std::string TreeText(const Terminal& terminal, const tree::TreeReply& reply) {
  const std::string above = AboveText(terminal, reply);
  return above + (above.empty() ? "" : "\n") + TreeTable(reply).Render(terminal) +
         RemarkText(terminal, reply);
}

}  // namespace

ExitCode ShowTree(Terminal& terminal, ManagerClient& manager) {
  const StatusOr<tree::TreeReply> reply = manager.ShowTree();
  if (!reply.ok()) return Fail(terminal, reply.status());
  terminal.out << (terminal.json ? JsonOf(*reply) : TreeText(terminal, *reply));
  return ExitCode::kOk;
}

ExitCode WatchTree(Terminal& terminal, ManagerClient& manager) {
  return Watch(terminal, [&]() -> StatusOr<std::string> {
    STRATA_ASSIGN_OR_RETURN(const tree::TreeReply reply, manager.ShowTree());
    return terminal.json ? JsonLineOf(reply) : TreeText(terminal, reply);
  });
}

}  // namespace strata::cli
