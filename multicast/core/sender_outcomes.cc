#include <algorithm>

#include "multicast/core/mutants.h"
#include "multicast/core/sender.h"
#include "multicast/core/widen.h"

// What becomes of this member's sends: outcomes, the window's answer to loss, aborts.
namespace strata::multicast {
namespace {

constexpr double kLossTolerated = 0.10;  // Of a window, at one receiver (spec, section 11).
constexpr double kWindowShrink = 0.7;
constexpr double kWindowMin = 128;
constexpr double kWindowGrowth = 1 + 1.0 / 16;  // A window; one record would take minutes on a LAN.
constexpr double kLossSample = 2048;            // Records over which a loss rate is judged.

}  // namespace

// ---- Outcomes.

void Sender::Finish(OpenSend& send, SendOutcome outcome, uint16_t reason) {
  if (send.internal) return;
  switch (outcome) {
    case SendOutcome::kCommitted:
      group_.counters.Add(Counter::kSendsCommitted);
      break;
    case SendOutcome::kAborted:
      group_.counters.Add(Counter::kSendsAborted);
      break;
    case SendOutcome::kUnknown:
      group_.counters.Add(Counter::kSendsUnknown);
      break;
    case SendOutcome::kReceived:
      break;
  }
  SendDoneAction done;
  done.id = send.id;
  done.outcome = outcome;
  done.commit_number = outcome == SendOutcome::kCommitted ? send.commit_number : 0;
  done.reason = reason;
  if (outcome == SendOutcome::kCommitted) done.replies = std::move(send.replies);
  group_.batch.Add(std::move(done));
}

void Sender::OnCommitted(StreamId stream, Seq seq, uint64_t number, Timestamp now) {
  Own& own = own_[stream];
  while (!own.open.empty() && own.open.front().to <= seq) {
    OpenSend& send = own.open.front();
    send.commit_number = number;
    if (send.options.replies && !send.waiting.empty()) {
      send.reply_deadline = now + group_.settings.reply_timeout;
      reply_deadline_ = std::min(reply_deadline_, send.reply_deadline);
      awaiting_replies_.push_back(std::move(send));
    } else {
      Finish(send, SendOutcome::kCommitted, 0);
    }
    own.open.pop_front();
  }
}

void Sender::OnAborted(const Range& range) {
  Own& own = own_[range.stream];
  for (auto it = own.open.begin(); it != own.open.end(); ++it) {
    if (it->to != range.to) continue;
    Finish(*it, SendOutcome::kAborted, range.reason);
    own.open.erase(it);
    break;
  }
  // What was not sent of it is never sent.
  if (own.sent < range.to && own.sent + 1 >= range.from) {
    sent_total_ += range.to - own.sent;
    own.sent = range.to;
    group_.me().streams[range.stream].sent = range.to;
  }
}

void Sender::OnCovered(StreamId stream, Seq seq, Timestamp now) {
  Own& own = own_[stream];
  seq = std::min(seq, own.sent);
  if (seq <= own.covered) return;
  covered_total_ += seq - own.covered;
  own.covered = seq;
  if (sample_seq_ != 0 && sample_stream_ == stream && sample_seq_ <= seq) {
    group_.rtt.Add(now - sample_at_);
    sample_seq_ = 0;
  }
  tail_wait_ = group_.rtt.repair_timer();
  tail_deadline_ = outstanding() == 0 ? Timestamp::Never() : now + tail_wait_;
  GrowWindow(covered_total_);
  PeerStream& side = group_.me().streams[stream];
  if (side.received) {
    while (!own.open.empty() && own.open.front().to <= seq) {
      Finish(own.open.front(), SendOutcome::kReceived, 0);
      own.open.pop_front();
    }
  }
}

void Sender::GrowWindow(uint64_t covered) {
  // A small window says nothing of a loss rate: one lost packet is a tenth of it.
  const double judged = std::max<double>(window_, kLossSample);
  if (static_cast<double>(covered - grown_at_) < window_) return;
  judged_ += static_cast<double>(covered - grown_at_);
  grown_at_ = covered;
  if (judged_ < judged) {
    window_ = std::min<double>(group_.settings.window_max, window_ * kWindowGrowth);
    return;
  }
  const double tolerated = kLossTolerated * judged_;
  const bool lossy = std::any_of(losses_.begin(), losses_.end(),
                                 [tolerated](uint32_t lost) { return lost > tolerated; });
  if (lossy) {
    window_ = std::max(kWindowMin, window_ * kWindowShrink);
    group_.counters.Add(Counter::kWindowReductions);
  } else {
    window_ = std::min<double>(group_.settings.window_max, window_ * kWindowGrowth);
  }
  std::fill(losses_.begin(), losses_.end(), 0);
  judged_ = 0;
}

void Sender::OnLoss(Slot from, uint32_t records) {
  if (from < losses_.size()) losses_[from] += records;
}

void Sender::OnLimit(uint32_t limit_low, Timestamp) {
  const uint64_t limit = Widen(limit_, limit_low);
  if (limit > limit_ && limit - limit_ < (uint64_t{1} << 31)) limit_ = limit;
}

Sender::OpenSend* Sender::FindOpen(StreamId stream, Seq last) {
  for (OpenSend& send : own_[stream].open) {
    if (send.to == last) return &send;
  }
  for (OpenSend& send : awaiting_replies_) {
    if (send.stream == stream && send.to == last) return &send;
  }
  return nullptr;
}

void Sender::OnReply(MemberId from, ByteSpan message, Timestamp) {
  ByteReader in(message);
  Incarnation origin;
  in.Read(origin.bytes);
  const StreamId stream = in.U8();
  in.Skip(3);
  const Seq last = in.U64();
  if (!in.ok() || origin != group_.self.incarnation || stream >= kMaxStreams) return;
  OpenSend* send = FindOpen(stream, last);
  if (send == nullptr) return;
  if (std::erase(send->waiting, from) == 0) return;
  const ByteSpan bytes = in.Rest();
  send->replies.push_back({from, Bytes(bytes.begin(), bytes.end())});
  MaybeFinish(*send);
}

// Ends a committed send that waits for nobody any more.
void Sender::MaybeFinish(OpenSend& send) {
  if (send.commit_number == 0 || !send.waiting.empty()) return;
  Finish(send, SendOutcome::kCommitted, 0);
  std::erase_if(awaiting_replies_, [&send](const OpenSend& other) { return &other == &send; });
}

void Sender::OnMemberGone(MemberId id, Timestamp) {
  for (Own& own : own_) {
    for (OpenSend& send : own.open) std::erase(send.waiting, id);
  }
  for (size_t i = awaiting_replies_.size(); i-- > 0;) {
    OpenSend& send = awaiting_replies_[i];
    std::erase(send.waiting, id);
    MaybeFinish(send);
  }
}

// ---- Aborts.

bool Sender::Abort(SendId id, uint16_t reason, Timestamp now) {
  for (Own& own : own_) {
    for (OpenSend& send : own.open) {
      if (send.id != id || send.internal || send.options.received) continue;
      if (send.abort_reason == 0) {
        send.abort_reason = reason == 0 ? uint16_t{kAbortedBySender} : reason;
        send.abort_due = now;
        abort_deadline_ = now;
      }
      return true;
    }
  }
  return false;
}

void Sender::AdoptAbort(const Range& range, Timestamp now) {
  OpenSend* send = FindOpen(range.stream, range.to);
  if (send == nullptr || send->commit_number != 0 || send->abort_reason != 0) return;
  send->abort_reason = range.reason;
  send->abort_due = now + group_.rtt.repair_timer();
  abort_deadline_ = std::min(abort_deadline_, send->abort_due);
}

void Sender::AbortAllOf(Timestamp now) {
  for (Own& own : own_) {
    for (OpenSend& send : own.open) {
      if (!send.options.all_of || send.abort_reason != 0) continue;
      send.abort_reason = kAbortTargetEvicted;
      send.abort_due = now;
      abort_deadline_ = now;
    }
  }
}

void Sender::RepeatAborts(Timestamp now) {
  if (abort_deadline_ > now || group_.frozen) return;
  abort_deadline_ = Timestamp::Never();
  Ranges body;
  for (Own& own : own_) {
    for (OpenSend& send : own.open) {
      if (send.abort_reason == 0) continue;
      if (send.abort_due <= now && body.ranges.size() < 32) {
        body.ranges.push_back(
            {group_.self_slot, send.stream, send.abort_reason, send.from, send.to});
        said_aborts_.push_back(body.ranges.back());
        send.abort_due = now + group_.rtt.repair_timer() * 2;
      }
      abort_deadline_ = std::min(abort_deadline_, send.abort_due);
    }
  }
  if (!body.ranges.empty()) group_.outbox.Send(PacketType::kAbort, body, To::Group());
}

}  // namespace strata::multicast
