#include "multicast/core/flight.h"

#include <algorithm>

namespace strata::multicast {

void Flight::OnRequest(Slot from, StreamId stream, Seq seq) {
  const size_t index = size_t{from} * kStreamSlots + stream;
  if (index < asked_.size()) asked_[index] = std::max(asked_[index], seq);
}

Seq Flight::Taken(StreamId stream, Seq covered, Seq sent) const {
  Seq acknowledged = sent;
  Seq taken = sent;
  for (Slot slot = 1; slot < group_.size(); ++slot) {
    if (slot == group_.self_slot || !group_.full(slot)) continue;
    const Seq held = group_.board.held(slot, group_.self_slot, stream);
    const Seq asked = asked_[size_t{slot} * kStreamSlots + stream];
    acknowledged = std::min(acknowledged, held);
    taken = std::min(taken, std::max(held, asked == 0 ? 0 : asked - 1));
  }
  // The SM sends no ACKs. Where the others have acknowledged more, it is the SM that lags.
  if (!group_.is_sm() && acknowledged > covered) {
    const Seq asked = asked_[stream];
    taken = std::min(taken, std::max(covered, asked == 0 ? 0 : asked - 1));
  }
  return std::clamp(taken, covered, sent);
}

}  // namespace strata::multicast
