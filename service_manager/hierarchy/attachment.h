#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/status.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/hierarchy/link_policy.h"
#include "service_manager/hierarchy/subtree.h"
#include "service_manager/routing/scope_load.h"

// What a child and its parent tell each other while they are attached. Plain data; pure, any
// thread. docs/protocols/attachment.md
namespace strata::manager::hierarchy {

struct AttachHello {
  federation::ScopeLevel child;
  uint64_t epoch = 0;  // The term in which its manager leads.
  std::string version;

  friend bool operator==(const AttachHello&, const AttachHello&) = default;
};

// Who the child is.
struct ChildPart {
  std::vector<ScopeManager> managers = {};  // The one that leads first.
  std::vector<Endpoint> front_ends = {};    // Where clients reach them.
  LinkPolicy policy = {};                   // Of its link up.

  friend bool operator==(const ChildPart&, const ChildPart&) = default;
};

// How it is, and what is beneath it.
struct ChildReport {
  routing::LoadReport load;
  Subtree subtree;

  friend bool operator==(const ChildReport&, const ChildReport&) = default;
};

// From the parent to the top, each with the policy of its link to the next one.
struct ChainLink {
  federation::ScopeLevel place;
  LinkPolicy policy = {};

  friend bool operator==(const ChainLink&, const ChainLink&) = default;
};
using Chain = std::vector<ChainLink>;

struct AttachWelcome {
  federation::ScopeLevel parent;
  std::string version;
  Chain chain;

  friend bool operator==(const AttachWelcome&, const AttachWelcome&) = default;
};

// Ok, if it is what stands above a parent, itself first. InvalidArgument, FailedPrecondition.
Status CheckChain(const federation::ScopeLevel& parent, const Chain& chain);

// What the application knows of this manager and its scope.
struct OwnPart {
  ChildPart part;
  routing::LoadReport load;  // Of a farm; above level 1 empty: its children's is taken.
  uint64_t locations = 0;
  uint32_t engines = 0;  // Of a farm; above level 1 those that children tell of are counted.
  uint32_t engines_up = 0;
  uint32_t sites = 0;
  std::optional<LinkUp> up;  // Nothing: it has no parent.
};

}  // namespace strata::manager::hierarchy
