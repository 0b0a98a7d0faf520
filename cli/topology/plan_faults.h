#pragma once

#include <cstddef>

#include "cli/topology/plan.h"

namespace strata::cli::topology {

inline constexpr size_t kManagersOfScopeMax = 16;

// Adds all that is wrong with a plan: with the tree, names, who is there, addresses, ports and
// multicast groups that collide. Pure.
void CheckPlan(const Plan& plan, Findings& findings);

}  // namespace strata::cli::topology
