#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "farm/site.h"
#include "farm/site_table.h"

namespace strata::manager::routing {

// The sites of a scope, found by host. Immutable, so that snapshots share it: made anew when a site
// changes, not when a load does.
class SitesByHost {
 public:
  explicit SitesByHost(const farm::SiteTable& sites);
  SitesByHost(const SitesByHost&) = delete;
  SitesByHost& operator=(const SitesByHost&) = delete;

  // `host` as CanonicalHost gives it; null if it is no site's.
  const farm::Site* Find(std::string_view host) const;
  size_t sites() const { return sites_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  std::vector<farm::Site> sites_;
  std::unordered_map<std::string, const farm::Site*, Hash, std::equal_to<>> by_host_;
};

}  // namespace strata::manager::routing
