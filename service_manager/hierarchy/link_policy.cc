#include "service_manager/hierarchy/link_policy.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "farm/content_identity.h"

namespace strata::manager::hierarchy {

LinkPolicy MakeLinkPolicy(federation::ForwardingPolicy policy,
                          federation::ForwardingMatcher::HostOfSite host_of) {
  LinkPolicy link{.policy = std::move(policy)};
  for (const federation::ForwardingRule& rule : link.policy.rules) {
    if (rule.site.empty() || link.hosts.contains(rule.site)) continue;
    std::string host = host_of(rule.site);
    if (!host.empty()) link.hosts.emplace(rule.site, std::move(host));
  }
  return link;
}

Status CheckLinkPolicy(const LinkPolicy& link) {
  const std::vector<std::string> faults = federation::FaultsOf(link.policy);
  if (!faults.empty()) return InvalidArgument("a forwarding policy: %s", faults.front().c_str());
  for (const auto& [site, host] : link.hosts) {
    const StatusOr<std::string> canonical = farm::CanonicalHost(host);
    if (canonical.ok() && *canonical == host) continue;
    return InvalidArgument("a forwarding policy: the host of site %s is no host as sites have it",
                           site.c_str());
  }
  return Ok();
}

bool HidesCopies(const LinkPolicy& link) {
  return std::any_of(link.policy.rules.begin(), link.policy.rules.end(),
                     [](const auto& rule) { return rule.forward == federation::Forward::kNone; });
}

federation::ForwardingMatcher MatcherOf(const LinkPolicy& link) {
  return {link.policy, [&](const std::string& site) {
            const auto host = link.hosts.find(site);
            return host == link.hosts.end() ? std::string() : host->second;
          }};
}

}  // namespace strata::manager::hierarchy
