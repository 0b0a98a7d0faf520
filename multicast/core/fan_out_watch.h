#pragma once

#include <algorithm>
#include <vector>

#include "multicast/core/group_state.h"

namespace strata::multicast {

// Notices at the SM when multicast stops arriving although unicast does, and when it is back (spec,
// section 10). One per core.
class FanOutWatch {
 public:
  explicit FanOutWatch(GroupState& group) : group_(group) {}

  void Reset(Timestamp now) {
    deaf_since_.assign(group_.size(), Timestamp::Never());
    all_well_since_ = now;
  }
  // What a member's unicast heartbeat says of the SM's multicast.
  void OnHearsSm(Slot slot, bool hears, Timestamp now) {
    if (slot >= deaf_since_.size()) return;
    if (hears) {
      deaf_since_[slot] = Timestamp::Never();
    } else {
      deaf_since_[slot] = std::min(deaf_since_[slot], now);
    }
  }
  // Whether this member hears the SM by multicast.
  bool HearsSm(Timestamp now) const {
    return group_.is_sm() || !group_.in_view() ||
           now - group_.peers[0]->last_multicast <= group_.settings.fanout_after / 2;
  }
  // The member that multicast does not reach, or that it does not come from; kNoSlot if all is
  // well.
  Slot Broken(Timestamp now) const {
    const Duration after = group_.settings.fanout_after;
    for (Slot slot = 1; slot < group_.size(); ++slot) {
      const Peer& peer = *group_.peers[slot];
      const bool unicast_lives = now - peer.last_unicast < group_.settings.detection_timeout;
      const bool silent = now - peer.last_multicast > after;
      const bool deaf = deaf_since_[slot] != Timestamp::Never() && now - deaf_since_[slot] > after;
      if (unicast_lives && (silent || deaf)) return slot;
    }
    return kNoSlot;
  }
  // True once all heard all for long enough; call at every duty.
  bool Healed(Timestamp now) {
    for (Slot slot = 1; slot < group_.size(); ++slot) {
      const bool silent = now - group_.peers[slot]->last_multicast > group_.settings.fanout_after;
      if (silent || deaf_since_[slot] != Timestamp::Never()) {
        all_well_since_ = now;
        return false;
      }
    }
    return now - all_well_since_ > group_.settings.fanout_heal;
  }

 private:
  GroupState& group_;
  std::vector<Timestamp> deaf_since_;
  Timestamp all_well_since_;
};

}  // namespace strata::multicast
