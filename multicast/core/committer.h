#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "multicast/core/abort_book.h"
#include "multicast/core/group_state.h"

namespace strata::multicast {

// The SM's part of the transfer (spec, section 6): the minimum over the live full members becomes
// log records and COMMIT packets. Idle at everybody else. One per core.
class Committer {
 public:
  Committer(GroupState& group, AbortBook& aborts) : group_(group), aborts_(aborts) {}

  // A view was installed with the streams standing where `committed` says.
  void Reset(Timestamp now);
  // Acknowledgement of a member was raised on the board.
  void NoteChange(Slot origin, StreamId stream);
  // DATA of the owner itself reaches to `seq`: it holds that.
  void OnOwnersData(Slot origin, StreamId stream, Seq seq);
  // Tell the streams of `origin` again: it waits for an acknowledgement.
  void Reannounce(Slot origin);
  // Commits nothing until a majority of voters answered this nonce; 0: no need.
  void RequireConfirmation(uint32_t nonce) { confirm_nonce_ = nonce; }
  bool Confirming() const { return confirm_nonce_ != 0; }
  void CheckConfirmation();

  // Log records decided in this turn are appended to the log; `sink(number)` for each.
  template <class Sink>
  void EndTurn(Timestamp now, Sink&& sink) {
    if (!group_.is_sm() || group_.frozen) return;
    const uint64_t before = group_.log.last();
    Decide(now);
    for (uint64_t number = before + 1; number <= group_.log.last(); ++number) sink(number);
  }
  // The periodic COMMIT: limits and progress that nobody else repeats.
  void SendPeriodic();
  // Full members that hold others up for too long.
  std::vector<Slot> Stalled(Timestamp now) const;
  Seq committed(Slot origin, StreamId stream) const { return committed_[Index(origin, stream)]; }
  // What the SM acknowledged of a stream, committed or not.
  Seq progress(Slot origin, StreamId stream) const { return progress_[Index(origin, stream)]; }
  void SetCommitted(Slot origin, StreamId stream, Seq seq);
  // What the others take of the SM's own records; 0 until they told.
  uint64_t OwnLimit() const { return limit_told_.empty() ? 0 : limit_told_[0]; }
  // Everyone's log reaches to here.
  uint64_t LogFloor() const;

 private:
  size_t Index(Slot origin, StreamId stream) const {
    return size_t{origin} * kStreamSlots + stream;
  }
  void Decide(Timestamp now);
  Seq Minimum(Slot origin, StreamId stream) const;
  void ForgetClosed(uint64_t floor);
  void DecideStream(Slot origin, StreamId stream, LogRecord& advance, Commit& commit);
  void AddLimits(Commit& commit, bool all);
  void Transmit(Commit& commit);

  static constexpr size_t kEntriesPerPacket = 60;

  GroupState& group_;
  AbortBook& aborts_;
  std::vector<std::pair<Slot, StreamId>> dirty_;
  std::vector<bool> is_dirty_;
  std::vector<Seq> committed_;
  std::vector<Seq> progress_;  // Told.
  std::vector<Seq> implied_;   // Held by the owner, because it sent it.
  // Closed aborts that not everybody has in its log yet. Until a member has, its position counts
  // only up to there: it would report no more if a view change came now.
  struct Closed {
    uint64_t number = 0;
    Range range;
  };
  std::vector<Closed> closed_;
  std::vector<uint64_t> limit_told_;
  std::vector<bool> reannounce_;
  uint32_t confirm_nonce_ = 0;
};

}  // namespace strata::multicast
