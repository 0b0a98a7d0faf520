#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/address.h"
#include "farm/director.h"
#include "service_manager/control/farm_control.h"
#include "service_manager/directory/location.h"
#include "service_manager/routing/scope_load.h"

namespace strata::manager::app {

// The engines of the own farm, as managers of other scopes are to know them. Any thread, where
// nothing else is said.
class FarmEngines {
 public:
  struct Engine {
    std::string name;
    std::vector<Endpoint> clients;  // Where clients reach it; the first of a family is preferred.
    bool down = false;
  };
  struct Counts {
    uint32_t all = 0;
    uint32_t up = 0;
  };

  // Outlives this.
  explicit FarmEngines(control::FarmControl& control) : control_(control) {}

  // Nothing: the number is no engine's.
  std::optional<Engine> Find(directory::Holder holder) const;
  Counts counts() const;
  // That of this farm, as it is at the moment.
  routing::LoadReport Load() const;

  // Those that came, or have another name or other addresses, since it was asked the last time. One
  // thread.
  std::vector<directory::Holder> TakeChanged();

 private:
  using Identity = std::pair<std::string, std::vector<Endpoint>>;

  control::FarmControl& control_;
  std::map<directory::Holder, Identity> known_;  // Of TakeChanged.
};

}  // namespace strata::manager::app
