#include "service_manager/federation/hierarchy.h"

#include <map>

#include "common/tls/identity.h"

namespace strata::manager::federation {
namespace {

// Whether one of the two scopes lies within the other.
bool Overlap(std::string_view a, std::string_view b) {
  return tls::ScopeCovers(a, b) || tls::ScopeCovers(b, a);
}

Status CheckLevels(const ScopeLevel& parent, const ScopeLevel& child) {
  if (child.level < parent.level) return Ok();
  const std::string below = ToString(child) + " cannot hang under " + ToString(parent);
  return FailedPrecondition("%s: %s", below.c_str(),
                            parent.level == kLevelMin ? "level 1 has engines, no children"
                                                      : "the level of a parent is higher");
}

Status CheckScopes(const ScopeLevel& parent, const ScopeLevel& child) {
  const std::string below = ToString(child) + " cannot hang under " + ToString(parent);
  if (parent.scope == child.scope) {
    return FailedPrecondition("%s: it is the same scope", below.c_str());
  }
  if (parent.level == kLevelMax) {
    if (!Overlap(parent.scope, child.scope)) return Ok();
    return FailedPrecondition("%s: the scope of an exchange is nobody's path", below.c_str());
  }
  if (tls::ScopeCovers(parent.scope, child.scope)) return Ok();
  return FailedPrecondition("%s: its scope does not lie within the parent's", below.c_str());
}

// The managers of a hierarchy by their scopes, the first of each.
using ByScope = std::map<std::string_view, const ManagerPlace*>;
using Faults = std::vector<std::string>;

const ManagerPlace* Find(const ByScope& places, std::string_view scope) {
  const auto it = places.find(scope);
  return it == places.end() ? nullptr : it->second;
}

void Require(const Status& status, Faults& faults) {
  if (!status.ok()) faults.push_back(MessageOf(status));
}

std::string ParentText(const ManagerPlace& place) {
  return place.parent.empty() ? "none" : place.parent;
}

ByScope CheckEach(std::span<const ManagerPlace> places, Faults& faults) {
  ByScope by_scope;
  for (const ManagerPlace& place : places) {
    Require(CheckScopeLevel(place.manager), faults);
    const std::string& scope = place.manager.scope;
    const auto [it, added] = by_scope.try_emplace(scope, &place);
    if (added) continue;
    const ManagerPlace& first = *it->second;
    faults.push_back(first.parent == place.parent
                         ? scope + " is there twice"
                         : scope + " has two parents: " + ParentText(first) + " and " +
                               ParentText(place));
  }
  return by_scope;
}

// "a -> b -> a is a circle". `one` lies on it.
std::string CircleText(const ByScope& places, const ManagerPlace& one) {
  std::string text = one.manager.scope;
  const ManagerPlace* next = &one;
  do {
    next = Find(places, next->parent);
    text += " -> " + next->manager.scope;
  } while (next != &one);
  return text + " is a circle";
}

// Goes up from each manager, to the top or to where somebody came by before. True if there is none.
bool CheckCircles(const ByScope& places, Faults& faults) {
  std::map<const ManagerPlace*, size_t> came_by;  // In the way of which number.
  size_t way = 0;
  bool none = true;
  for (const auto& [scope, place] : places) {
    ++way;
    const ManagerPlace* at = place;
    while (at != nullptr && came_by.try_emplace(at, way).second) at = Find(places, at->parent);
    if (at == nullptr || came_by[at] != way) continue;
    faults.push_back(CircleText(places, *at));
    none = false;
  }
  return none;
}

// The manager whose scope lies around that one, and no other between; null if there is none.
const ManagerPlace* NearestAround(const ByScope& places, std::string_view scope) {
  for (size_t slash = scope.rfind('/'); slash != std::string_view::npos;
       slash = scope.rfind('/', slash - 1)) {
    const ManagerPlace* around = Find(places, scope.substr(0, slash));
    if (around != nullptr) return around;
  }
  return nullptr;
}

void CheckParent(const ByScope& places, const ManagerPlace& place, Faults& faults) {
  const std::string& scope = place.manager.scope;
  const ManagerPlace* parent = Find(places, place.parent);
  if (parent == nullptr) {
    faults.push_back(scope + ": its parent " + place.parent + " is not there");
    return;
  }
  const Status link = CheckLink(parent->manager, place.manager);
  if (!link.ok()) {
    faults.push_back(MessageOf(link));
    return;
  }
  const ManagerPlace* around = NearestAround(places, scope);
  if (around != nullptr && around != parent) {
    faults.push_back(scope + " hangs under " + place.parent + ", but lies within " +
                     around->manager.scope + ": it would have two ways up");
  }
}

void CheckTop(const ByScope& places, Faults& faults) {
  const ManagerPlace* top = nullptr;
  for (const auto& [scope, place] : places) {
    if (!place->parent.empty()) continue;
    if (top != nullptr) {
      faults.push_back(place->manager.scope + " has no parent, like " + top->manager.scope +
                       ": only one can be at the top");
    } else {
      top = place;
    }
  }
}

}  // namespace

std::string ToString(const ScopeLevel& manager) {
  return manager.scope + " (level " + std::to_string(manager.level) + ")";
}

Status CheckScopeLevel(const ScopeLevel& manager) {
  STRATA_RETURN_IF_ERROR(tls::CheckScope(manager.scope));
  if (manager.level < kLevelMin || manager.level > kLevelMax) {
    return InvalidArgument("%s: there is no level %u, only %u to %u", manager.scope.c_str(),
                           manager.level, kLevelMin, kLevelMax);
  }
  if (manager.level == kLevelMax && manager.scope.find('/') != std::string::npos) {
    return InvalidArgument("%s: the scope of an exchange is one word", ToString(manager).c_str());
  }
  return Ok();
}

Status CheckLink(const ScopeLevel& parent, const ScopeLevel& child) {
  STRATA_RETURN_IF_ERROR(CheckScopeLevel(parent));
  STRATA_RETURN_IF_ERROR(CheckScopeLevel(child));
  STRATA_RETURN_IF_ERROR(CheckLevels(parent, child));
  return CheckScopes(parent, child);
}

Status CheckChild(const ScopeLevel& parent, const ScopeLevel& child,
                  std::span<const std::string> children) {
  STRATA_RETURN_IF_ERROR(CheckLink(parent, child));
  for (const std::string& other : children) {
    if (other == child.scope || !Overlap(other, child.scope)) continue;
    const bool inside = tls::ScopeCovers(other, child.scope);
    return FailedPrecondition(
        "%s lies within %s, and both hang under %s: it would have two ways up",
        (inside ? child.scope : other).c_str(), (inside ? other : child.scope).c_str(),
        parent.scope.c_str());
  }
  return Ok();
}

std::vector<std::string> FaultsOf(std::span<const ManagerPlace> places) {
  if (places.empty()) return {"there is no manager"};
  if (places.size() > kManagersMax) {
    return {"there are more than " + std::to_string(kManagersMax) + " managers"};
  }
  Faults faults;
  const ByScope by_scope = CheckEach(places, faults);
  // A circle breaks the order of levels somewhere: that would say the same again.
  if (!faults.empty() || !CheckCircles(by_scope, faults)) return faults;
  for (const auto& [scope, place] : by_scope) {
    if (!place->parent.empty()) CheckParent(by_scope, *place, faults);
  }
  CheckTop(by_scope, faults);
  return faults;
}

}  // namespace strata::manager::federation
