#pragma once

#include <vector>

#include "multicast/core/group_state.h"

namespace strata::multicast {

// Who was silent for too long (spec, section 10). Looks at the times the peers were heard; keeps
// none itself except where suspicion starts anew. One per core.
class FailureDetector {
 public:
  explicit FailureDetector(GroupState& group) : group_(group) {}

  bool Suspects(Slot slot, Timestamp now) const {
    return slot != group_.self_slot &&
           now - group_.peers[slot]->last_heard > group_.settings.detection_timeout;
  }
  bool SuspectsAny(Timestamp now) const {
    for (Slot slot = 0; slot < group_.size(); ++slot) {
      if (Suspects(slot, now)) return true;
    }
    return false;
  }
  // All suspicions start anew: a new view, or this process had stood still.
  void Renew(Timestamp now) {
    for (const auto& peer : group_.peers) {
      peer->last_heard = now;
      peer->last_multicast = now;
      peer->last_unicast = now;
    }
  }
  // When the SM's silence makes this manager propose: its place among the managers that it does not
  // suspect decides how long it leaves the others the first chance.
  Timestamp TakeOverAt(Timestamp now) const {
    int place = 0;
    for (Slot slot = 1; slot < group_.self_slot; ++slot) {
      const MemberInfo& member = group_.view.members[slot];
      if (member.role == Role::kManager && member.status == MemberStatus::kFull &&
          !Suspects(slot, now)) {
        ++place;
      }
    }
    return group_.peers[0]->last_heard + group_.settings.detection_timeout +
           place * group_.settings.takeover_stagger;
  }

 private:
  GroupState& group_;
};

}  // namespace strata::multicast
