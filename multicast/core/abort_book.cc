#include "multicast/core/abort_book.h"

#include <algorithm>
#include <utility>

#include "multicast/core/mutants.h"

namespace strata::multicast {
namespace {

constexpr size_t kRangesPerPacket = 50;

// Committed or aborted: the log says so, and repairs itself.
bool Decided(const Stream& records, const Range& range) {
  if (range.to <= records.delivered()) return !STRATA_MUTANT(kAbortAfterCommit);
  const Stream::Entry* last = records.Find(range.to);
  return last != nullptr && last->state == Stream::State::kAborted;
}

}  // namespace

bool AbortBook::Plausible(const Range& range) const {
  if (range.slot >= group_.size() || range.stream >= kMaxStreams) return false;
  const PeerStream& side = group_.peers[range.slot]->streams[range.stream];
  if (side.known && side.received) return false;
  const Seq base = side.records.delivered();
  return range.to < base + Stream::kCapacity / 2 &&
         range.to - range.from <= kMaxMessageBytes / 1024;
}

// Stops the ACK position before the message. Soft: only if it is not acknowledged yet; the SM may
// then have committed it. Hard: the SM itself said that it has not. False if it goes on as before:
// then nothing may be acknowledged either, for this member will vouch for the message in a view
// change.
bool AbortBook::Freeze(const Range& range, bool hard) {
  PeerStream& side = group_.peers[range.slot]->streams[range.stream];
  const Seq told = range.slot == group_.self_slot ? side.sent : side.acked;
  if (!hard && told >= range.to) return false;
  if (Gate* gate = side.FindGate(range.to)) {
    gate->kind = Gate::Kind::kFrozen;
    gate->reason = range.reason;
    gate->token = 0;
    return true;
  }
  if (side.gates.size() >= kMaxGates) return false;
  Gate gate;
  gate.kind = Gate::Kind::kFrozen;
  gate.from = range.from;
  gate.last = range.to;
  gate.reason = range.reason;
  side.AddGate(gate);
  if (STRATA_MUTANT(kDiscardOnAbort)) side.records.MarkAborted(range.from, range.to);
  return true;
}

void AbortBook::OnAbort(Slot from, const Ranges& aborts, Timestamp now) {
  for (const Range& range : aborts.ranges) {
    if ((from != range.slot && from != 0) || !Plausible(range)) {
      group_.counters.Add(Counter::kNotExpected);
      continue;
    }
    const Stream& records = group_.peers[range.slot]->streams[range.stream].records;
    if (Decided(records, range)) {
      // Said again for somebody who joined later.
      const Peer& owner = *group_.peers[range.slot];
      if (!group_.is_sm() && Remembers(owner, range)) to_ack_.push_back(range);
      continue;
    }
    if (!Freeze(range, from == 0 || group_.is_sm())) continue;
    if (range.slot == group_.self_slot) adopted_.push_back(range);
    if (group_.is_sm()) {
      // Who has acknowledged the message waits for the SM's own word.
      Entry& entry = Open(range);
      if (!std::exchange(entry.ours, true)) entry.due = now + group_.rtt.repair_timer();
    } else {
      to_ack_.push_back(range);
    }
  }
}

void AbortBook::OnOwnAborts(const std::vector<Range>& aborts) {
  for (const Range& range : aborts) {
    const Stream& records = group_.me().streams[range.stream].records;
    if (Decided(records, range)) continue;
    if (!Freeze(range, group_.is_sm())) continue;
    if (group_.is_sm()) {
      Open(range);
    } else {
      to_ack_.push_back(range);
    }
  }
}

void AbortBook::OnRefuse(Slot from, const Range& refusal, Timestamp now) {
  if (!group_.is_sm() || from >= group_.size() || !group_.full(from) || !Plausible(refusal)) return;
  const Stream& records = group_.peers[refusal.slot]->streams[refusal.stream].records;
  if (Decided(records, refusal)) return;
  // A refusing member has not acknowledged the message, so it is certainly not committed.
  if (!Freeze(refusal, true)) return;
  Entry& entry = Open(refusal);
  if (refusal.slot == group_.self_slot) adopted_.push_back(refusal);
  if (!entry.ours) {
    entry.ours = true;
    entry.due = now;
  }
}

void AbortBook::OnAbortAck(Slot from, const Ranges& acks) {
  if (!group_.is_sm()) return;
  for (const Range& range : acks.ranges) {
    for (Entry& entry : entries_) {
      if (entry.range.slot == range.slot && entry.range.stream == range.stream &&
          entry.range.to == range.to) {
        entry.frozen |= uint64_t{1} << from;
      }
    }
  }
}

void AbortBook::OnResend(const Resend& resend, Timestamp now) {
  if (group_.frozen) return;
  Ranges say;
  for (const ResendRequest& request : resend.requests) {
    const bool ours = group_.is_sm() || request.slot == group_.self_slot;
    if (!ours || request.slot >= group_.size() || request.stream >= kMaxStreams) continue;
    CloseAgain(request, now, say);
  }
  if (!say.ranges.empty()) group_.outbox.Send(PacketType::kAbort, say, To::Group());
}

void AbortBook::CloseAgain(const ResendRequest& request, Timestamp now, Ranges& say) {
  const MemberInfo& owner = group_.peers[request.slot]->info;
  std::vector<Range>& list = group_.is_sm() ? again_ : say.ranges;
  for (Past& past : past_) {
    if (past.owner != owner.id || past.incarnation != owner.incarnation ||
        past.range.stream != request.stream || past.range.to < request.from ||
        past.range.from >= request.from + request.count) {
      continue;
    }
    if (now - past.told < group_.rtt.repair_timer() || list.size() >= kRangesPerPacket) continue;
    past.told = now;
    list.push_back(past.range);
    list.back().slot = request.slot;
  }
}

bool AbortBook::Remembers(const Peer& owner, const Range& range) const {
  return std::any_of(past_.begin(), past_.end(), [&](const Past& past) {
    return past.incarnation == owner.info.incarnation && past.range.stream == range.stream &&
           past.range.to == range.to;
  });
}

void AbortBook::Remember(const Peer& owner, const Range& range) {
  if (Remembers(owner, range)) return;
  if (past_.size() >= kMaxPast) past_.pop_front();
  past_.push_back({owner.info.id, owner.info.incarnation, range, Timestamp()});
}

AbortBook::Entry& AbortBook::Open(const Range& range) {
  for (Entry& entry : entries_) {
    if (entry.range.slot == range.slot && entry.range.stream == range.stream &&
        entry.range.to == range.to) {
      return entry;
    }
  }
  if (entries_.size() >= kMaxEntries) entries_.erase(entries_.begin());  // It is asked for again.
  Entry entry;
  entry.range = range;
  entry.due = Timestamp::Never();
  entries_.push_back(entry);
  return entries_.back();
}

std::vector<Range> AbortBook::TakeClosed() {
  std::vector<Range> closed;
  if (!group_.is_sm() || group_.frozen) return closed;
  closed.swap(again_);
  uint64_t needed = 0;
  for (Slot slot = 1; slot < group_.size(); ++slot) {
    if (group_.full(slot)) needed |= uint64_t{1} << slot;
  }
  if (STRATA_MUTANT(kAbortClosesEarly)) needed = 0;
  for (size_t i = 0; i < entries_.size();) {
    if ((entries_[i].frozen & needed) != needed || closed.size() >= kRangesPerPacket) {
      ++i;
      continue;
    }
    closed.push_back(entries_[i].range);
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return closed;
}

void AbortBook::OnApplied(const Range& range) {
  std::erase_if(entries_, [&range](const Entry& entry) {
    return entry.range.slot == range.slot && entry.range.stream == range.stream &&
           entry.range.to == range.to;
  });
}

void AbortBook::Reset() {
  entries_.clear();
  to_ack_.clear();
  adopted_.clear();
  again_.clear();
}

void AbortBook::OnJoined() {
  if (!group_.is_sm()) return;
  for (const Past& past : past_) {
    const Slot slot = group_.view.SlotOf(past.owner, past.incarnation);
    if (slot == kNoSlot || again_.size() >= kMaxLogEntries) continue;
    const Stream& records = group_.peers[slot]->streams[past.range.stream].records;
    if (past.range.to <= records.delivered()) continue;
    again_.push_back(past.range);
    again_.back().slot = slot;
  }
}

void AbortBook::EndTurn(Timestamp now) {
  if (group_.frozen || !group_.in_view()) return;
  Ranges acks;
  while (!to_ack_.empty()) {
    acks.ranges.push_back(to_ack_.back());
    to_ack_.pop_back();
    if (acks.ranges.size() == kRangesPerPacket || to_ack_.empty()) {
      group_.outbox.Send(PacketType::kAbortAck, acks, To::Group());
      acks.ranges.clear();
    }
  }
  Ranges aborts;
  for (Entry& entry : entries_) {
    if (!entry.ours || entry.due > now || aborts.ranges.size() == kRangesPerPacket) continue;
    aborts.ranges.push_back(entry.range);
    entry.due = now + 2 * group_.rtt.repair_timer();
  }
  if (!aborts.ranges.empty()) group_.outbox.Send(PacketType::kAbort, aborts, To::Group());
}

Timestamp AbortBook::deadline() const {
  Timestamp next = Timestamp::Never();
  if (group_.frozen) return next;
  for (const Entry& entry : entries_) {
    if (entry.ours) next = std::min(next, entry.due);
  }
  return next;
}

}  // namespace strata::multicast
