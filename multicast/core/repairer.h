#pragma once

#include <vector>

#include "multicast/core/group_state.h"

namespace strata::multicast {

// Answers RESEND: with records of this member, with those of a silent owner if this member is the
// one to do it, and, as the SM, with log records (spec, sections 5 and 6). One per core.
class Repairer {
 public:
  explicit Repairer(GroupState& group) : group_(group) {}

  // Returns how many records of this member's own streams were asked for.
  uint32_t OnResend(Slot from, const Resend& resend, Timestamp now);
  void EndTurn(Timestamp now);
  void Reset() { wanted_.clear(), log_from_ = log_to_ = 0; }
  // Log numbers that somebody lacks; only the SM answers.
  void WantLog(uint64_t from, uint64_t to);

 private:
  bool AnswersFor(Slot origin, StreamId stream, Seq last, Timestamp now) const;
  void SendRecords(Timestamp now);
  void SendLog(Timestamp now);

  static constexpr size_t kMaxWanted = 4096;  // Records; more are asked for again.
  static constexpr size_t kMaxLogPerTurn = 512;

  struct Wanted {
    Slot slot;
    StreamId stream;
    Seq seq;
  };
  GroupState& group_;
  std::vector<Wanted> wanted_;
  bool tell_tails_ = false;  // Somebody asked for what is gone.
  uint64_t log_from_ = 0;
  uint64_t log_to_ = 0;
  Timestamp log_sent_at_;
  uint64_t log_sent_to_ = 0;
  Timestamp tails_told_at_;

 public:
  // True once after a request for released records: the owner should tell its tails.
  bool TakeTellTails(Timestamp now) {
    const bool tell = tell_tails_ && now - tails_told_at_ >= group_.rtt.repair_timer();
    tell_tails_ = false;
    if (tell) tails_told_at_ = now;
    return tell;
  }
};

}  // namespace strata::multicast
