#pragma once

#include <set>
#include <string>

#include "cli/topology/plan.h"
#include "proto/topology.pb.h"

namespace strata::cli::topology {

// Adds what is wrong with the forwarding policies of a topology and with who uses them: rules that
// cannot be, or can never match; policies that are not there, that nobody uses, or of a scope that
// has no parent. `sites`: names of those that the topology applies; a rule about another one is a
// warning if there are any. No I/O.
void CheckPolicies(const v1::TopologyFile& file, const Plan& plan,
                   const std::set<std::string>& sites, Findings& findings);

}  // namespace strata::cli::topology
