#include "service_manager/routing/routed_holders.h"

#include <utility>

#include "common/check.h"

namespace strata::manager::routing {

RoutedHolders::RoutedHolders(std::vector<RoutedHolder> holders, const RegionMap& regions) {
  absl::flat_hash_map<std::string, size_t> by_scope;
  places_.reserve(holders.size());
  for (RoutedHolder& holder : holders) {
    const bool first = by_number_.emplace(holder.number, static_cast<int>(places_.size())).second;
    STRATA_CHECK(first);
    const auto [scope, is_new] = by_scope.emplace(holder.name.scope, scopes_.size());
    if (is_new) scopes_.push_back(holder.name.scope);
    places_.push_back({.name = std::move(holder.name),
                       .identity = {},
                       .scope = scope->second,
                       .addresses = ClientAddresses(holder.clients),
                       .regions = {}});
    Place& here = places_.back();
    here.identity = federation::IdentityOf(here.name);
    here.regions = regions.RegionsOf(here.name.scope, holder.clients);
  }
}

int RoutedHolders::IndexOf(directory::Holder number) const {
  const auto it = by_number_.find(number);
  return it == by_number_.end() ? -1 : it->second;
}

}  // namespace strata::manager::routing
