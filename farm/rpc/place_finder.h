#pragma once

#include <cstdint>
#include <utility>

#include "common/status.h"
#include "farm/member/group_place.h"
#include "farm/rpc/manager_channels.h"

namespace strata::farm::rpc {

// What a member knows of itself from its disk.
struct KnownMember {
  uint32_t member_id = 0;
  uint64_t group_id = 0;
};

// Asks all managers of a farm that nobody leads for a member's place in the group. One thread at a
// time.
class PlaceFinder {
 public:
  explicit PlaceFinder(ManagerChannels& channels) : channels_(channels) {}

  // Managers may answer differently: one may have been away when the others changed the keys. The
  // answer of the highest position counts, of all that were ever given; but the seeds are all
  // managers that answered. Unavailable: somebody leads, nobody answers, or nobody knows as much as
  // one who answered before. Other errors are those of a manager that does not know this member.
  StatusOr<GroupPlace> Find(const KnownMember& self);

 private:
  ManagerChannels& channels_;
  std::pair<uint64_t, uint64_t> highest_;  // Position: term, number.
};

}  // namespace strata::farm::rpc
