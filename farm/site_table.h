#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "common/status.h"
#include "farm/site.h"

namespace strata::farm {

// The sites that a member knows, by name and by host. Pure, one thread.
class SiteTable {
 public:
  // Takes a site without faults, new or in place of the one of its name. AlreadyExists, naming
  // both, if one of its hosts is another site's; FailedPrecondition if its version is not above the
  // one that is here. Refused, nothing changes.
  Status Apply(const Site& site);
  // NotFound if there is no such site.
  Status Remove(const std::string& name);

  // Null if there is none. Valid until the next change.
  const Site* Find(const std::string& name) const;
  // `host` as CanonicalHost gives it.
  const Site* FindByHost(std::string_view host) const;
  const std::map<std::string, Site>& sites() const { return sites_; }

 private:
  std::map<std::string, Site> sites_;
  absl::flat_hash_map<std::string, std::string> by_host_;  // To the name.
};

}  // namespace strata::farm
