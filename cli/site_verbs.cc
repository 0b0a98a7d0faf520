#include <iostream>
#include <iterator>
#include <string>

#include "cli/failure.h"
#include "cli/json.h"
#include "cli/readable.h"
#include "cli/suggestion.h"
#include "cli/table.h"
#include "cli/text_width.h"
#include "cli/verbs.h"
#include "common/file.h"

namespace strata::cli {
namespace {

constexpr int64_t kMillisPerSecond = 1000;

Table SiteTable() {
  return Table({{"SITE"},
                {"VERSION", Align::kRight},
                {"MODE"},
                {"ORIGINS", Align::kRight},
                {"APPLIED (UTC)"},
                {"BY"},
                {"HOSTS"}});
}

void AddSite(Table& table, const api::SiteSummary& site) {
  table.AddRow({site.name(), std::to_string(site.version()), site.mode(),
                std::to_string(site.origins()),
                ReadableTime(site.applied_at_s() * kMillisPerSecond), site.applied_by(),
                Joined(site.hosts())});
}

StatusOr<std::string> ReadSiteFile(const std::string& file) {
  if (file != "-") return ReadFile(file, kSiteFileBytesMax);
  std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  if (text.size() > kSiteFileBytesMax) {
    return ResourceExhausted("standard input: more than %zu bytes", kSiteFileBytesMax);
  }
  return text;
}

// A difference that begins with + or - is coloured as people know it.
Colour ColourOfDifference(const std::string& difference) {
  if (difference.starts_with("+")) return Colour::kGreen;
  return difference.starts_with("-") ? Colour::kRed : Colour::kNone;
}

void PrintDifferences(Terminal& terminal, const api::ApplySiteReply& reply) {
  for (const std::string& difference : reply.differences()) {
    terminal.out << "  " << terminal.Paint(Printable(difference), ColourOfDifference(difference))
                 << "\n";
  }
}

// As it is into a file, and harmless on a terminal.
void PrintYaml(Terminal& terminal, std::string_view yaml) {
  while (!yaml.empty()) {
    const size_t end = yaml.find('\n');
    const std::string_view line = yaml.substr(0, end);
    terminal.out << (terminal.is_terminal ? Printable(line) : std::string(line)) << "\n";
    yaml = end == std::string_view::npos ? std::string_view() : yaml.substr(end + 1);
  }
}

ExitCode ReportApplied(Terminal& terminal, const api::ApplySiteReply& reply) {
  if (terminal.json) {
    terminal.out << JsonOf(reply);
    return ExitCode::kOk;
  }
  terminal.out << "Site " << terminal.Paint(Printable(reply.name()), Colour::kBold)
               << (reply.differences().empty() ? " stays as it is, at version " : " is at version ")
               << reply.version() << (reply.differences().empty() ? ".\n" : " now:\n");
  PrintDifferences(terminal, reply);
  if (!reply.away().empty()) {
    terminal.out << terminal.Paint("Away, and to take it when they return: ", Colour::kYellow)
                 << Printable(Joined(reply.away())) << "\n";
  }
  return ExitCode::kOk;
}

ExitCode ReportDifferences(Terminal& terminal, const api::ApplySiteReply& reply) {
  if (terminal.json) {
    terminal.out << JsonOf(reply);
    return ExitCode::kOk;
  }
  const std::string name = terminal.Paint(Printable(reply.name()), Colour::kBold);
  if (reply.differences().empty()) {
    terminal.out << "Site " << name << " would stay as it is.\n";
  } else if (reply.version() == 0) {
    terminal.out << "Site " << name << " would be new:\n";
  } else {
    terminal.out << "Site " << name << ", version " << reply.version() << ", would change:\n";
  }
  PrintDifferences(terminal, reply);
  return ExitCode::kOk;
}

}  // namespace

ExitCode ListSites(Terminal& terminal, ManagerClient& manager) {
  const StatusOr<api::ListSitesReply> reply = manager.ListSites();
  if (!reply.ok()) return Fail(terminal, reply.status());
  if (terminal.json) {
    for (const api::SiteSummary& site : reply->sites()) terminal.out << JsonLineOf(site);
    return ExitCode::kOk;
  }
  Table table = SiteTable();
  for (const api::SiteSummary& site : reply->sites()) AddSite(table, site);
  terminal.out << (table.empty() ? "No site yet: \"strata site apply -f FILE\" makes one.\n"
                                 : table.Render(terminal.style()));
  return ExitCode::kOk;
}

ExitCode ShowSite(Terminal& terminal, ManagerClient& manager, const std::string& name,
                  uint64_t version) {
  const StatusOr<api::GetSiteReply> reply = manager.GetSite(name, version);
  if (!reply.ok()) return Fail(terminal, WithSiteMeant(manager, name, reply.status()));
  if (terminal.json) {
    terminal.out << JsonOf(*reply);
    return ExitCode::kOk;
  }
  // What stands before the file is YAML too: the output may be edited and applied again.
  const api::SiteSummary& site = reply->summary();
  terminal.out << terminal.Paint("# Version " + std::to_string(site.version()) + ", applied " +
                                     ReadableTime(site.applied_at_s() * kMillisPerSecond) +
                                     " UTC by " + Printable(site.applied_by()),
                                 Colour::kGrey)
               << "\n";
  for (const api::SiteSummary& kept : reply->versions()) {
    if (kept.version() == site.version()) continue;
    terminal.out << terminal.Paint("# Kept: version " + std::to_string(kept.version()) + " of " +
                                       ReadableTime(kept.applied_at_s() * kMillisPerSecond) +
                                       " UTC by " + Printable(kept.applied_by()),
                                   Colour::kGrey)
                 << "\n";
  }
  PrintYaml(terminal, reply->yaml());
  return ExitCode::kOk;
}

ExitCode ApplySite(Terminal& terminal, ManagerClient& manager, const ApplySiteOptions& options) {
  StatusOr<std::string> yaml = ReadSiteFile(options.file);
  if (!yaml.ok()) {
    terminal.err << "strata: " << MessageOf(yaml.status()) << "\n";
    return ExitCode::kFailed;
  }
  api::ApplySiteRequest request;
  request.set_file_name(options.file == "-" ? "standard input" : options.file);
  request.set_yaml(*std::move(yaml));
  request.set_dry_run(options.dry_run);
  const StatusOr<api::ApplySiteReply> reply = manager.ApplySite(request);
  if (!reply.ok()) return Fail(terminal, reply.status());
  return options.dry_run ? ReportDifferences(terminal, *reply) : ReportApplied(terminal, *reply);
}

ExitCode RollbackSite(Terminal& terminal, ManagerClient& manager, const std::string& name,
                      uint64_t version) {
  const StatusOr<api::ApplySiteReply> reply = manager.RollbackSite(name, version);
  if (!reply.ok()) return Fail(terminal, WithSiteMeant(manager, name, reply.status()));
  return ReportApplied(terminal, *reply);
}

ExitCode RemoveSite(Terminal& terminal, ManagerClient& manager, const std::string& name) {
  const Status done = manager.RemoveSite(name);
  if (!done.ok()) return Fail(terminal, WithSiteMeant(manager, name, done));
  if (terminal.json) {
    terminal.out << JsonOf(api::RemoveSiteReply());
  } else {
    terminal.out << "Site " << name << " is removed: nobody serves it any more.\n";
  }
  return ExitCode::kOk;
}

}  // namespace strata::cli
