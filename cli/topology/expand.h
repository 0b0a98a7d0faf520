#pragma once

#include <cstddef>

#include "cli/topology/plan.h"
#include "proto/topology.pb.h"

namespace strata::cli::topology {

inline constexpr size_t kScopesMax = 1000;
inline constexpr size_t kProcessesMax = 10'000;

// Every process that the file means: `count` unfolded, names, machines, addresses, ports, groups
// and parents given to who has none. The same file gives the same plan. What cannot be planned is a
// fault and left out, so that all faults are found at once. No I/O.
Plan PlanOf(const v1::TopologyFile& file, Findings& findings);

}  // namespace strata::cli::topology
