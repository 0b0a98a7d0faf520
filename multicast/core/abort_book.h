#pragma once

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "multicast/core/group_state.h"

namespace strata::multicast {

// Aborts on their way (spec, section 7.4): every member freezes and acknowledges, the SM collects
// and closes. One per core.
class AbortBook {
 public:
  explicit AbortBook(GroupState& group) : group_(group) {}

  // An ABORT of `from`: the owner or the SM; others are ignored.
  void OnAbort(Slot from, const Ranges& aborts, Timestamp now);
  // This member said ABORT for its own messages.
  void OnOwnAborts(const std::vector<Range>& aborts);
  // At the SM, also for its own refusals.
  void OnRefuse(Slot from, const Range& refusal, Timestamp now);
  void OnAbortAck(Slot from, const Ranges& acks);
  // Who asks for records of an aborted message joined after its abort was closed, and is told by
  // closing it once more: by the SM, or, if that does not remember, on an ABORT of the owner.
  void OnResend(const Resend& resend, Timestamp now);
  // Aborts of own messages that the SM began.
  std::vector<Range> TakeAdopted() { return std::exchange(adopted_, {}); }

  // The SM's: what every other live member froze; it becomes a log record at once.
  std::vector<Range> TakeClosed();
  void OnApplied(const Range& range);
  // An abort was closed in the log: kept for those who join later.
  void Remember(const Peer& owner, const Range& range);
  void Reset();
  // At the SM, somebody new is in the view: aborts above where it starts in the streams are closed
  // once more, before anything else is committed. Otherwise it might get such a message from
  // somebody whose log is behind, and take it for a good one.
  void OnJoined();
  void EndTurn(Timestamp now);
  Timestamp deadline() const;

 private:
  struct Entry {
    Range range;
    uint64_t frozen = 0;  // Slots that acknowledged, a bit each.
    bool ours = false;    // The SM repeats ABORT itself.
    Timestamp due;
  };
  struct Past {
    MemberId owner{};
    Incarnation incarnation;
    Range range;  // The slot is that of an old view.
    Timestamp told;
  };
  bool Plausible(const Range& range) const;
  bool Freeze(const Range& range, bool hard);
  Entry& Open(const Range& range);
  void CloseAgain(const ResendRequest& request, Timestamp now, Ranges& say);
  bool Remembers(const Peer& owner, const Range& range) const;

  static constexpr size_t kMaxEntries = 1024;
  static constexpr size_t kMaxPast = 1024;
  static constexpr size_t kMaxGates = 256;  // Frozen or refused messages of one stream.

  GroupState& group_;
  std::vector<Entry> entries_;  // The SM's.
  std::vector<Range> to_ack_;
  std::vector<Range> adopted_;
  std::deque<Past> past_;     // Closed aborts, the latest last.
  std::vector<Range> again_;  // Closed before, to be told again.
};

}  // namespace strata::multicast
