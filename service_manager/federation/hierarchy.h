#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"

// How managers may be wired to a tree. Pure, any thread. docs/protocols/federation.md, 0.
namespace strata::manager::federation {

inline constexpr uint32_t kLevelMin = 1;  // A farm.
inline constexpr uint32_t kLevelMax = 4;  // The exchange.
inline constexpr size_t kManagersMax = 100'000;

// A manager's scope and its level: what both sides of a link tell of themselves.
struct ScopeLevel {
  std::string scope;
  uint32_t level = 0;

  friend bool operator==(const ScopeLevel&, const ScopeLevel&) = default;
};

// "cdn-one (level 3)".
std::string ToString(const ScopeLevel& manager);

// InvalidArgument if there is no such scope or level, naming it.
Status CheckScopeLevel(const ScopeLevel& manager);

// Whether `child` may hang under `parent`: FailedPrecondition says why not, naming both;
// InvalidArgument if one of them is none. For either side of a link, of the other.
Status CheckLink(const ScopeLevel& parent, const ScopeLevel& child);

// As CheckLink, for a parent that has children already, by their scopes: none may lie within
// another. The scope of `child` itself may be among them: it comes again.
Status CheckChild(const ScopeLevel& parent, const ScopeLevel& child,
                  std::span<const std::string> children);

// A manager's place in a hierarchy that somebody planned.
struct ManagerPlace {
  ScopeLevel manager;
  std::string parent;  // Its scope; empty: at the top.
};

// What is wrong with a hierarchy, a sentence each that names the scopes; empty if it is a tree.
// Links are looked at when names and circles are right, so that one mistake is told once.
std::vector<std::string> FaultsOf(std::span<const ManagerPlace> places);

}  // namespace strata::manager::federation
