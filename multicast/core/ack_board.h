#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "common/time.h"
#include "multicast/wire/types.h"

namespace strata::multicast {

// Who acknowledged what in this view: one position for each (member, origin, stream), and for each
// member its log position and the limits it grants. Only grows within a view. Plain bookkeeping;
// who counts is the committer's business.
class AckBoard {
 public:
  void Reset(size_t members) {
    members_ = members;
    held_.assign(members * members * kStreamSlots, 0);
    limits_.assign(members * members, 0);
    log_seen_.assign(members, 0);
    nonce_.assign(members, 0);
    progress_.assign(members, Timestamp());
  }

  Seq held(Slot member, Slot origin, StreamId stream) const {
    return held_[Index(member, origin, stream)];
  }
  // True if it grew.
  bool Raise(Slot member, Slot origin, StreamId stream, Seq seq) {
    Seq& held = held_[Index(member, origin, stream)];
    if (seq <= held) return false;
    held = seq;
    return true;
  }
  uint64_t limit(Slot member, Slot origin) const { return limits_[member * members_ + origin]; }
  bool RaiseLimit(Slot member, Slot origin, uint64_t limit) {
    uint64_t& known = limits_[member * members_ + origin];
    if (limit <= known) return false;
    known = limit;
    return true;
  }
  uint64_t log_seen(Slot member) const { return log_seen_[member]; }
  void RaiseLogSeen(Slot member, uint64_t number) {
    log_seen_[member] = std::max(log_seen_[member], number);
  }
  uint32_t nonce(Slot member) const { return nonce_[member]; }
  void SetNonce(Slot member, uint32_t nonce) { nonce_[member] = nonce; }
  Timestamp progress(Slot member) const { return progress_[member]; }
  void SetProgress(Slot member, Timestamp at) { progress_[member] = at; }
  size_t members() const { return members_; }

 private:
  size_t Index(Slot member, Slot origin, StreamId stream) const {
    return (size_t{member} * members_ + origin) * kStreamSlots + stream;
  }

  size_t members_ = 0;
  std::vector<Seq> held_;
  std::vector<uint64_t> limits_;
  std::vector<uint64_t> log_seen_;
  std::vector<uint32_t> nonce_;
  std::vector<Timestamp> progress_;  // When the member last acknowledged something new.
};

}  // namespace strata::multicast
