#pragma once

#include <map>
#include <string>

#include "cli/topology/plan.h"
#include "common/status.h"
#include "proto/topology.pb.h"

namespace strata::cli::topology {

inline constexpr size_t kRegionsBytesMax = 64 << 20;
inline constexpr size_t kFindingsMax = 100;  // Of each kind that are told.

// A topology's file with the files that it names, and what it plans.
struct Topology {
  std::string path;
  v1::TopologyFile file;
  Plan plan;
  std::map<std::string, std::string> regions;  // The maps' texts, by how the file names them.
};

// Reads a topology and the files that it names, plans and checks it. Adds what is wrong to
// `findings`: with faults the plan is not one to be used. InvalidArgument with a line for each
// error, by file, line and key, if it is no topology at all; other errors name the file.
StatusOr<Topology> LoadTopology(const std::string& path, Findings& findings);

// The path of a file that the topology names: from the topology's own folder, if it does not begin
// with /.
std::string PathFrom(const std::string& topology, const std::string& file);

}  // namespace strata::cli::topology
