#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/status.h"
#include "common/time.h"
#include "service_manager/federation/policy/forwarding_policy.h"
#include "service_manager/routing/federation_snapshot.h"

namespace strata::manager::settings::v1 {
class ServiceManagerSettings;
}  // namespace strata::manager::settings::v1

namespace strata::manager::app {

// A manager's place in the tree, and how it gets on with those above and beneath it.
struct FederationSettings {
  uint32_t level = 1;
  std::vector<std::string> parents;     // RPC of the parent's managers; none: it is at the top.
  federation::ForwardingPolicy policy;  // Without faults.
  routing::ChoiceSettings choice;       // Of a manager above level 1, as all that follows.
  Duration forget_after{};              // Of a silent child.
  std::string regions_file;             // Empty: there are no regions.
};

// InvalidArgument: all that is wrong, with the key.
StatusOr<FederationSettings> FederationSettingsOf(const settings::v1::ServiceManagerSettings& file);

}  // namespace strata::manager::app
