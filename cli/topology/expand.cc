#include "cli/topology/expand.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "cli/topology/endpoints.h"
#include "cli/topology/placement.h"

namespace strata::cli::topology {
namespace {

using v1::ProcessFile;
using v1::ScopeFile;
using v1::TopologyFile;

const char* PrefixOf(tls::Role role) {
  if (role == tls::Role::kManager) return "sm";
  return role == tls::Role::kWitness ? "w" : "se";
}

uint32_t LevelOf(const std::string& scope, const ScopeFile& file) {
  if (file.level() != 0) return file.level();
  const auto slashes = static_cast<uint32_t>(std::count(scope.begin(), scope.end(), '/'));
  if (file.engines_size() > 0 || slashes >= 2) return manager::federation::kLevelMin;
  return 3 - slashes;
}

class Expander {
 public:
  Expander(const TopologyFile& file, Findings& findings) : file_(file), findings_(findings) {}

  Plan Run() {
    if (file_.scopes().size() > kScopesMax) {
      Fault("scopes", "more than " + std::to_string(kScopesMax));
      return {};
    }
    OrderScopes();
    for (PlannedScope& scope : plan_.scopes) AddProcesses(scope);
    if (processes_ > kProcessesMax) {
      Fault("scopes", "more than " + std::to_string(kProcessesMax) + " processes");
      return {};
    }
    PlaceProcesses(file_, plan_, findings_);
    AssignPorts(file_, plan_);
    AssignGroups(file_, plan_, findings_);
    return std::move(plan_);
  }

 private:
  void Fault(const std::string& place, const std::string& text) {
    findings_.faults.push_back(place + ": " + text);
  }

  const ScopeFile& FileOf(const std::string& scope) const { return file_.scopes().at(scope); }

  // The exchange, then scopes by their names: each behind those that it lies within.
  void OrderScopes() {
    std::string exchange;
    for (const auto& [scope, file] : file_.scopes()) {
      plan_.scopes.emplace_back().manager = {scope, LevelOf(scope, file)};
    }
    std::sort(plan_.scopes.begin(), plan_.scopes.end(), [](const auto& a, const auto& b) {
      const bool a_below = a.manager.level < manager::federation::kLevelMax;
      const bool b_below = b.manager.level < manager::federation::kLevelMax;
      return std::tie(a_below, a.manager.scope) < std::tie(b_below, b.manager.scope);
    });
    for (PlannedScope& scope : plan_.scopes) {
      const bool is_exchange = scope.manager.level == manager::federation::kLevelMax;
      if (is_exchange && exchange.empty()) exchange = scope.manager.scope;
      scope.parent = ScopeAround(plan_, scope.manager.scope);
      if (scope.parent.empty() && !is_exchange) scope.parent = exchange;
    }
  }

  // ---- Processes and their names.

  void AddProcesses(PlannedScope& scope) {
    const ScopeFile& file = FileOf(scope.manager.scope);
    if (file.managers_size() == 0) {
      Add(scope, tls::Role::kManager, ProcessFile::default_instance(), 0);
    }
    for (int i = 0; i < file.managers_size(); ++i) {
      Add(scope, tls::Role::kManager, file.managers(i), i);
    }
    if (file.has_witness()) Add(scope, tls::Role::kWitness, file.witness(), 0);
    for (int i = 0; i < file.engines_size(); ++i) {
      Add(scope, tls::Role::kEngine, file.engines(i), i);
    }
  }

  void Add(PlannedScope& scope, tls::Role role, const ProcessFile& file, int item) {
    const uint32_t count = std::max(file.count(), 1u);
    processes_ += count;
    if (processes_ > kProcessesMax) return;
    for (uint32_t i = 0; i < count; ++i) {
      PlannedProcess process;
      process.role = role;
      process.scope = scope.manager.scope;
      process.item = static_cast<size_t>(item);
      process.name = file.name();
      if (file.name().empty() || file.count() != 0) {
        process.name = NextName(scope, file.name().empty() ? PrefixOf(role) : file.name());
      }
      scope.processes.push_back(std::move(process));
    }
  }

  // "sm-3", where sm-1 and sm-2 are there.
  std::string NextName(const PlannedScope& scope, const std::string& prefix) {
    const auto& all = scope.processes;
    for (size_t& number = numbers_[scope.manager.scope + "/" + prefix];;) {
      const std::string name = prefix + "-" + std::to_string(++number);
      if (std::none_of(all.begin(), all.end(), [&](const auto& p) { return p.name == name; })) {
        return name;
      }
    }
  }

  const TopologyFile& file_;
  Findings& findings_;
  Plan plan_;
  size_t processes_ = 0;
  std::map<std::string, size_t> numbers_;  // The last one given, by SCOPE/PREFIX.
};

}  // namespace

Plan PlanOf(const TopologyFile& file, Findings& findings) { return Expander(file, findings).Run(); }

}  // namespace strata::cli::topology
