#include "multicast/core/acknowledger.h"

#include <algorithm>

#include "multicast/core/mutants.h"

namespace strata::multicast {
namespace {

// What this member acknowledges of a stream.
Seq AckPosition(const PeerStream& side) {
  if (STRATA_MUTANT(kAckNotHeld)) return side.records.highest();
  return side.ackable();
}

}  // namespace

void Acknowledger::Reset(Timestamp now) {
  changed_.clear();
  now_ = true;
  records_ = 0;
  due_ = now + group_.settings.ack_tick;
  rotating_ = 0;
  for (Slot slot = 0; slot < group_.size(); ++slot) {
    for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
      PeerStream& side = group_.peers[slot]->streams[stream];
      side.in_ack_list = false;
      side.acked = 0;
      NoteChange(slot, stream, now);
    }
  }
}

void Acknowledger::NoteChange(Slot slot, StreamId stream, Timestamp now) {
  PeerStream& side = group_.peers[slot]->streams[stream];
  // The own stream needs explicit acknowledgement only where messages are prepared.
  if (slot == group_.self_slot && side.first_prepare == 0) return;
  if (side.in_ack_list || AckPosition(side) == side.acked || group_.is_sm()) return;
  side.in_ack_list = true;
  changed_.emplace_back(slot, stream);
  if (due_ == Timestamp::Never()) due_ = now + group_.settings.ack_tick;
}

void Acknowledger::NoteRecords(uint32_t records) {
  records_ += records;
  if (records_ >= group_.settings.window_initial / 2) now_ = true;
}

// Limits that moved much, then one more each time.
void Acknowledger::AddLimits(Ack& ack) {
  const uint32_t capacity = group_.settings.receive_records;
  const auto add = [&](Slot slot) {
    Peer& peer = *group_.peers[slot];
    const auto limit = static_cast<uint32_t>(peer.Released() + capacity);
    if (!group_.credit_paused) peer.limit_told = limit;
    ack.limits.push_back({slot, peer.limit_told});
  };
  for (Slot slot = 0; slot < group_.size() && ack.limits.size() < kLimitsMax; ++slot) {
    if (slot == group_.self_slot || group_.credit_paused) continue;
    const auto limit = static_cast<uint32_t>(group_.peers[slot]->Released() + capacity);
    if (limit - group_.peers[slot]->limit_told >= capacity / 8) add(slot);
  }
  if (ack.limits.empty()) {
    next_limit_ = static_cast<Slot>((next_limit_ + 1) % group_.size());
    if (next_limit_ != group_.self_slot) add(next_limit_);
  }
}

void Acknowledger::AddRotating(Ack& ack, size_t room) {
  const size_t all = size_t{group_.size()} * kStreamSlots;
  for (size_t looked = 0; looked < all && room > 0; ++looked) {
    rotating_ = (rotating_ + 1) % all;
    const auto slot = static_cast<Slot>(rotating_ / kStreamSlots);
    const auto stream = static_cast<StreamId>(rotating_ % kStreamSlots);
    PeerStream& side = group_.peers[slot]->streams[stream];
    if (slot == group_.self_slot && side.first_prepare == 0) continue;
    if (side.acked == 0) continue;
    ack.positions.push_back({slot, stream, AckPosition(side)});
    --room;
  }
}

void Acknowledger::EndTurn(Timestamp now) {
  if (!group_.in_view() || group_.is_sm() || group_.self.role == Role::kWitness) return;
  if (group_.frozen && !STRATA_MUTANT(kFrozenStillAcks)) return;
  if (!now_ && due_ > now) return;
  Ack ack;
  ack.log_seen = group_.log.last();
  ack.nonce = nonce_;
  ack.synced = group_.may_be_full();
  while (!changed_.empty() && ack.positions.size() < kPositionsMax - kRotating) {
    const auto [slot, stream] = changed_.back();
    changed_.pop_back();
    PeerStream& side = group_.peers[slot]->streams[stream];
    side.in_ack_list = false;
    side.acked = AckPosition(side);
    ack.positions.push_back({slot, stream, side.acked});
  }
  if (now_ || !ack.positions.empty()) {
    AddRotating(ack, kRotating);
    AddLimits(ack);
    group_.outbox.Send(PacketType::kAck, ack, To::Acks());
    group_.counters.Add(Counter::kAcksSent);
  }
  now_ = false;
  records_ = 0;
  due_ = changed_.empty() ? Timestamp::Never() : now + group_.settings.ack_tick;
}

}  // namespace strata::multicast
