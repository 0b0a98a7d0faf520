#pragma once

#include <google/protobuf/repeated_field.h>

#include <string>
#include <vector>

#include "cli/topology/plan.h"
#include "common/address.h"
#include "proto/topology.pb.h"

// Where in its file a part of a plan comes from. No I/O.

namespace strata::cli::topology {

// What the file says of a process; a default where it says nothing.
const v1::ProcessFile& FileOf(const v1::TopologyFile& file, const PlannedProcess& process);

// Addresses of a file, whose texts the loader has looked at.
std::vector<IpAddress> AddressesOf(const google::protobuf::RepeatedPtrField<std::string>& texts);

// The two steps in which addresses, ports and groups are given: first to those for whom the file
// names them, so that nobody else gets theirs.
inline constexpr bool kToldThenOthers[] = {true, false};

}  // namespace strata::cli::topology
