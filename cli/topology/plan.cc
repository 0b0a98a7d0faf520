#include "cli/topology/plan.h"

#include <algorithm>

namespace strata::cli::topology {

std::string NameOf(const PlannedProcess& process) { return process.scope + "/" + process.name; }

// Neither scopes nor names have a "_": no two of them become the same.
std::string FileNameOf(const std::string& scope) {
  std::string name = scope;
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

std::string FileNameOf(const PlannedProcess& process) { return FileNameOf(NameOf(process)); }

std::vector<const PlannedProcess*> ProcessesOf(const PlannedScope& scope, tls::Role role) {
  std::vector<const PlannedProcess*> found;
  for (const PlannedProcess& process : scope.processes) {
    if (process.role == role) found.push_back(&process);
  }
  return found;
}

const PlannedScope* FindScope(const Plan& plan, const std::string& scope) {
  for (const PlannedScope& one : plan.scopes) {
    if (one.manager.scope == scope) return &one;
  }
  return nullptr;
}

std::string ScopeAround(const Plan& plan, const std::string& scope) {
  std::string nearest;
  for (const PlannedScope& one : plan.scopes) {
    const std::string& around = one.manager.scope;
    if (around != scope && around.size() > nearest.size() && tls::ScopeCovers(around, scope)) {
      nearest = around;
    }
  }
  return nearest;
}

}  // namespace strata::cli::topology
