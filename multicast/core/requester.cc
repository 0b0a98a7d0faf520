#include "multicast/core/requester.h"

#include <algorithm>

namespace strata::multicast {

Stream::Patience Requester::patience() const {
  const Duration repeat = group_.rtt.repair_timer();
  return {group_.settings.reorder_delay + jitter_, repeat, group_.settings.repair_max};
}

void Requester::Reset(Timestamp now) {
  gaps_.clear();
  deadline_ = Timestamp::Never();
  log_known_ = group_.log.last();
  log_due_ = Timestamp::Never();
  log_attempts_ = 0;
  for (Slot slot = 0; slot < group_.size(); ++slot) {
    for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
      group_.peers[slot]->streams[stream].in_gap_list = false;
      NoteGap(slot, stream, now);
    }
  }
}

void Requester::NoteExists(Slot slot, StreamId stream, Seq seq, Timestamp now) {
  if (slot == group_.self_slot || group_.self.role == Role::kWitness) return;
  PeerStream& side = group_.peers[slot]->streams[stream];
  if (seq <= side.records.highest()) return;
  if (!side.known) return;
  side.records.NoteExists(seq, group_.settings.receive_records, now);
  NoteGap(slot, stream, now);
}

void Requester::NoteGap(Slot slot, StreamId stream, Timestamp now) {
  PeerStream& side = group_.peers[slot]->streams[stream];
  if (!side.records.HasGap() || slot == group_.self_slot) return;
  if (!side.in_gap_list) {
    side.in_gap_list = true;
    gaps_.emplace_back(slot, stream);
    deadline_ = std::min(deadline_, now + patience().first);
  }
}

void Requester::NoteLog(uint64_t number, Timestamp now) {
  log_known_ = std::max(log_known_, number);
  if (log_known_ > group_.log.last() && log_due_ == Timestamp::Never()) {
    log_due_ = now + group_.settings.reorder_delay + jitter_;
    log_attempts_ = 0;
    deadline_ = std::min(deadline_, log_due_);
  }
}

void Requester::OnResend(const Resend& resend, Timestamp now) {
  for (const ResendRequest& request : resend.requests) {
    if (request.slot >= group_.size() || request.slot == group_.self_slot) continue;
    PeerStream& side = group_.peers[request.slot]->streams[request.stream];
    const uint32_t silenced = side.records.HeardRequest(request.from, request.count, now);
    group_.counters.Add(Counter::kResendsSuppressed, silenced);
  }
  if (resend.log_from != 0 && log_due_ != Timestamp::Never() &&
      resend.log_from <= group_.log.last() + 1) {
    log_due_ = std::max(log_due_, now + group_.rtt.repair_timer());
  }
}

void Requester::Hurry(Timestamp now) {
  if (gaps_.empty() && log_due_ == Timestamp::Never()) return;
  for (const auto& [slot, stream] : gaps_) {
    group_.peers[slot]->streams[stream].records.HurryRequests();
  }
  if (log_due_ != Timestamp::Never() && log_attempts_ == 0) log_due_ = now;
  deadline_ = now;
}

void Requester::CollectLog(Timestamp now, Resend& resend) {
  if (log_known_ <= group_.log.last()) {
    log_due_ = Timestamp::Never();
    log_attempts_ = 0;
    return;
  }
  if (log_due_ > now) return;
  if (log_asked_at_ != group_.log.last()) log_attempts_ = 0;
  log_asked_at_ = group_.log.last();
  resend.log_from = group_.log.last() + 1;
  resend.log_to = log_known_;
  log_due_ = now + std::min<Duration>(group_.rtt.repair_timer() * (1 << std::min(log_attempts_, 7)),
                                      group_.settings.repair_max);
  ++log_attempts_;
}

void Requester::EndTurn(Timestamp now) {
  if (now < deadline_) return;
  deadline_ = Timestamp::Never();
  if (!group_.in_view()) return;
  Resend resend;
  const Stream::Patience wait = patience();
  for (size_t i = 0; i < gaps_.size();) {
    const auto [slot, stream] = gaps_[i];
    PeerStream& side = group_.peers[slot]->streams[stream];
    if (!side.records.HasGap()) {
      side.in_gap_list = false;
      gaps_[i] = gaps_.back();
      gaps_.pop_back();
      continue;
    }
    const size_t room = kMaxResendRequests - resend.requests.size();
    if (room > 0) side.records.CollectMissing(wait, now, room, slot, stream, resend.requests);
    deadline_ = std::min(deadline_, side.records.NextRequest(wait));
    ++i;
  }
  CollectLog(now, resend);
  deadline_ = std::max(std::min(deadline_, log_due_), now + std::chrono::microseconds(20));
  if (gaps_.empty() && log_due_ == Timestamp::Never()) deadline_ = Timestamp::Never();
  if (resend.requests.empty() && resend.log_from == 0) return;
  group_.outbox.Send(PacketType::kResend, resend, To::Group());
  group_.counters.Add(Counter::kResendsSent);
  group_.counters.Add(Counter::kResendRequests, resend.requests.size());
  // More than repair_min would only delay: where queues make round trips long, others' requests
  // come as late.
  jitter_ = group_.random.Between(
      Duration::zero(), std::min(group_.rtt.repair_timer() / 4, group_.settings.repair_min));
}

}  // namespace strata::multicast
