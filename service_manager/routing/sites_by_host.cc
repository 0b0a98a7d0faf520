#include "service_manager/routing/sites_by_host.h"

namespace strata::manager::routing {

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

}  // namespace strata::manager::routing
