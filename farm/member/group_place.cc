#include "farm/member/group_place.h"

#include "farm/member/farm_member.h"

namespace strata::farm {

void SetPlace(const GroupPlace& place, multicast::GroupOptions& options) {
  options.core.group = multicast::GroupId(place.group_id);
  options.core.seeds = place.seeds;
  SetDetection(place.detection_timeout, options.core);
  options.sockets.group = place.address;
  options.sockets.port = place.port;
  options.keys = place.keys;
}

}  // namespace strata::farm
