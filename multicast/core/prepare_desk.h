#pragma once

#include <utility>
#include <vector>

#include "multicast/core/group_state.h"
#include "multicast/core/sender.h"

namespace strata::multicast {

// Shows messages with the prepare flag to the application and turns its answers into
// acknowledgement, reply or REFUSE (spec, sections 7.1 and 7.2). One per core.
class PrepareDesk {
 public:
  PrepareDesk(GroupState& group, Sender& sender) : group_(group), sender_(sender) {}

  // Looks for whole messages that want preparation; call when the stream's held position moved.
  void Examine(Slot slot, StreamId stream, Timestamp now);
  // False if nobody waits for it. The stream's ackable position may move: tell the Acknowledger.
  struct Answered {
    bool taken = false;
    Slot slot = kNoSlot;
    StreamId stream = 0;
  };
  Answered OnPrepared(PrepareToken token, bool accept, uint16_t reason, ByteSpan reply,
                      Timestamp now);
  // Refusals of this member since the last call, for the case that it is the SM itself.
  std::vector<Range> TakeRefusals() { return std::exchange(refusals_, {}); }
  // The application has its state: ask what had to wait.
  void OnSynced(Timestamp now);
  // A new view: slots have changed, the SM may be another.
  void OnViewInstalled(Timestamp now);
  void OnTimer(Timestamp now);
  Timestamp deadline() const { return group_.in_view() ? deadline_ : Timestamp::Never(); }
  void EndAll() {
    deadline_ = Timestamp::Never();
    refusals_.clear();
  }

 private:
  void Ask(Slot slot, StreamId stream, Gate& gate, Timestamp now);
  void Refuse(Slot slot, StreamId stream, Gate& gate, uint16_t reason, Timestamp now);
  ByteSpan MessageOf(const Stream& records, Seq first, Seq last);

  GroupState& group_;
  Sender& sender_;
  std::vector<Range> refusals_;
  PrepareToken next_token_ = 1;
  Timestamp deadline_ = Timestamp::Never();
};

}  // namespace strata::multicast
