#pragma once

#include <utility>
#include <vector>

#include "multicast/core/group_state.h"

namespace strata::multicast {

// Asks for what is missing: records and log numbers (spec, section 5, detecting loss). One per
// core.
class Requester {
 public:
  explicit Requester(GroupState& group) : group_(group) {}

  // A view was installed: forget the list of gaps, look at all streams anew.
  void Reset(Timestamp now);
  // The stream of `slot` reaches to `seq`, says a record, an ACK, a commit or a heartbeat.
  void NoteExists(Slot slot, StreamId stream, Seq seq, Timestamp now);
  // Something arrived out of order.
  void NoteGap(Slot slot, StreamId stream, Timestamp now);
  // The log reaches to `number`.
  void NoteLog(uint64_t number, Timestamp now);
  // Another member's request.
  void OnResend(const Resend& resend, Timestamp now);
  // Somebody waits: ask now instead of after the reordering delay.
  void Hurry(Timestamp now);

  // The log record that is missing was asked for in vain, often enough to be gone.
  bool LogHopeless() const { return log_attempts_ >= kLogAttemptsMax; }

  // Sends RESEND for what is due.
  void EndTurn(Timestamp now);
  Timestamp deadline() const { return deadline_; }

 private:
  Stream::Patience patience() const;
  void CollectLog(Timestamp now, Resend& resend);

  static constexpr int kLogAttemptsMax = 16;

  GroupState& group_;
  std::vector<std::pair<Slot, StreamId>> gaps_;  // May contain streams that have healed.
  Timestamp deadline_ = Timestamp::Never();
  Duration jitter_{};       // Drawn anew for each request sent.
  uint64_t log_known_ = 0;  // The log reaches at least to here.
  Timestamp log_due_ = Timestamp::Never();
  int log_attempts_ = 0;       // Since the log last grew.
  uint64_t log_asked_at_ = 0;  // Where it ended then.
};

}  // namespace strata::multicast
