#include "multicast/core/log_applier.h"

#include <algorithm>
#include <utility>

#include "multicast/core/mutants.h"

namespace strata::multicast {
namespace {

constexpr uint8_t kAttemptsMax = 40;  // To get a record repaired.

}  // namespace

Slot LogApplier::SlotOf(const Peer& peer) const {
  return group_.view.SlotOf(peer.info.id, peer.info.incarnation);
}

void LogApplier::Reset(uint64_t number) {
  items_.clear();
  received_.clear();
  for (auto& [peer, stream] : to_release_) group_.retired.push_back(std::move(peer));
  to_release_.clear();
  waiting_.clear();
  waiting_records_ = 0;
  overrun_ = false;
  snapshot_ = 0;
  applied_ = number;
}

void LogApplier::Enqueue(uint64_t number, const LogRecord& record) {
  Item item;
  item.number = number;
  for (const Position& position : record.positions) {
    if (position.slot >= group_.size()) continue;
    item.advances.push_back({group_.peers[position.slot], position.stream, position.seq});
  }
  for (const Range& range : record.ranges) {
    if (range.slot >= group_.size()) continue;
    item.ranges.push_back(range);
    item.range_peers.push_back(group_.peers[range.slot]);
  }
  if (STRATA_MUTANT(kOrderBySlotReversed) && group_.self_slot == 1) {
    std::reverse(item.advances.begin(), item.advances.end());
  }
  items_.push_back(std::move(item));
}

void LogApplier::EnqueueView(const View& view, MemberStatus status) {
  Item item;
  item.number = view.log_number;
  item.is_view = true;
  item.view = view;
  item.status = status;
  items_.push_back(std::move(item));
}

void LogApplier::NoteReceived(const std::shared_ptr<Peer>& peer, StreamId stream) {
  for (const auto& [listed, s] : received_) {
    if (listed == peer && s == stream) return;
  }
  received_.emplace_back(peer, stream);
}

// Every record that it commits is held. Who learns may have to wait for repairs; who is full never.
bool LogApplier::CanApply(const Item& item, Timestamp now) {
  bool held = true;
  for (const Advance& advance : item.advances) {
    PeerStream& side = advance.peer->streams[advance.stream];
    if (side.records.held() >= advance.seq) continue;
    held = false;
    if (!advance.peer->in_view || side.records.delivered() > advance.seq) {
      overrun_ = true;  // Its owner is gone: nobody keeps this for us.
      continue;
    }
    const Stream::Entry* missing = side.records.Find(side.records.held() + 1);
    if (group_.status() == MemberStatus::kLearner && missing != nullptr &&
        missing->attempts > kAttemptsMax && missing->attempts < UINT8_MAX) {
      overrun_ = true;  // Asked for in vain: it is gone.
    }
    side.known = true;
    if (!side.typed) side.SetKind(false);
    const Slot slot = SlotOf(*advance.peer);
    if (slot != kNoSlot) m_.requester.NoteExists(slot, advance.stream, advance.seq, now);
  }
  return held;
}

void LogApplier::EndTurn(Timestamp now) {
  if (group_.self.role != Role::kWitness) {
    while (!items_.empty() && CanApply(items_.front(), now)) {
      Apply(items_.front(), now);
      items_.pop_front();
    }
  } else {
    for (Item& item : items_) {
      applied_ = item.number;
      if (item.is_view) group_.batch.Add(ViewChangedAction{std::move(item.view), item.status});
    }
    items_.clear();
  }
  DeliverReceived(now);
}

void LogApplier::Apply(Item& item, Timestamp now) {
  for (Advance& advance : item.advances) ApplyAdvance(advance, item.number, now);
  for (size_t i = 0; i < item.ranges.size(); ++i) {
    ApplyAborted(*item.range_peers[i], item.ranges[i], now);
  }
  applied_ = item.number;
  if (item.is_view) {
    group_.batch.Add(ViewChangedAction{std::move(item.view), item.status});
  } else {
    group_.counters.Add(Counter::kLogRecords);
  }
}

void LogApplier::ApplyAdvance(Advance& advance, uint64_t number, Timestamp now) {
  Peer& peer = *advance.peer;
  PeerStream& side = peer.streams[advance.stream];
  side.records.Deliver(advance.seq, [&](Seq first, Seq last, bool aborted) {
    if (!aborted) DeliverMessage(peer, advance.stream, first, last, number);
  });
  side.OpenGatesUpTo(advance.seq);
  to_release_.emplace_back(advance.peer, advance.stream);
  if (peer.info.incarnation != group_.self.incarnation) return;
  m_.sender.OnCommitted(advance.stream, advance.seq, number, now);
  m_.sender.OnCovered(advance.stream, advance.seq, now);
}

void LogApplier::ApplyAborted(Peer& peer, const Range& range, Timestamp now) {
  PeerStream& side = peer.streams[range.stream];
  const bool own = peer.info.incarnation == group_.self.incarnation;
  if (range.to <= side.records.delivered() && !STRATA_MUTANT(kAbortAfterCommit)) return;
  if (own && range.to > side.records.highest()) return;  // There is no such message.
  side.records.MarkAborted(range.from, range.to);
  side.known = true;
  if (!side.typed) side.SetKind(false);
  std::erase_if(side.gates, [&range](const Gate& gate) { return gate.last == range.to; });
  group_.counters.Add(Counter::kAbortsClosed);
  m_.aborts.OnApplied(range);
  m_.aborts.Remember(peer, range);
  const Slot slot = SlotOf(peer);
  if (slot != kNoSlot) {
    m_.requester.NoteGap(slot, range.stream, now);  // What is before it may all be unheard of.
    m_.acknowledger.NoteChange(slot, range.stream, now);
  }
  if (own) m_.sender.OnAborted(range);
}

void LogApplier::DeliverMessage(Peer& peer, StreamId stream, Seq first, Seq last, uint64_t number) {
  // Applied here only after the snapshot that has it: its records had to be repaired first.
  if (number != 0 && number <= snapshot_ && !STRATA_MUTANT(kSnapshotNotTrimmed)) return;
  const Stream& records = peer.streams[stream].records;
  DeliverAction action;
  action.origin = peer.info.id;
  action.stream = stream;
  action.last_seq = last;
  action.commit_number = number;
  if (first == last) {
    action.message = records.RecordAt(first).payload;  // Kept until the next turn begins.
  } else {
    std::span<uint8_t> out = group_.batch.Allocate(records.MessageBytes(first, last));
    records.Gather(first, last, out.data());
    action.message = out;
  }
  if (group_.synced) {
    group_.counters.Add(Counter::kMessagesDelivered);
    group_.counters.Add(Counter::kBytesDelivered, action.message.size());
    group_.batch.Add(action);
    return;
  }
  waiting_records_ += last - first + 1;
  if (waiting_records_ > group_.settings.learner_queue_records) overrun_ = true;
  if (overrun_) return;
  waiting_.push_back(
      {number, action.origin, stream, last, Bytes(action.message.begin(), action.message.end())});
}

void LogApplier::DeliverReceived(Timestamp now) {
  for (const auto& [peer, stream] : received_) {
    PeerStream& side = peer->streams[stream];
    const Seq to = side.records.Deliverable();
    if (to <= side.records.delivered()) continue;
    side.records.Deliver(to, [&, &peer = peer, stream = stream](Seq first, Seq last, bool aborted) {
      if (aborted) return;
      if (stream != kReplyStream) {
        DeliverMessage(*peer, stream, first, last, 0);
        return;
      }
      Bytes reply(side.records.MessageBytes(first, last));
      side.records.Gather(first, last, reply.data());
      m_.sender.OnReply(peer->info.id, reply, now);
    });
    to_release_.emplace_back(peer, stream);
  }
  received_.clear();
}

void LogApplier::BeginTurn() {
  for (const auto& [peer, stream] : to_release_) {
    // The owner keeps what may still be asked for; it releases by itself.
    if (peer->info.incarnation == group_.self.incarnation) continue;
    Stream& records = peer->streams[stream].records;
    records.Release(records.delivered());
  }
  to_release_.clear();
}

void LogApplier::InstallSnapshot(uint64_t commit, Bytes state) {
  InstallSnapshotAction install;
  install.commit_number = commit;
  install.state = group_.batch.Hold(std::move(state));
  group_.batch.Add(install);
  group_.counters.Add(Counter::kSnapshotsInstalled);
  snapshot_ = commit;
  for (Queued& queued : waiting_) {
    if (queued.number != 0 && queued.number <= commit && !STRATA_MUTANT(kSnapshotNotTrimmed)) {
      continue;
    }
    DeliverAction action{queued.origin, queued.stream, queued.last, queued.number,
                         group_.batch.Hold(std::move(queued.message))};
    group_.counters.Add(Counter::kMessagesDelivered);
    group_.counters.Add(Counter::kBytesDelivered, action.message.size());
    group_.batch.Add(action);
  }
  waiting_.clear();
  waiting_records_ = 0;
}

}  // namespace strata::multicast
