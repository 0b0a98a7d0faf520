#include "service_manager/federation/locate/neighbours.h"

#include <algorithm>

namespace strata::manager::federation {

void Neighbours::Remove(NeighbourId id) {
  if (IsParent(id)) parent_.reset();
  std::erase_if(children_, [id](const auto& child) { return child.second == id; });
}

std::optional<NeighbourId> Neighbours::Child(std::string_view scope) const {
  const auto found = children_.find(scope);
  return found == children_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Neighbour> Neighbours::Find(NeighbourId id) const {
  if (IsParent(id)) return parent_;
  const auto found = std::find_if(children_.begin(), children_.end(),
                                  [id](const auto& child) { return child.second == id; });
  if (found == children_.end()) return std::nullopt;
  return Neighbour{found->second, found->first};
}

std::optional<Neighbour> Neighbours::ChildTowards(std::string_view scope) const {
  while (!scope.empty()) {
    if (const auto id = Child(scope)) return Neighbour{*id, std::string(scope)};
    const size_t slash = scope.rfind('/');
    scope = slash == std::string_view::npos ? std::string_view() : scope.substr(0, slash);
  }
  return std::nullopt;
}

}  // namespace strata::manager::federation
