#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"
#include "common/time.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/hierarchy/limits.h"

// A manager's scope and those beneath it, as it is told upwards and shown to people. Plain data and
// what it may be; pure, any thread. docs/protocols/attachment.md, 3.
namespace strata::manager::hierarchy {

enum class ManagerState : uint8_t { kAway, kLeads, kBackup, kJoins };

struct ScopeManager {
  std::string name;
  std::string address;  // HOST:PORT of its RPC.
  ManagerState state = ManagerState::kAway;

  friend bool operator==(const ScopeManager&, const ScopeManager&) = default;
};

// How a scope's feed to its parent is.
struct LinkUp {
  bool connected = false;
  uint64_t waiting_records = 0;  // That the parent has not acknowledged.
  uint64_t dirty_ranges = 0;
  uint64_t acknowledged = 0;  // The last sequence number.

  friend bool operator==(const LinkUp&, const LinkUp&) = default;
};

struct SubtreeScope {
  federation::ScopeLevel place;
  std::string parent = {};   // Scope; of the first one of a subtree whatever its sender says.
  bool heard = true;         // Its parent hears it at the moment.
  Duration age{};            // Since it was so.
  std::string version = {};  // Of the program of who leads it.
  std::vector<ScopeManager> managers = {};
  uint64_t locations = 0;
  uint32_t engines = 0;  // Of a farm, or of all farms beneath.
  uint32_t engines_up = 0;
  uint32_t sites = 0;
  std::optional<LinkUp> up = std::nullopt;  // Nothing: it has no parent.
  bool hides_copies = false;                // The parent is not told of some of its copies.

  friend bool operator==(const SubtreeScope&, const SubtreeScope&) = default;
};

// Its own scope first, each behind its parent.
struct Subtree {
  std::vector<SubtreeScope> scopes;
  uint64_t left_out = 0;  // More than fit.

  friend bool operator==(const Subtree&, const Subtree&) = default;
};

struct SubtreeLimits {
  size_t scopes_max = kSubtreeScopesMax;
  size_t bytes_max = kSubtreeBytesMax;
};

// Ok, if it is what the manager of that scope may tell: InvalidArgument names what is out of
// bounds; PermissionDenied, FailedPrecondition: a scope that is not beneath its own.
Status CheckSubtree(const federation::ScopeLevel& sender, const Subtree& subtree);
// InvalidArgument: too long, or no plain text.
Status CheckVersion(const std::string& version);
// InvalidArgument: more than kManagersPerScopeMax, or names and addresses that are none.
Status CheckManagers(const std::vector<ScopeManager>& managers);

// Leaves out what is beyond the limits, the lowest levels first, never the first scope: so a parent
// stays as long as one of its children.
void Limit(Subtree& subtree, const SubtreeLimits& limits = {});

}  // namespace strata::manager::hierarchy
