#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/time.h"
#include "farm/ranking.h"
#include "farm/state_table.h"
#include "service_manager/routing/client_addresses.h"
#include "service_manager/routing/sites_by_host.h"

namespace strata::manager::routing {

// An engine as requests are sent to it.
struct RoutedEngine {
  farm::EngineCard card;
  std::string name;
  std::vector<Endpoint> clients;  // Where clients reach it; the first of a family is preferred.
};

// All that a front end has to know of its farm, but the locations: judged at one moment, then never
// changed, so that any number of threads read it without waiting. A new one is published whenever
// a row, a status or a load has changed.
class RoutingSnapshot {
 public:
  // `engines` in any order, each id once. `spread`: DirectorSettings has it.
  RoutingSnapshot(std::shared_ptr<const SitesByHost> sites, std::vector<RoutedEngine> engines,
                  bool spread);
  // That of a table's rows at `now`. Statuses depend on the time: one that is older than a second
  // may call an engine up that has fallen silent.
  static std::shared_ptr<const RoutingSnapshot> Of(const farm::StateTable& table,
                                                   std::shared_ptr<const SitesByHost> sites,
                                                   const farm::DirectorSettings& settings,
                                                   Timestamp now);

  const SitesByHost& sites() const { return *sites_; }
  bool spread() const { return spread_; }
  // By rising id.
  const std::vector<farm::EngineCard>& cards() const { return cards_; }

  // Places in cards(); -1 if there is no such engine.
  int IndexOf(farm::EngineId engine) const;
  const std::string& NameOf(int index) const { return engines_[static_cast<size_t>(index)].name; }
  const ClientAddresses& AddressesOf(int index) const {
    return engines_[static_cast<size_t>(index)].addresses;
  }

 private:
  struct Engine {
    std::string name;
    ClientAddresses addresses;
  };

  std::shared_ptr<const SitesByHost> sites_;
  bool spread_;
  std::vector<farm::EngineCard> cards_;
  std::vector<Engine> engines_;  // In the order of cards_.
};

}  // namespace strata::manager::routing
