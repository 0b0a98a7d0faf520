#include "service_manager/routing/routing_snapshot.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace strata::manager::routing {

RoutingSnapshot::RoutingSnapshot(std::shared_ptr<const SitesByHost> sites,
                                 std::vector<RoutedEngine> engines, bool spread)
    : sites_(std::move(sites)), spread_(spread) {
  STRATA_CHECK(sites_ != nullptr);
  std::sort(engines.begin(), engines.end(),
            [](const RoutedEngine& a, const RoutedEngine& b) { return a.card.id < b.card.id; });
  for (RoutedEngine& engine : engines) {
    STRATA_CHECK(cards_.empty() || cards_.back().id < engine.card.id);
    cards_.push_back(engine.card);
    engines_.push_back(
        {.name = std::move(engine.name), .addresses = ClientAddresses(engine.clients)});
  }
}

std::shared_ptr<const RoutingSnapshot> RoutingSnapshot::Of(const farm::StateTable& table,
                                                           std::shared_ptr<const SitesByHost> sites,
                                                           const farm::DirectorSettings& settings,
                                                           Timestamp now) {
  std::vector<RoutedEngine> engines;
  for (const auto& [id, row] : table.rows()) {
    engines.push_back({.card = farm::CardOf(row, table.StatusOf(row, now), settings),
                       .name = row.engine.name,
                       .clients = row.engine.clients});
  }
  return std::make_shared<RoutingSnapshot>(std::move(sites), std::move(engines), settings.spread);
}

int RoutingSnapshot::IndexOf(farm::EngineId engine) const {
  const auto it = std::lower_bound(
      cards_.begin(), cards_.end(), engine,
      [](const farm::EngineCard& card, farm::EngineId id) { return card.id < id; });
  if (it == cards_.end() || it->id != engine) return -1;
  return static_cast<int>(it - cards_.begin());
}

}  // namespace strata::manager::routing
