#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/random.h"
#include "common/time.h"
#include "tests/simulation/federation/catalogue.h"
#include "tests/simulation/federation/policy_plan.h"

namespace strata::simulation::federation {

// What a seed is mostly about, so that every named event occurs often: seed % kProfileCount.
enum class Profile : uint8_t {
  kSeedTwo,    // The scoping of seed 2: two CDNs of three data centers each.
  kFlaps,      // Links break for less than the queue is long.
  kOverflow,   // Small queues, long breaks.
  kTakeOvers,  // At either end, and at both at once; those deposed go on for a while.
  kPowerLoss,  // Stores forget what was not synced.
  kPolicies,   // Policies change all the time.
  kBent,       // Stores lose and bend things.
  kChaos,      // All of it.
};
inline constexpr size_t kProfileCount = 8;
std::string_view ToString(Profile profile);

enum class Fault : uint8_t {
  kFlap,          // A stream is cut, and made anew soon.
  kOutage,        // A child without its parent for long.
  kStall,         // A stream stands still.
  kTakeOver,      // Another machine leads a scope; who was deposed hears of it later.
  kTakeOverBoth,  // Of a child and its parent at once.
  kRestart,       // The process of a scope, with what its store has.
  kPowerLoss,     // As well, with what is durable.
  kBend,          // A store lost, invented or changed a copy.
  kPolicy,        // Another policy of a link.
  kBurst,         // Many changes at once.
  kForget,        // A parent forgets what a child told.
};
inline constexpr size_t kFaultKinds = 11;

// The managers of one scope.
struct ScopePlan {
  std::string scope;
  int level = 1;
  std::optional<size_t> parent;      // Its place in Plan::scopes, before its own.
  std::vector<std::string> engines;  // Of a farm.
  PolicyPlan policy;                 // Of the link to the parent.
};

// How a link and its ends are.
struct LinkPlan {
  Duration delay_max{};
  Duration reconnect_max{};
  double cut_anew = 0;  // Chance that a stream that begins anew is cut while digests are compared.
  size_t queue_records = 1000;
  size_t batch_records = 100;
  Duration batch_delay{};
  size_t read_items = 500;
  Duration check_cycle{};
  Duration read_max{};    // A directory takes so long to be read.
  Duration sync_max{};    // A store takes so long to have durably what was written.
  Duration mirror_max{};  // And the other machine of the scope to have it.
};

// Everything about one run that follows from its seed.
struct Plan {
  uint64_t seed = 0;
  Profile profile = Profile::kChaos;
  std::vector<ScopePlan> scopes;  // Parents before their children.
  std::vector<Content> catalogue;
  LinkPlan link;
  Duration faulty_phase{};
  Duration change_gap{};  // Mean, of each farm.
  double library = 0.3;   // Share of copies.
  std::array<double, kFaultKinds> fault_weights{};
  Duration fault_gap{};  // Mean.

  static Plan Draw(uint64_t seed);
  std::vector<size_t> ChildrenOf(size_t at) const;
  bool IsFarm(size_t at) const { return scopes[at].level == 1; }
  bool StoresBend() const { return fault_weights[static_cast<size_t>(Fault::kBend)] > 0; }
  // Whether `below` lies somewhere below `scope`.
  bool IsBelow(size_t scope, size_t below) const;
};

}  // namespace strata::simulation::federation
