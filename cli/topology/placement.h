#pragma once

#include "cli/topology/plan.h"
#include "proto/topology.pb.h"

namespace strata::cli::topology {

// Gives each process of the plan its machine, interface and addresses. Hosts that are not there,
// and addresses that come to an end, are faults; hosts without anybody are warnings. No I/O.
void PlaceProcesses(const v1::TopologyFile& file, Plan& plan, Findings& findings);

}  // namespace strata::cli::topology
