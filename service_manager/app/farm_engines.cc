#include "service_manager/app/farm_engines.h"

#include <memory>

#include "farm/state_table.h"
#include "farm/table_replica.h"
#include "multicast/driver/clock.h"
#include "service_manager/routing/routing_snapshot.h"
#include "service_manager/routing/sites_by_host.h"

namespace strata::manager::app {

std::optional<FarmEngines::Engine> FarmEngines::Find(directory::Holder holder) const {
  std::optional<Engine> engine;
  control_.member().Read([&](const farm::TableReplica& replica) {
    const farm::StateTable& table = replica.table();
    const farm::Row* row = table.Find(farm::EngineId(holder.value()));
    if (row == nullptr) return;
    engine = {.name = row->engine.name,
              .clients = row->engine.clients,
              .down = table.StatusOf(*row, multicast::Now()) == farm::EngineStatus::kDown};
  });
  return engine;
}

FarmEngines::Counts FarmEngines::counts() const {
  Counts counts;
  control_.member().Read([&counts](const farm::TableReplica& replica) {
    const Timestamp now = multicast::Now();
    for (const auto& [_, row] : replica.table().rows()) {
      ++counts.all;
      counts.up += replica.table().StatusOf(row, now) == farm::EngineStatus::kUp;
    }
  });
  return counts;
}

routing::LoadReport FarmEngines::Load() const {
  static const auto no_sites = std::make_shared<const routing::SitesByHost>(farm::SiteTable());
  std::shared_ptr<const routing::RoutingSnapshot> snapshot;
  const auto director = control_.director();
  control_.member().Read([&](const farm::TableReplica& replica) {
    snapshot = routing::RoutingSnapshot::Of(replica.table(), no_sites, *director, multicast::Now());
  });
  return routing::ReportOf(control_.options().scope, *snapshot);
}

std::vector<directory::Holder> FarmEngines::TakeChanged() {
  std::map<directory::Holder, Identity> now;
  control_.member().Read([&now](const farm::TableReplica& replica) {
    for (const auto& [id, row] : replica.table().rows()) {
      now[directory::Holder(id.value())] = {row.engine.name, row.engine.clients};
    }
  });
  std::vector<directory::Holder> changed;
  for (const auto& [holder, identity] : now) {
    const auto before = known_.find(holder);
    if (before == known_.end() || before->second != identity) changed.push_back(holder);
  }
  known_ = std::move(now);
  return changed;
}

}  // namespace strata::manager::app
