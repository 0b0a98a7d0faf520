#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/address.h"
#include "service_manager/directory/location.h"
#include "service_manager/federation/holder_name.h"
#include "service_manager/routing/client_addresses.h"
#include "service_manager/routing/region_map.h"

namespace strata::manager::routing {

// A holder as a manager above level 1 knows it.
struct RoutedHolder {
  directory::Holder number;  // In the index.
  federation::HolderName name;
  std::vector<Endpoint> clients;  // Of an engine; none of a scope.
};

// Who the holders of the index are. Immutable, so that snapshots share it: made anew when a holder
// is introduced or goes, not when a load changes.
class RoutedHolders {
 public:
  struct Place {
    federation::HolderName name;
    federation::HolderIdentity identity;
    size_t scope = 0;  // A place in scopes().
    ClientAddresses addresses;
    RegionSet regions;
  };

  // In any order, each number once.
  RoutedHolders(std::vector<RoutedHolder> holders, const RegionMap& regions);

  // A place; -1 if there is no such holder.
  int IndexOf(directory::Holder number) const;
  const Place& at(int index) const { return places_[static_cast<size_t>(index)]; }
  // Those that the holders are of, or are; each once.
  const std::vector<std::string>& scopes() const { return scopes_; }

 private:
  std::vector<Place> places_;
  std::vector<std::string> scopes_;
  absl::flat_hash_map<directory::Holder, int> by_number_;
};

}  // namespace strata::manager::routing
