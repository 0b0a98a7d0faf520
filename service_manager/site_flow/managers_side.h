#pragma once

#include <string>

#include "service_manager/control/farm_control.h"
#include "service_manager/site_flow/local_farm.h"

namespace strata::manager::site_flow {

// The managers of a scope above level 1, which have no engines: all of them answer clients by the
// sites that their group has. Any thread.
class ManagersSide final : public LocalFarm {
 public:
  // `control` outlives it.
  explicit ManagersSide(control::FarmControl& control) : control_(control) {}

  void OnSite(const std::string&) override { control_.Tell(); }
  void OnSiteRemoved(const std::string&) override { control_.Tell(); }
  void OnPurged(const farm::Purged&) override {}  // Nobody here has a copy.
  void Fill(sites::SiteRow&) const override {}

 private:
  control::FarmControl& control_;
};

}  // namespace strata::manager::site_flow
