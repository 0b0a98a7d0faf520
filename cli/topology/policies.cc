#include "cli/topology/policies.h"

#include <optional>
#include <vector>

#include "common/near_miss.h"
#include "common/status.h"
#include "common/time.h"
#include "farm/messages.h"
#include "service_manager/federation/policy/forwarding_policy.h"

namespace strata::cli::topology {
namespace {

using manager::federation::ForwardingPolicy;
using manager::federation::ForwardingRule;
using manager::settings::v1::ForwardingRuleSettings;
using manager::settings::v1::ForwardingSettings;

std::optional<farm::AssetKind> KindOf(ForwardingRuleSettings::Kind kind) {
  if (kind == ForwardingRuleSettings::KIND_LIBRARY) return farm::AssetKind::kLibrary;
  if (kind == ForwardingRuleSettings::KIND_CACHE) return farm::AssetKind::kCache;
  return std::nullopt;
}

void CheckPolicy(const std::string& place, const ForwardingSettings& file, Findings& findings) {
  ForwardingPolicy policy;
  policy.batching_delay = Duration(file.batching_delay());
  bool words_are_known = true;
  for (int i = 0; i < file.rules_size(); ++i) {
    const ForwardingRuleSettings& rule = file.rules(i);
    const auto forward = manager::federation::ParseForward(rule.forward());
    if (!forward.ok()) {
      words_are_known = false;
      findings.faults.push_back(place + ": rule " + std::to_string(i + 1) +
                                ": forward: " + MessageOf(forward.status()));
      continue;
    }
    policy.rules.push_back(ForwardingRule{.site = rule.site(),
                                          .uri_prefix = rule.uri_prefix(),
                                          .kind = KindOf(rule.kind()),
                                          .forward = *forward});
  }
  // Its faults count rules: without one of them they would count wrong.
  if (!words_are_known) return;
  for (const std::string& fault : manager::federation::FaultsOf(policy)) {
    findings.faults.push_back(place + ": " + fault);
  }
}

void CheckSites(const std::string& place, const ForwardingSettings& file,
                const std::set<std::string>& sites, Findings& findings) {
  const std::vector<std::string> names(sites.begin(), sites.end());
  for (const ForwardingRuleSettings& rule : file.rules()) {
    if (names.empty() || rule.site().empty() || sites.contains(rule.site())) continue;
    const std::string meant(NearMiss(rule.site(), names));
    findings.warnings.push_back(place + ": site " + rule.site() + " is none of those applied here" +
                                (meant.empty() ? "" : "; did you mean " + meant + "?"));
  }
}

std::string MeantPolicy(const v1::TopologyFile& file, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [known, policy] : file.policies()) names.push_back(known);
  const std::string meant(NearMiss(name, names));
  return meant.empty() ? "" : "; did you mean " + meant + "?";
}

}  // namespace

void CheckPolicies(const v1::TopologyFile& file, const Plan& plan,
                   const std::set<std::string>& sites, Findings& findings) {
  std::set<std::string> used;
  for (const PlannedScope& scope : plan.scopes) {
    const std::string& place = scope.manager.scope;
    const std::string& name = file.scopes().at(place).policy();
    if (name.empty()) continue;
    used.insert(name);
    if (!file.policies().contains(name)) {
      findings.faults.push_back(place + ": policy " + name + " is not there" +
                                MeantPolicy(file, name));
    }
    if (scope.parent.empty()) {
      findings.faults.push_back(place + ": has a policy, and no parent to tell anything");
    }
  }
  const std::set<std::string> names = [&] {
    std::set<std::string> all;
    for (const auto& [name, policy] : file.policies()) all.insert(name);
    return all;
  }();
  for (const std::string& name : names) {
    const std::string place = "policy " + name;
    CheckPolicy(place, file.policies().at(name), findings);
    CheckSites(place, file.policies().at(name), sites, findings);
    if (!used.contains(name)) findings.warnings.push_back(place + ": nobody has it");
  }
}

}  // namespace strata::cli::topology
