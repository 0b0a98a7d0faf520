#pragma once

#include <string>

#include "farm/messages.h"
#include "service_manager/sites/rows.h"

namespace strata::manager::site_flow {

// Who is beside a manager, as far as sites and purges go: the engines of level 1; above, the
// scope's other managers. Any thread.
class LocalFarm {
 public:
  virtual ~LocalFarm() = default;

  // A site from above has come, or has another version: the farm hears of it soon. Does not wait.
  virtual void OnSite(const std::string& site) = 0;
  // It is gone: returns when the farm has heard, or when it cannot at the moment and will later.
  virtual void OnSiteRemoved(const std::string& site) = 0;
  // An entry of its log, durable here: the farm hears of it now. In the order of positions.
  virtual void OnPurged(const farm::Purged& entry) = 0;
  // What the row says of engines, of its site by its state. Quick.
  virtual void Fill(sites::SiteRow& row) const = 0;
};

}  // namespace strata::manager::site_flow
