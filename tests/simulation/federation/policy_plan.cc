#include "tests/simulation/federation/policy_plan.h"

namespace strata::simulation::federation {

namespace {

constexpr uint64_t kRulesMax = 4;

bool Matches(const RulePlan& rule, const Content& content, LocationFlags flags) {
  const bool library = (flags & manager::directory::kLibrary) != 0;
  if (rule.library && *rule.library != library) return false;
  if (rule.site.empty()) return true;
  if (rule.folder.empty()) return rule.site == content.site;
  return content.uri.starts_with(FolderUri(rule.site, rule.folder));
}

Forwarding ForwardingOf(const PolicyPlan& policy, const Content& content, LocationFlags flags) {
  for (const RulePlan& rule : policy) {
    if (Matches(rule, content, flags)) return rule.forward;
  }
  return Forwarding::kFull;
}

const char* ToString(Forwarding forward) {
  constexpr const char* kNames[] = {"full", "scope", "none"};
  return kNames[static_cast<size_t>(forward)];
}

RulePlan DrawRule(RandomSource& random) {
  RulePlan rule;
  if (random.Chance(0.8)) rule.site = kSites[random.Below(std::size(kSites))];
  if (!rule.site.empty() && random.Chance(0.4)) {
    rule.folder = kFolders[random.Below(std::size(kFolders))];
  }
  if (random.Chance(0.4)) rule.library = random.Chance(0.5);
  rule.forward = static_cast<Forwarding>(random.Below(3));
  return rule;
}

}  // namespace

PolicyPlan DrawPolicy(RandomSource& random) {
  PolicyPlan policy;
  for (uint64_t rules = random.Below(kRulesMax + 1); rules > 0; --rules) {
    policy.push_back(DrawRule(random));
    // Those before it cover it.
    if (!manager::federation::FaultsOf(ToForwardingPolicy(policy)).empty()) policy.pop_back();
  }
  return policy;
}

manager::federation::ForwardingPolicy ToForwardingPolicy(const PolicyPlan& policy) {
  using manager::federation::Forward;
  manager::federation::ForwardingPolicy real;
  for (const RulePlan& plan : policy) {
    manager::federation::ForwardingRule rule;
    rule.site = plan.site;
    if (!plan.folder.empty()) rule.uri_prefix = FolderUri(plan.site, plan.folder);
    if (plan.library)
      rule.kind = *plan.library ? farm::AssetKind::kLibrary : farm::AssetKind::kCache;
    rule.forward = plan.forward == Forwarding::kFull    ? Forward::kFull
                   : plan.forward == Forwarding::kScope ? Forward::kScope
                                                        : Forward::kNone;
    real.rules.push_back(rule);
  }
  return real;
}

std::string ToString(const PolicyPlan& policy) {
  std::string text;
  for (const RulePlan& rule : policy) {
    text += (rule.site.empty() ? "*" : rule.site) + "/" + rule.folder;
    if (rule.library) text += *rule.library ? " library" : " cache";
    text += std::string(" ") + ToString(rule.forward) + "; ";
  }
  return text + "else full";
}

bool MayHide(const PolicyPlan& policy, const Content& content) {
  return ForwardingOf(policy, content, 0) == Forwarding::kNone ||
         ForwardingOf(policy, content, manager::directory::kLibrary) == Forwarding::kNone;
}

Copies ProjectionOf(const PolicyPlan& policy, const std::string& scope, const Content& content,
                    const Copies& copies) {
  Copies projection;
  for (const auto& [holder, flags] : copies) {
    switch (ForwardingOf(policy, content, flags)) {
      case Forwarding::kFull:
        projection[holder] |= flags;
        break;
      case Forwarding::kScope:
        projection[{scope, ""}] |= flags;
        break;
      case Forwarding::kNone:
        break;
    }
  }
  return projection;
}

}  // namespace strata::simulation::federation
