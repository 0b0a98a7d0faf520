#include "farm/site_table.h"

namespace strata::farm {

Status SiteTable::Apply(const Site& site) {
  const Site* current = Find(site.name);
  if (current != nullptr && site.version <= current->version) {
    return FailedPrecondition("site %s: version %llu is not above %llu", site.name.c_str(),
                              static_cast<unsigned long long>(site.version),
                              static_cast<unsigned long long>(current->version));
  }
  for (const std::string& host : site.hosts) {
    const Site* other = FindByHost(host);
    if (other != nullptr && other->name != site.name) {
      return AlreadyExists("site %s: host %s belongs to site %s", site.name.c_str(), host.c_str(),
                           other->name.c_str());
    }
  }
  if (current != nullptr) {
    for (const std::string& host : current->hosts) by_host_.erase(host);
  }
  sites_[site.name] = site;
  for (const std::string& host : site.hosts) by_host_[host] = site.name;
  return Ok();
}

Status SiteTable::Remove(const std::string& name) {
  const auto it = sites_.find(name);
  if (it == sites_.end()) return NotFound("there is no site %s", name.c_str());
  for (const std::string& host : it->second.hosts) by_host_.erase(host);
  sites_.erase(it);
  return Ok();
}

const Site* SiteTable::Find(const std::string& name) const {
  const auto it = sites_.find(name);
  return it == sites_.end() ? nullptr : &it->second;
}

const Site* SiteTable::FindByHost(std::string_view host) const {
  const auto it = by_host_.find(std::string(host));
  return it == by_host_.end() ? nullptr : Find(it->second);
}

}  // namespace strata::farm
