#pragma once

#include <map>
#include <string>

#include "common/status.h"
#include "service_manager/federation/policy/forwarding_matcher.h"
#include "service_manager/federation/policy/forwarding_policy.h"

namespace strata::manager::hierarchy {

// The forwarding policy of a link as others are told of it: with the hosts of the sites that its
// rules name, as far as the child knows them. Plain data.
struct LinkPolicy {
  federation::ForwardingPolicy policy = {};
  std::map<std::string, std::string> hosts = {};  // First hosts, by the sites' names.

  friend bool operator==(const LinkPolicy&, const LinkPolicy&) = default;
};

// `host_of`: as ForwardingMatcher wants it.
LinkPolicy MakeLinkPolicy(federation::ForwardingPolicy policy,
                          federation::ForwardingMatcher::HostOfSite host_of);

// InvalidArgument, with the first of its faults: it is none, or a host is not canonical.
Status CheckLinkPolicy(const LinkPolicy& link);

// Whether the parent is not told of some copies: then it has to ask when it needs to know.
bool HidesCopies(const LinkPolicy& link);

federation::ForwardingMatcher MatcherOf(const LinkPolicy& link);

}  // namespace strata::manager::hierarchy
