#pragma once

#include "cli/topology/plan.h"
#include "proto/topology.pb.h"

namespace strata::cli::topology {

// Gives each process of the plan that has addresses its ports: its own, or the usual ones, or free
// ones. Port 0: none is left. No I/O.
void AssignPorts(const v1::TopologyFile& file, Plan& plan);

// Gives each scope of the plan its multicast group. Addresses that are none, and ports that come to
// an end, are faults. No I/O.
void AssignGroups(const v1::TopologyFile& file, Plan& plan, Findings& findings);

}  // namespace strata::cli::topology
