#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "farm/asset.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/federation/policy/forwarding_matcher.h"

namespace strata::manager::federation {

// One link on the way up, with the policy of its child.
struct PolicyLink {
  ScopeLevel child;
  ScopeLevel parent;
  const ForwardingMatcher& matcher;
};

// What a manager knows of a copy that lies far below it.
struct KnownCopy {
  ScopeLevel manager;  // Who knows it.
  // kFull: the engine that holds it; kScope: that `scope` has it; kNone: nothing.
  Forward known = Forward::kFull;
  std::string scope = {};
  std::string because = {};  // "rule 1 (site films: scope) of cdn-one".

  friend bool operator==(const KnownCopy&, const KnownCopy&) = default;
};

// What each level above will know of a copy, the only one, at an engine below the first link's
// child. `chain`: the links from there to the top, each from the parent of the one before. Pure,
// any thread. docs/protocols/federation.md, 2.
std::vector<KnownCopy> KnownAbove(std::string_view canonical_uri, farm::AssetKind kind,
                                  std::span<const PolicyLink> chain);

// "cdn-one (level 3) will know that cdn-one/dc-two has it: rule 1 (site films: scope) of
// cdn-one/dc-two"
std::string ToString(const KnownCopy& known);

// A sentence for each level above; for copies of either kind in turn where they differ.
std::vector<std::string> KnownAboveText(std::string_view canonical_uri,
                                        std::span<const PolicyLink> chain);

}  // namespace strata::manager::federation
