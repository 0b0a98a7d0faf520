#include "cli/doctor/doctor.h"

#include <algorithm>

#include "cli/doctor/gather.h"
#include "cli/doctor/subject.h"
#include "cli/failure.h"
#include "cli/json.h"
#include "cli/readable.h"
#include "cli/text_width.h"

namespace strata::cli::doctor {
namespace {

constexpr size_t kLevelColumns = 6;
constexpr size_t kAreaColumns = 14;

const char* WhoseSettings(Kind kind) {
  switch (kind) {
    case Kind::kManager:
      return "a Service Manager";
    case Kind::kEngine:
      return "a Service Engine";
    case Kind::kWitness:
      return "a witness";
    case Kind::kCommand:
      return "the command strata";
  }
  return "";
}

Colour ColourOf(Level level) {
  switch (level) {
    case Level::kOk:
      return Colour::kGreen;
    case Level::kWarn:
      return Colour::kYellow;
    case Level::kFail:
      return Colour::kRed;
  }
  return Colour::kNone;
}

std::string Padded(std::string text, size_t columns) {
  if (text.size() < columns) text.resize(columns, ' ');
  return text;
}

// A list of errors keeps its lines, below each other.
std::string Indented(const std::string& text, size_t columns) {
  std::string shown;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    shown += (shown.empty() ? "" : "\n" + std::string(columns, ' ')) +
             Printable(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return shown + "\n";
}

std::string LinesOf(const Finding& finding, const Terminal& terminal) {
  constexpr size_t kBefore = kLevelColumns + kAreaColumns;
  std::string lines =
      terminal.Paint(Padded(ToString(finding.level), kLevelColumns), ColourOf(finding.level)) +
      Padded(finding.area, kAreaColumns) + Indented(finding.found, kBefore);
  if (!finding.advice.empty()) {
    lines += std::string(kBefore, ' ') + "-> " + Indented(finding.advice, kBefore + 3);
  }
  return lines;
}

size_t CountOf(Level level, const std::vector<Finding>& findings) {
  return static_cast<size_t>(
      std::count_if(findings.begin(), findings.end(),
                    [level](const Finding& finding) { return finding.level == level; }));
}

std::string JsonOf(const Report& report) {
  std::string lines;
  for (const Finding& finding : report.findings) {
    lines += JsonLineOf({{"settings", report.path},
                         {"area", finding.area},
                         {"level", ToString(finding.level)},
                         {"found", finding.found},
                         {"advice", finding.advice}});
  }
  return lines;
}

}  // namespace

StatusOr<Report> Examine(const std::string& path) {
  STRATA_ASSIGN_OR_RETURN(const Subject subject, ReadSubject(path));
  return Report{.path = path, .kind = subject.settings.kind, .findings = Judge(Gather(subject))};
}

std::string Render(const Report& report, const Terminal& terminal) {
  if (terminal.json) return JsonOf(report);
  std::string text = terminal.Paint(
      Printable(report.path) + ", settings of " + WhoseSettings(report.kind), Colour::kBold);
  text += "\n";
  for (const Finding& finding : report.findings) text += LinesOf(finding, terminal);
  const size_t fails = CountOf(Level::kFail, report.findings);
  const size_t warnings = CountOf(Level::kWarn, report.findings);
  if (fails + warnings == 0) return text + terminal.Paint("All is well.", Colour::kGreen) + "\n";
  return text + Counted(fails, "failure", "failures") + ", " +
         Counted(warnings, "warning", "warnings") + ".\n";
}

ExitCode RunDoctor(Terminal& terminal, const std::vector<std::string>& paths) {
  ExitCode code = ExitCode::kOk;
  bool first = true;
  for (const std::string& path : paths) {
    const StatusOr<Report> report = Examine(path);
    if (!report.ok()) {
      Fail(terminal, report.status());
      return ExitCode::kUsage;
    }
    if (!first && !terminal.json) terminal.out << "\n";
    first = false;
    terminal.out << Render(*report, terminal);
    terminal.out.flush();
    if (CountOf(Level::kFail, report->findings) != 0) code = ExitCode::kFailed;
  }
  return code;
}

}  // namespace strata::cli::doctor
