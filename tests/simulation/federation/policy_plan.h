#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/random.h"
#include "service_manager/federation/policy/forwarding_policy.h"
#include "tests/simulation/federation/catalogue.h"
#include "tests/simulation/federation/knowledge.h"

namespace strata::simulation::federation {

// A forwarding policy as the checkers understand it: written again from section 2 of
// docs/protocols/federation.md, as simply as can be.
enum class Forwarding { kFull, kScope, kNone };
struct RulePlan {
  std::string site;             // Empty: any.
  std::string folder;           // Empty: any; only with a site.
  std::optional<bool> library;  // None: any kind.
  Forwarding forward = Forwarding::kFull;
};
using PolicyPlan = std::vector<RulePlan>;

PolicyPlan DrawPolicy(RandomSource& random);
// As the core has it.
manager::federation::ForwardingPolicy ToForwardingPolicy(const PolicyPlan& policy);
std::string ToString(const PolicyPlan& policy);

// Whether it says `none` of some copy of that content, if there is one.
bool MayHide(const PolicyPlan& policy, const Content& content);
// What a manager of `scope` tells its parent of a content whose copies it knows.
Copies ProjectionOf(const PolicyPlan& policy, const std::string& scope, const Content& content,
                    const Copies& copies);

}  // namespace strata::simulation::federation
