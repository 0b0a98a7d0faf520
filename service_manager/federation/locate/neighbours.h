#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/strong_id.h"

namespace strata::manager::federation {

// One connection to the parent or to a child; the next connection has another number, never used
// before. 0 is none: this manager's own front end and its operators.
using NeighbourId = StrongId<struct NeighbourTag, uint64_t>;

struct Neighbour {
  NeighbourId id{};
  std::string scope;

  friend bool operator==(const Neighbour&, const Neighbour&) = default;
};

// Who is connected to a manager right now: its parent, its children. Plain data.
class Neighbours {
 public:
  void SetParent(Neighbour parent) { parent_ = std::move(parent); }
  // In the place of an earlier connection of that scope.
  void SetChild(Neighbour child) { children_[child.scope] = child.id; }
  void Remove(NeighbourId id);

  const std::optional<Neighbour>& parent() const { return parent_; }
  bool IsParent(NeighbourId id) const { return parent_ && parent_->id == id; }
  // Nothing if it is not connected. `scope`: as it greeted.
  std::optional<NeighbourId> Child(std::string_view scope) const;
  // Parent or child.
  std::optional<Neighbour> Find(NeighbourId id) const;
  // The child who is asked for what lies in `scope`: the nearest above it, or its own manager.
  std::optional<Neighbour> ChildTowards(std::string_view scope) const;

 private:
  std::optional<Neighbour> parent_;
  std::map<std::string, NeighbourId, std::less<>> children_;  // By scope.
};

}  // namespace strata::manager::federation
