#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/tls/identity.h"
#include "service_manager/federation/hierarchy.h"

// A federation as a topology plans it: every process with its machine, addresses and ports. Pure.

namespace strata::cli::topology {

struct PlannedProcess {
  tls::Role role = tls::Role::kManager;  // A manager, a witness or an engine.
  std::string scope;
  std::string name;
  size_t item = 0;        // Which one of the managers or engines of the file it comes from.
  std::string machine;    // Empty: it has none, which is a fault.
  std::string interface;  // Towards the others of its scope.
  std::vector<IpAddress> addresses;  // The first one is that on the interface.
  std::vector<IpAddress> clients;    // Where clients reach it.
  bool shares_machine = false;       // Others of its scope are on the same one.

  Endpoint status;
  Endpoint rpc;                 // Managers.
  std::vector<Endpoint> http;   // Where clients ask; none: no front end.
  std::vector<Endpoint> peers;  // Engines.
};

struct PlannedScope {
  manager::federation::ScopeLevel manager;
  std::string parent;  // Its scope; empty: at the top.
  IpAddress group;
  uint16_t group_port = 0;
  std::vector<PlannedProcess> processes;  // Managers, the witness, engines.
};

struct Plan {
  std::vector<PlannedScope> scopes;  // Parents first.
};

// What is wrong with a topology, and what is probably not meant: a sentence each that names the
// place.
struct Findings {
  std::vector<std::string> faults;
  std::vector<std::string> warnings;
};

// "cdn-one/lan-a/north-1", for people; "cdn-one_lan-a_north-1", for a file.
std::string NameOf(const PlannedProcess& process);
std::string FileNameOf(const PlannedProcess& process);
std::string FileNameOf(const std::string& scope);

// Those of a scope that have this role, in the order of the file.
std::vector<const PlannedProcess*> ProcessesOf(const PlannedScope& scope, tls::Role role);
// The scope of that path; null if there is none.
const PlannedScope* FindScope(const Plan& plan, const std::string& scope);
// The nearest scope of the plan that lies around `scope`; empty if there is none.
std::string ScopeAround(const Plan& plan, const std::string& scope);

}  // namespace strata::cli::topology
