#pragma once

#include <vector>

#include "multicast/core/group_state.h"

namespace strata::multicast {

// How much of this member's own records is on the network: sent, but not yet taken from it by
// everybody. A record that a member misses keeps coverage back until it is repaired, while that
// member goes on taking what follows; the window must not wait for it. What a member has taken
// shows in its ACKs and in what it asks for (spec, section 11). An estimate: memory is bounded by
// the limit alone. One per core.
class Flight {
 public:
  explicit Flight(const GroupState& group) : group_(group) {}

  // A new view: nothing is known of its members.
  void Reset() { asked_.assign(group_.view.members.size() * kStreamSlots, 0); }
  // `from` misses record `seq` of the own `stream`, so it has taken or missed all before.
  void OnRequest(Slot from, StreamId stream, Seq seq);
  // Up to where everybody has taken the own `stream`: from `covered`, what the SM has acknowledged,
  // to `sent`.
  Seq Taken(StreamId stream, Seq covered, Seq sent) const;

 private:
  const GroupState& group_;
  std::vector<Seq> asked_;  // By slot and stream: the highest record asked for.
};

}  // namespace strata::multicast
