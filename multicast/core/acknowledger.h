#pragma once

#include <utility>
#include <vector>

#include "multicast/core/group_state.h"

namespace strata::multicast {

// Composes this member's ACKs (spec, section 5): what changed, a rotating part of the rest, the
// limits it grants. The SM acknowledges by COMMIT instead, so this is silent there. One per core.
class Acknowledger {
 public:
  explicit Acknowledger(GroupState& group) : group_(group) {}

  // A new epoch: tell everything anew.
  void Reset(Timestamp now);
  // The stream's ackable position may have moved.
  void NoteChange(Slot slot, StreamId stream, Timestamp now);
  // `records` new ones arrived; half a window of them is acknowledged at once.
  void NoteRecords(uint32_t records);
  // Somebody waits.
  void Now() { now_ = true; }
  void SetNonce(uint32_t nonce) { nonce_ = nonce; }
  uint32_t nonce() const { return nonce_; }

  void EndTurn(Timestamp now);
  Timestamp deadline() const {
    const bool silent = group_.frozen || group_.is_sm() || group_.self.role == Role::kWitness;
    return silent ? Timestamp::Never() : due_;
  }

 private:
  void AddLimits(Ack& ack);
  void AddRotating(Ack& ack, size_t room);

  static constexpr size_t kPositionsMax = 80;  // In one packet of the smallest MTU.
  static constexpr size_t kRotating = 4;
  static constexpr size_t kLimitsMax = 16;

  GroupState& group_;
  std::vector<std::pair<Slot, StreamId>> changed_;
  bool now_ = false;
  uint32_t records_ = 0;
  uint32_t nonce_ = 0;
  Timestamp due_ = Timestamp::Never();
  size_t rotating_ = 0;
  Slot next_limit_ = 0;
};

}  // namespace strata::multicast
