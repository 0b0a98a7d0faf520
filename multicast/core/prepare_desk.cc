#include "multicast/core/prepare_desk.h"

#include <algorithm>

namespace strata::multicast {

ByteSpan PrepareDesk::MessageOf(const Stream& records, Seq first, Seq last) {
  if (first == last) return group_.batch.Copy(records.RecordAt(first).payload);
  std::span<uint8_t> out = group_.batch.Allocate(records.MessageBytes(first, last));
  records.Gather(first, last, out.data());
  return out;
}

void PrepareDesk::Examine(Slot slot, StreamId stream, Timestamp now) {
  PeerStream& side = group_.peers[slot]->streams[stream];
  Stream& records = side.records;
  if (side.first_prepare == 0 || group_.status() != MemberStatus::kFull) {
    side.prepares_seen = records.held();
    return;
  }
  Seq first = std::max(side.prepares_seen, records.delivered()) + 1;
  while (first <= records.held()) {
    const Stream::Entry* init = records.Find(first);
    if (init == nullptr || (init->flags & kInit) == 0) {
      side.prepares_seen = first++;
      continue;
    }
    Seq last = first;
    while (last <= records.held() && (records.Find(last)->flags & kNoMore) == 0) ++last;
    if (last > records.held()) return;  // Not whole yet.
    if (init->state == Stream::State::kPresent && (init->flags & kPrepare) != 0 &&
        side.FindGate(last) == nullptr) {
      Gate gate;
      gate.from = first;
      gate.last = last;
      gate.deadline = now + group_.settings.prepare_timeout;
      side.AddGate(gate);
      deadline_ = std::min(deadline_, gate.deadline);
      if (group_.synced) Ask(slot, stream, *side.FindGate(last), now);
    }
    side.prepares_seen = last;
    first = last + 1;
  }
}

void PrepareDesk::Ask(Slot slot, StreamId stream, Gate& gate, Timestamp now) {
  const Stream& records = group_.peers[slot]->streams[stream].records;
  gate.token = next_token_++;
  gate.deadline = now + group_.settings.prepare_timeout;
  deadline_ = std::min(deadline_, gate.deadline);
  PrepareAction action;
  action.token = gate.token;
  action.origin = group_.peers[slot]->info.id;
  action.stream = stream;
  action.last_seq = gate.last;
  action.message = MessageOf(records, gate.from, gate.last);
  group_.batch.Add(action);
  group_.counters.Add(Counter::kPreparesAsked);
}

void PrepareDesk::OnSynced(Timestamp now) {
  for (Slot slot = 0; slot < group_.size(); ++slot) {
    for (StreamId stream = 0; stream < kMaxStreams; ++stream) {
      PeerStream& side = group_.peers[slot]->streams[stream];
      for (Gate& gate : side.gates) {
        if (gate.kind == Gate::Kind::kPreparing && gate.token == 0) Ask(slot, stream, gate, now);
      }
    }
  }
}

void PrepareDesk::OnViewInstalled(Timestamp now) {
  deadline_ = now;  // OnTimer finds out what is due, and says refusals again to a new SM.
  refusals_.clear();
  for (Slot slot = 0; slot < group_.size(); ++slot) {
    for (StreamId stream = 0; stream < kMaxStreams; ++stream) {
      for (Gate& gate : group_.peers[slot]->streams[stream].gates) {
        // What an abort froze here did not get through the flush. Its owner may never have heard of
        // the abort, and who began it may be gone: this member refuses it now.
        if (gate.kind == Gate::Kind::kFrozen && slot != group_.self_slot) {
          gate.kind = Gate::Kind::kRefused;
        }
        if (gate.kind == Gate::Kind::kRefused) gate.deadline = now;
      }
      Examine(slot, stream, now);
    }
  }
}

PrepareDesk::Answered PrepareDesk::OnPrepared(PrepareToken token, bool accept, uint16_t reason,
                                              ByteSpan reply, Timestamp now) {
  if (token == 0) return {};
  for (Slot slot = 0; slot < group_.size(); ++slot) {
    for (StreamId stream = 0; stream < kMaxStreams; ++stream) {
      PeerStream& side = group_.peers[slot]->streams[stream];
      for (Gate& gate : side.gates) {
        if (gate.token != token || gate.kind != Gate::Kind::kPreparing) continue;
        if (!accept || reply.size() > kMaxReplyBytes) {
          Refuse(slot, stream, gate, reason == 0 ? uint16_t{kAbortRefused} : reason, now);
          return {true, slot, stream};
        }
        const Seq last = gate.last;
        const bool wants_reply = (side.records.Find(gate.from)->flags & kReplies) != 0;
        std::erase_if(side.gates, [last](const Gate& g) { return g.last == last; });
        if (wants_reply) {
          sender_.SendReply(group_.peers[slot]->info.incarnation, stream, last, reply, now);
        }
        return {true, slot, stream};
      }
    }
  }
  return {};
}

void PrepareDesk::Refuse(Slot slot, StreamId stream, Gate& gate, uint16_t reason, Timestamp now) {
  if (gate.kind == Gate::Kind::kPreparing) group_.counters.Add(Counter::kPreparesRefused);
  gate.kind = Gate::Kind::kRefused;
  gate.reason = reason;
  gate.deadline = now + 2 * group_.rtt.repair_timer();
  deadline_ = std::min(deadline_, gate.deadline);
  if (group_.frozen) return;
  refusals_.push_back({slot, stream, reason, gate.from, gate.last});
  Ranges refusal;
  refusal.ranges.push_back({slot, stream, reason, gate.from, gate.last});
  group_.outbox.Send(PacketType::kRefuse, refusal, To::Group());
}

void PrepareDesk::OnTimer(Timestamp now) {
  if (deadline_ > now || !group_.in_view()) return;
  deadline_ = Timestamp::Never();
  for (Slot slot = 0; slot < group_.size(); ++slot) {
    for (StreamId stream = 0; stream < kMaxStreams; ++stream) {
      for (Gate& gate : group_.peers[slot]->streams[stream].gates) {
        if (gate.kind == Gate::Kind::kFrozen) continue;
        if (gate.kind == Gate::Kind::kPreparing && gate.token == 0) {
          gate.deadline = std::max(gate.deadline, now + group_.settings.heartbeat_interval);
        } else if (gate.deadline <= now) {
          const bool timeout = gate.kind == Gate::Kind::kPreparing;
          Refuse(slot, stream, gate, timeout ? uint16_t{kAbortPrepareTimeout} : gate.reason, now);
        }
        deadline_ = std::min(deadline_, gate.deadline);
      }
    }
  }
}

}  // namespace strata::multicast
