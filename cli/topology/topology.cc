#include "cli/topology/topology.h"

#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "cli/topology/expand.h"
#include "cli/topology/plan_faults.h"
#include "cli/topology/policies.h"
#include "common/file.h"
#include "common/settings/settings.h"
#include "proto/site.pb.h"

namespace strata::cli::topology {
namespace {

void Fault(Findings& findings, const std::string& place, const Status& status) {
  findings.faults.push_back(place + ": " + MessageOf(status));
}

// Whether `above` is the scope itself or somewhere on its way up.
bool IsOnTheWay(const Plan& plan, const std::string& above, std::string scope) {
  // A circle is a fault of its own, which ends this as well.
  for (size_t hops = 0; hops <= plan.scopes.size() && !scope.empty(); ++hops) {
    if (scope == above) return true;
    const PlannedScope* place = FindScope(plan, scope);
    scope = place == nullptr ? "" : place->parent;
  }
  return false;
}

// Sites of a topology: whether their files can be read, and whether one name comes from two places.
class Sites {
 public:
  Sites(const Topology& topology, Findings& findings) : topology_(topology), findings_(findings) {}

  std::set<std::string> Check() {
    for (const PlannedScope& scope : topology_.plan.scopes) {
      const std::string& path = scope.manager.scope;
      for (const std::string& file : topology_.file.scopes().at(path).sites()) CheckOne(path, file);
    }
    std::set<std::string> names;
    for (const auto& [name, scopes] : applied_) names.insert(name);
    return names;
  }

 private:
  void CheckOne(const std::string& scope, const std::string& file) {
    site::v1::SiteFile site;
    const Status read = LoadSettingsFile(PathFrom(topology_.path, file), &site);
    if (!read.ok()) {
      Fault(findings_, scope, read);
      return;
    }
    for (const std::string& other : applied_[site.name()]) {
      if (!IsOnTheWay(topology_.plan, other, scope)) continue;
      findings_.faults.push_back(scope + ": site " + site.name() + " is applied at " + other +
                                 " already, and comes down from there");
    }
    applied_[site.name()].push_back(scope);
  }

  const Topology& topology_;
  Findings& findings_;
  std::map<std::string, std::vector<std::string>> applied_;  // Name -> scopes.
};

void ReadRegions(Topology& topology, Findings& findings) {
  for (const PlannedScope& scope : topology.plan.scopes) {
    const std::string& path = scope.manager.scope;
    const std::string& regions = topology.file.scopes().at(path).children().regions();
    if (regions.empty() || topology.regions.contains(regions)) continue;
    StatusOr<std::string> text = ReadFile(PathFrom(topology.path, regions), kRegionsBytesMax);
    if (text.ok()) {
      topology.regions.emplace(regions, *std::move(text));
    } else {
      Fault(findings, path, text.status());
    }
  }
}

void CheckFolder(const char* key, const std::string& folder, Findings& findings) {
  if (folder.empty() || folder.front() == '/') return;
  findings.faults.push_back(std::string(key) + ": " + folder + " does not begin with /");
}

void CutTo(size_t max, std::vector<std::string>& texts) {
  if (texts.size() <= max) return;
  const size_t more = texts.size() - max;
  texts.resize(max);
  texts.push_back("and " + std::to_string(more) + " more");
}

}  // namespace

std::string PathFrom(const std::string& topology, const std::string& file) {
  return (std::filesystem::path(topology).parent_path() / file).string();
}

StatusOr<Topology> LoadTopology(const std::string& path, Findings& findings) {
  Topology topology;
  topology.path = path;
  STRATA_RETURN_IF_ERROR(LoadSettingsFile(path, &topology.file));
  topology.plan = PlanOf(topology.file, findings);
  CheckPlan(topology.plan, findings);
  const std::set<std::string> sites = Sites(topology, findings).Check();
  CheckPolicies(topology.file, topology.plan, sites, findings);
  ReadRegions(topology, findings);
  CheckFolder("folder", topology.file.folder(), findings);
  CheckFolder("data_folder", topology.file.data_folder(), findings);
  CutTo(kFindingsMax, findings.faults);
  CutTo(kFindingsMax, findings.warnings);
  return topology;
}

}  // namespace strata::cli::topology
