#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "multicast/core/abort_book.h"
#include "multicast/core/acknowledger.h"
#include "multicast/core/group_state.h"
#include "multicast/core/requester.h"
#include "multicast/core/sender.h"

namespace strata::multicast {

// Applies log records in the order of their numbers and hands messages and view changes to the
// application in one order (spec, sections 6, 8.5 and 9). While the application has no state yet,
// what is delivered waits here for the snapshot. One per core.
class LogApplier {
 public:
  struct Machines {
    Sender& sender;
    Acknowledger& acknowledger;
    Requester& requester;
    AbortBook& aborts;
  };
  LogApplier(GroupState& group, const Machines& machines) : group_(group), m_(machines) {}

  // A record of the log, in order of numbers; slots of the view in force.
  void Enqueue(uint64_t number, const LogRecord& record);
  // A view takes its place in the order.
  void EnqueueView(const View& view, MemberStatus status);
  // Received delivery: whole messages of this stream may go out.
  void NoteReceived(const std::shared_ptr<Peer>& peer, StreamId stream);

  // Delivers what can be delivered.
  void EndTurn(Timestamp now);
  // Before a turn: releases what the last turn delivered.
  void BeginTurn();

  uint64_t applied() const { return applied_; }
  bool idle() const { return items_.empty(); }

  // ---- Without state.
  // True if the queue is over its limit, or waits for records that nobody can bring.
  bool Overrun() const { return overrun_; }
  // Installs the snapshot; everything queued above `commit` follows.
  void InstallSnapshot(uint64_t commit, Bytes state);

  // Starts empty behind `number`.
  void Reset(uint64_t number);

 private:
  struct Advance {
    std::shared_ptr<Peer> peer;
    StreamId stream = 0;
    Seq seq = 0;
  };
  struct Item {
    uint64_t number = 0;
    std::vector<Advance> advances;
    std::vector<Range> ranges;
    std::vector<std::shared_ptr<Peer>> range_peers;
    bool is_view = false;
    View view;
    MemberStatus status = MemberStatus::kNone;
  };
  struct Queued {
    uint64_t number = 0;
    MemberId origin{};
    StreamId stream = 0;
    Seq last = 0;
    Bytes message;
  };
  bool CanApply(const Item& item, Timestamp now);
  void Apply(Item& item, Timestamp now);
  void ApplyAdvance(Advance& advance, uint64_t number, Timestamp now);
  void ApplyAborted(Peer& peer, const Range& range, Timestamp now);
  void DeliverMessage(Peer& peer, StreamId stream, Seq first, Seq last, uint64_t number);
  void DeliverReceived(Timestamp now);
  Slot SlotOf(const Peer& peer) const;

  GroupState& group_;
  Machines m_;
  std::deque<Item> items_;
  uint64_t applied_ = 0;
  std::vector<std::pair<std::shared_ptr<Peer>, StreamId>> received_;
  std::vector<std::pair<std::shared_ptr<Peer>, StreamId>> to_release_;
  std::deque<Queued> waiting_;
  uint64_t waiting_records_ = 0;
  bool overrun_ = false;
  uint64_t snapshot_ = 0;  // The application has everything up to here from a snapshot.
};

}  // namespace strata::multicast
