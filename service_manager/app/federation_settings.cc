#include "service_manager/app/federation_settings.h"

#include <utility>

#include "proto/service_manager_settings.pb.h"
#include "service_manager/app/manager_address.h"
#include "service_manager/federation/hierarchy.h"

namespace strata::manager::app {
namespace {

StatusOr<federation::ForwardingPolicy> PolicyOf(const settings::v1::ForwardingSettings& file) {
  using Kind = settings::v1::ForwardingRuleSettings;
  federation::ForwardingPolicy policy;
  policy.batching_delay = Duration(file.batching_delay());
  for (const settings::v1::ForwardingRuleSettings& from : file.rules()) {
    federation::ForwardingRule rule;
    rule.site = from.site();
    rule.uri_prefix = from.uri_prefix();
    if (from.kind() == Kind::KIND_LIBRARY) rule.kind = farm::AssetKind::kLibrary;
    if (from.kind() == Kind::KIND_CACHE) rule.kind = farm::AssetKind::kCache;
    const StatusOr<federation::Forward> forward = federation::ParseForward(from.forward());
    if (!forward.ok()) {
      return InvalidArgument("forwarding.rules[%zu].forward: %s", policy.rules.size(),
                             MessageOf(forward.status()).c_str());
    }
    rule.forward = *forward;
    policy.rules.push_back(std::move(rule));
  }
  std::string faults;
  for (const std::string& fault : federation::FaultsOf(policy)) {
    faults += (faults.empty() ? "" : "; ") + fault;
  }
  if (!faults.empty()) return InvalidArgument("forwarding: %s", faults.c_str());
  return policy;
}

}  // namespace

StatusOr<FederationSettings> FederationSettingsOf(
    const settings::v1::ServiceManagerSettings& file) {
  FederationSettings settings;
  settings.level = file.level();
  STRATA_ASSIGN_OR_RETURN(settings.parents,
                          ManagerAddresses("parent.managers", file.parent().managers()));
  if (settings.level == federation::kLevelMax && !settings.parents.empty()) {
    return InvalidArgument("parent.managers: nothing is above level %u", federation::kLevelMax);
  }
  STRATA_ASSIGN_OR_RETURN(settings.policy, PolicyOf(file.forwarding()));
  if (settings.parents.empty() && !settings.policy.rules.empty()) {
    return InvalidArgument("forwarding.rules: there is no parent to be told (parent.managers)");
  }
  settings.choice.delegate = file.children().delegate();
  settings.choice.stale_after = Duration(file.children().stale_after());
  settings.forget_after = Duration(file.children().forget_after());
  settings.regions_file = file.children().regions();
  return settings;
}

}  // namespace strata::manager::app
