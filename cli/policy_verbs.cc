#include <string>

#include "cli/failure.h"
#include "cli/json.h"
#include "cli/readable.h"
#include "cli/table.h"
#include "cli/text_width.h"
#include "cli/verbs.h"
#include "common/quantity.h"

namespace strata::cli {
namespace {

const char* KindText(tree::PolicyKind kind) {
  switch (kind) {
    case tree::POLICY_KIND_LIBRARY:
      return "library";
    case tree::POLICY_KIND_CACHE:
      return "cache";
    default:
      return "";
  }
}

const char* ForwardText(tree::PolicyForward forward) {
  switch (forward) {
    case tree::POLICY_FORWARD_FULL:
      return "full";
    case tree::POLICY_FORWARD_SCOPE:
      return "scope";
    case tree::POLICY_FORWARD_NONE:
      return "none";
    default:
      return "?";
  }
}

Cell HitsCell(const tree::PolicyReply& reply, int rule) {
  if (rule >= reply.rules_size() || !reply.rules(rule).has_hits()) return "";
  return ReadableCount(reply.rules(rule).hits());
}

Table RuleTable(const tree::PolicyReply& reply) {
  Table table({{"RULE", Align::kRight},
               {"SITE"},
               {"PREFIX"},
               {"COPIES"},
               {"FORWARD"},
               {"HITS", Align::kRight}});
  for (int i = 0; i < reply.policy().rules_size(); ++i) {
    const tree::PolicyRule& rule = reply.policy().rules(i);
    table.AddRow({std::to_string(i + 1), rule.site(), rule.uri_prefix(), KindText(rule.kind()),
                  ForwardText(rule.forward()), HitsCell(reply, i)});
  }
  const int others = reply.policy().rules_size();
  table.AddRow({{"others", Colour::kGrey}, "", "", "", "full", HitsCell(reply, others)});
  return table;
}

std::string Heading(const Terminal& terminal, const tree::PolicyReply& reply) {
  std::string text = terminal.Paint(Printable(reply.scope()), Colour::kBold) + " (level " +
                     std::to_string(reply.level()) + ") ";
  if (reply.above().empty()) return text + "has a parent that it has never reached.\n";
  const tree::TreePlace& parent = reply.above(0);
  text += "tells " + Printable(parent.scope()) + " (level " + std::to_string(parent.level()) + ")";
  if (!reply.attached()) text += terminal.Paint(", which is away now", Colour::kRed);
  return text + ".\n";
}

std::string PolicyText(const Terminal& terminal, const tree::PolicyReply& reply) {
  std::string text = Heading(terminal, reply) + "\n" + RuleTable(reply).Render(terminal.style()) +
                     "\nA change waits for others for " +
                     FormatDuration(Duration(reply.policy().batching_delay_ns())) + " at most.\n";
  for (const std::string& idle : reply.idle_rules()) {
    text += terminal.Paint(Printable(idle), Colour::kYellow) + "\n";
  }
  return text;
}

std::string TestText(const Terminal& terminal, const tree::PolicyReply& reply) {
  const tree::PolicyTest& test = reply.test();
  std::string text = Printable(test.canonical_uri()) + "\n";
  if (test.library_rule() == test.cache_rule()) {
    text += "  every copy      " + Printable(test.library_rule()) + "\n";
  } else {
    text += "  library copies  " + Printable(test.library_rule()) + "\n";
    text += "  cache copies    " + Printable(test.cache_rule()) + "\n";
  }
  text += "\n";
  for (const std::string& sentence : test.known_above()) text += Printable(sentence) + "\n";
  if (test.known_above().empty()) return text + Heading(terminal, reply);
  if (!reply.attached()) {
    text +=
        terminal.Paint("The parent is away: so it was when it was heard last.\n", Colour::kYellow);
  }
  return text;
}

}  // namespace

ExitCode ShowPolicy(Terminal& terminal, ManagerClient& manager) {
  const StatusOr<tree::PolicyReply> reply = manager.ShowPolicy("");
  if (!reply.ok()) return Fail(terminal, reply.status());
  terminal.out << (terminal.json ? JsonOf(*reply) : PolicyText(terminal, *reply));
  return ExitCode::kOk;
}

ExitCode TestPolicy(Terminal& terminal, ManagerClient& manager, const std::string& uri) {
  const StatusOr<tree::PolicyReply> reply = manager.ShowPolicy(uri);
  if (!reply.ok()) return Fail(terminal, reply.status());
  terminal.out << (terminal.json ? JsonOf(*reply) : TestText(terminal, *reply));
  return ExitCode::kOk;
}

}  // namespace strata::cli
