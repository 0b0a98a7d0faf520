#pragma once

#include <cstdint>
#include <vector>

#include "common/address.h"
#include "common/time.h"
#include "multicast/driver/key_file.h"
#include "multicast/driver/options.h"

namespace strata::farm {

// Where a member that is no manager finds the farm's group, as a manager told it.
struct GroupPlace {
  uint64_t group_id = 0;
  IpAddress address;  // Multicast.
  uint16_t port = 0;
  Duration detection_timeout{};
  std::vector<Endpoint> seeds;            // Members that may know the group.
  std::vector<multicast::GroupKey> keys;  // All that are good now, the one to send with first.
};

// Sets what the options of a member have from the group; all else is the member's own.
void SetPlace(const GroupPlace& place, multicast::GroupOptions& options);

}  // namespace strata::farm
