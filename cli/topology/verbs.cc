#include "cli/topology/verbs.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/failure.h"
#include "cli/json.h"
#include "cli/readable.h"
#include "cli/table.h"
#include "cli/text_width.h"
#include "cli/topology/rendering.h"
#include "cli/topology/topology.h"
#include "cli/topology/write.h"
#include "common/number.h"
#include "common/wall_clock.h"

namespace strata::cli {
namespace {

using topology::Findings;
using topology::PlannedProcess;
using topology::PlannedScope;
using topology::Topology;

// The longest path of a socket, and what an engine has in its data folder.
constexpr size_t kSocketPathMax = 107;
constexpr std::string_view kSocketName = "/status.sock";

void TellFindings(Terminal& terminal, const Findings& findings) {
  if (terminal.json) {
    for (const auto& fault : findings.faults) {
      terminal.out << JsonLineOf({{"level", "fault"}, {"found", fault}});
    }
    for (const auto& warning : findings.warnings) {
      terminal.out << JsonLineOf({{"level", "warning"}, {"found", warning}});
    }
    return;
  }
  for (const std::string& fault : findings.faults) {
    terminal.err << terminal.Paint("fault", Colour::kRed) << "    " << Printable(fault) << "\n";
  }
  for (const std::string& warning : findings.warnings) {
    terminal.err << terminal.Paint("warning", Colour::kYellow) << "  " << Printable(warning)
                 << "\n";
  }
}

// The topology if it has no faults; what is wrong with it was told.
std::optional<Topology> LoadChecked(Terminal& terminal, const std::string& file) {
  Findings findings;
  StatusOr<Topology> loaded = topology::LoadTopology(file, findings);
  if (!loaded.ok()) {
    Fail(terminal, loaded.status());
    return std::nullopt;
  }
  TellFindings(terminal, findings);
  if (findings.faults.empty()) return *std::move(loaded);
  if (!terminal.json) {
    terminal.err << "strata: " << Printable(file) << ": "
                 << Counted(findings.faults.size(), "fault", "faults") << "\n";
  }
  return std::nullopt;
}

std::string SizeOf(const Topology& topology) {
  std::set<std::string> machines;
  size_t processes = 0;
  for (const PlannedScope& scope : topology.plan.scopes) {
    processes += scope.processes.size();
    for (const PlannedProcess& process : scope.processes) machines.insert(process.machine);
  }
  return Counted(topology.plan.scopes.size(), "scope", "scopes") + ", " +
         Counted(processes, "process", "processes") + " on " +
         Counted(machines.size(), "machine", "machines");
}

// A name with a number behind it, "edge-7", and those that follow it.
struct Numbered {
  std::string prefix;   // "edge-"
  uint32_t number = 0;  // 0: the name has none.
  uint32_t last = 0;
};

Numbered NumberOf(const std::string& name) {
  const size_t dash = name.rfind('-');
  if (dash == std::string::npos) return {name};
  const std::string digits = name.substr(dash + 1);
  const auto number = ParseNumber<uint32_t>(digits);
  if (!number || *number == 0 || std::to_string(*number) != digits) return {name};
  return {name.substr(0, dash + 1), *number, *number};
}

// "edge-1..8"; two of a kind are shown as they are called.
std::string TextOf(const Numbered& run) {
  if (run.number == 0) return run.prefix;
  const std::string first = run.prefix + std::to_string(run.number);
  if (run.last == run.number) return first;
  if (run.last == run.number + 1) return first + " " + run.prefix + std::to_string(run.last);
  return first + ".." + std::to_string(run.last);
}

// "sm-1 sm-2", "edge-1..8 big".
std::string NamesOf(const PlannedScope& scope, tls::Role role) {
  std::vector<Numbered> runs;  // The first and last name of each.
  for (const PlannedProcess* process : ProcessesOf(scope, role)) {
    const Numbered next = NumberOf(process->name);
    if (!runs.empty() && next.number != 0 && runs.back().prefix == next.prefix &&
        runs.back().last + 1 == next.number) {
      ++runs.back().last;
    } else {
      runs.push_back(next);
    }
  }
  std::string names;
  for (const Numbered& run : runs) names += (names.empty() ? "" : " ") + TextOf(run);
  return names;
}

void TellScopes(Terminal& terminal, const Topology& topology) {
  Table table({{"SCOPE"},
               {"LEVEL", Align::kRight},
               {"PARENT"},
               {"MANAGERS"},
               {"WITNESS"},
               {"ENGINES"},
               {"POLICY"},
               {"GROUP"}});
  for (const PlannedScope& scope : topology.plan.scopes) {
    const Endpoint group{scope.group, scope.group_port};
    table.AddRow({scope.manager.scope,
                  std::to_string(scope.manager.level),
                  scope.parent,
                  NamesOf(scope, tls::Role::kManager),
                  NamesOf(scope, tls::Role::kWitness),
                  NamesOf(scope, tls::Role::kEngine),
                  topology.file.scopes().at(scope.manager.scope).policy(),
                  {ToString(group), Colour::kGrey}});
  }
  terminal.out << table.Render(terminal.style());
}

std::string TextOf(const std::vector<Endpoint>& endpoints) {
  std::string text;
  for (const Endpoint& endpoint : endpoints) text += (text.empty() ? "" : " ") + ToString(endpoint);
  return text;
}

void TellProcesses(Terminal& terminal, const Topology& topology) {
  Table table({{"PROCESS"}, {"ROLE"}, {"MACHINE"}, {"RPC"}, {"STATUS"}, {"PEERS"}, {"CLIENTS"}});
  for (const PlannedScope& scope : topology.plan.scopes) {
    for (const PlannedProcess& process : scope.processes) {
      const bool is_manager = process.role == tls::Role::kManager;
      table.AddRow({NameOf(process), ToString(process.role), process.machine,
                    is_manager ? ToString(process.rpc) : "", ToString(process.status),
                    TextOf(process.peers), TextOf(process.http)});
    }
  }
  terminal.out << table.Render(terminal.style());
}

void TellWhatFollows(Terminal& terminal, const topology::Rendering& rendering) {
  const std::string& folder = rendering.summary.folder();
  terminal.out << "\nNext: start what " << folder << "/" << topology::kStartOrderFile
               << " lists, then\n";
  for (const auto& scope : rendering.summary.scopes()) {
    for (const std::string& site : scope.sites()) {
      terminal.out << "  strata --config " << scope.command_settings() << " site apply -f "
                   << Printable(site) << "\n";
    }
  }
  terminal.out << "  strata --config " << rendering.summary.scopes(0).command_settings()
               << " manager list\n";
}

// Sockets of an engine's have a limit that a deep folder exceeds.
Status CheckPaths(const Topology& topology, const topology::Places& places) {
  for (const PlannedScope& scope : topology.plan.scopes) {
    for (const PlannedProcess* engine : ProcessesOf(scope, tls::Role::kEngine)) {
      const std::string folder = DataFolderOf(places, *engine);
      if (folder.size() + kSocketName.size() <= kSocketPathMax) continue;
      return FailedPrecondition(
          "%s: the path of its data folder, %s, is too long for a socket in it (%zu bytes at "
          "most): "
          "set data_folder",
          NameOf(*engine).c_str(), folder.c_str(), kSocketPathMax - kSocketName.size());
    }
  }
  return Ok();
}

topology::Places PlacesOf(const Topology& topology, const std::string& local, bool founded) {
  topology::Places places;
  places.folder = topology.file.folder().empty() ? local : topology.file.folder();
  places.data_folder =
      topology.file.data_folder().empty() ? places.folder + "/data" : topology.file.data_folder();
  places.founded = founded;
  return places;
}

void TellWritten(Terminal& terminal, const topology::Written& written) {
  terminal.out << Counted(written.files_written, "file", "files") << " written, "
               << written.files_kept << " as they were; "
               << Counted(written.certificates_issued, "certificate", "certificates") << " issued, "
               << written.certificates_kept << " good still.\n";
  for (const std::string& stranger : written.strangers) {
    terminal.err << terminal.Paint("warning", Colour::kYellow) << "  " << Printable(stranger)
                 << " is of no process of this topology\n";
  }
}

}  // namespace

ExitCode CheckTopology(Terminal& terminal, const std::string& file) {
  const std::optional<Topology> topology = LoadChecked(terminal, file);
  if (!topology) return ExitCode::kFailed;
  if (terminal.json) return ExitCode::kOk;
  TellScopes(terminal, *topology);
  terminal.out << "\n" << Printable(file) << " is good: " << SizeOf(*topology) << ".\n";
  return ExitCode::kOk;
}

ExitCode RenderTopology(Terminal& terminal, const RenderTopologyOptions& options) {
  const std::optional<Topology> topology = LoadChecked(terminal, options.file);
  if (!topology) return ExitCode::kFailed;
  std::error_code error;
  std::string folder = std::filesystem::absolute(options.folder, error).lexically_normal().string();
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  const topology::Places places = PlacesOf(*topology, folder, options.founded);
  if (const Status good = CheckPaths(*topology, places); !good.ok()) return Fail(terminal, good);
  const topology::Rendering rendering = topology::Render(*topology, places, folder);
  const StatusOr<topology::Written> written =
      topology::WriteRendering(rendering, folder, options.force, WallClockSeconds());
  if (!written.ok()) return Fail(terminal, written.status());
  if (terminal.json) {
    terminal.out << JsonOf(rendering.summary);
    return ExitCode::kOk;
  }
  TellProcesses(terminal, *topology);
  terminal.out << "\n" << SizeOf(*topology) << ", in " << folder << ": ";
  TellWritten(terminal, *written);
  TellWhatFollows(terminal, rendering);
  return ExitCode::kOk;
}

}  // namespace strata::cli
