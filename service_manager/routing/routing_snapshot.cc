#include "service_manager/routing/routing_snapshot.h"

#include <algorithm>

#include "common/check.h"

namespace strata::manager::routing {
namespace {

constexpr uint16_t kHttpPort = 80;

RoutingSnapshot::Authorities AuthoritiesAt(const Endpoint& endpoint) {
  RoutingSnapshot::Authorities authorities;
  authorities.endpoint = endpoint;
  if (endpoint.port != kHttpPort) authorities.port = ":" + std::to_string(endpoint.port);
  const std::string ip = ToString(endpoint.ip);
  authorities.by_address = (endpoint.ip.IsV6() ? "[" + ip + "]" : ip) + authorities.port;
  return authorities;
}

}  // namespace

SitesByHost::SitesByHost(const farm::SiteTable& sites) {
  sites_.reserve(sites.sites().size());
  for (const auto& [name, site] : sites.sites()) {
    const farm::Site& here = sites_.emplace_back(site);
    for (const std::string& host : here.hosts) by_host_.emplace(host, &here);
  }
}

const farm::Site* SitesByHost::Find(std::string_view host) const {
  const auto it = by_host_.find(host);
  return it == by_host_.end() ? nullptr : it->second;
}

RoutingSnapshot::RoutingSnapshot(std::shared_ptr<const SitesByHost> sites,
                                 std::vector<RoutedEngine> engines, bool spread)
    : sites_(std::move(sites)), spread_(spread) {
  STRATA_CHECK(sites_ != nullptr);
  std::sort(engines.begin(), engines.end(),
            [](const RoutedEngine& a, const RoutedEngine& b) { return a.card.id < b.card.id; });
  for (RoutedEngine& engine : engines) {
    STRATA_CHECK(cards_.empty() || cards_.back().id < engine.card.id);
    cards_.push_back(engine.card);
    Engine& here = engines_.emplace_back();
    here.name = std::move(engine.name);
    for (const Endpoint& endpoint : engine.clients) {
      int& preferred = here.preferred[endpoint.ip.IsV6() ? 1 : 0];
      if (preferred < 0) preferred = static_cast<int>(here.addresses.size());
      here.addresses.push_back(AuthoritiesAt(endpoint));
    }
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

const RoutingSnapshot::Authorities* RoutingSnapshot::AuthoritiesOf(int index,
                                                                   IpFamily family) const {
  const Engine& engine = engines_[static_cast<size_t>(index)];
  const size_t first = family == IpFamily::kV6 ? 1 : 0;
  const int at =
      engine.preferred[first] >= 0 ? engine.preferred[first] : engine.preferred[1 - first];
  return at < 0 ? nullptr : &engine.addresses[static_cast<size_t>(at)];
}

}  // namespace strata::manager::routing
