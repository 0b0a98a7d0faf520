#include "multicast/core/sender.h"

#include <algorithm>

#include "common/check.h"
#include "multicast/core/mutants.h"
#include "multicast/core/widen.h"

namespace strata::multicast {
namespace {

using std::chrono::microseconds;

// In a flow of messages the sender asks for acknowledgement at most this often.
constexpr Duration kAckNowInterval = microseconds(500);

// Sent in one turn: more would keep requests for repair waiting.
constexpr uint64_t kRecordsPerTurn = 256;

}  // namespace

std::variant<SendId, SendRefusal> Sender::Send(StreamId stream, ByteSpan message,
                                               const SendOptions& options, Timestamp now) {
  const auto refuse = [this](SendRefusal why) {
    group_.counters.Add(Counter::kSendsRefused);
    return why;
  };
  if (stream >= kMaxStreams) return refuse(SendRefusal::kBadStream);
  if (!group_.in_view() || group_.self.role == Role::kWitness) {
    return refuse(SendRefusal::kNotMember);
  }
  if ((options.received && (options.prepare || options.replies || options.all_of)) ||
      (options.replies && !options.prepare)) {
    return refuse(SendRefusal::kBadOptions);
  }
  if (message.size() > kMaxMessageBytes) return refuse(SendRefusal::kTooLong);
  PeerStream& side = group_.me().streams[stream];
  if (side.known && side.received != options.received && own_[stream].queued > 0) {
    return refuse(SendRefusal::kBadStream);
  }
  const size_t largest =
      group_.outbox.max_body() - kDataPrefixBytes - kRecordHeaderBytes - kMessageLengthBytes;
  const uint64_t records = std::max<size_t>(1, (message.size() + largest - 1) / largest);
  if (queued_total_ - sent_total_ + records > group_.settings.send_queue_records ||
      queued_total_ - covered_total_ + records > Stream::kCapacity / 2) {
    return refuse(SendRefusal::kQueueFull);
  }
  Own& own = own_[stream];
  side.SetKind(options.received);
  OpenSend send;
  send.id = next_id_++;
  send.stream = stream;
  send.from = own.queued + 1;
  send.options = options;
  const auto flags =
      static_cast<uint8_t>((options.received ? kReceived : 0) | (options.prepare ? kPrepare : 0) |
                           (options.replies ? kReplies : 0) | (options.all_of ? kAllOf : 0));
  Number(own, side, stream, message, flags);
  send.to = own.queued;
  if (options.prepare && side.first_prepare == 0) side.first_prepare = send.from;
  if (options.replies) {
    for (const MemberInfo& member : group_.view.members) {
      if (member.status == MemberStatus::kFull) send.waiting.push_back(member.id);
    }
  }
  own.open.push_back(std::move(send));
  group_.counters.Add(Counter::kSends);
  if (pack_deadline_ == Timestamp::Never()) pack_deadline_ = now + group_.settings.pack_delay;
  return own.open.back().id;
}

void Sender::Number(Own& own, PeerStream& side, StreamId stream, ByteSpan message, uint8_t flags) {
  const size_t largest =
      group_.outbox.max_body() - kDataPrefixBytes - kRecordHeaderBytes - kMessageLengthBytes;
  side.known = true;
  side.sent = own.sent;
  Record record;
  record.stream = stream;
  size_t offset = 0;
  do {
    const bool first = offset == 0;
    record.payload = message.subspan(offset, std::min(largest, message.size() - offset));
    offset += record.payload.size();
    const bool last = offset == message.size();
    record.flags =
        static_cast<uint8_t>((first ? flags | kInit : flags & kReceived) | (last ? kNoMore : 0));
    record.message_bytes = first && !last ? static_cast<uint32_t>(message.size()) : 0;
    record.seq = ++own.queued;
    side.records.Append(record);
    unsent_bytes_ += EncodedSize(record);
    ++queued_total_;
  } while (offset < message.size());
}

void Sender::SendReply(const Incarnation& origin, StreamId stream, Seq last, ByteSpan reply,
                       Timestamp now) {
  constexpr size_t kReplyHeaderBytes = 28;
  Bytes message(kReplyHeaderBytes + reply.size());
  ByteWriter out(message);
  out.Put(origin.bytes);
  out.U8(stream);
  out.U8(0);
  out.U16(0);
  out.U64(last);
  out.Put(reply);
  Own& own = own_[kReplyStream];
  PeerStream& side = group_.me().streams[kReplyStream];
  side.SetKind(true);
  OpenSend send;
  send.stream = kReplyStream;
  send.from = own.queued + 1;
  send.options.received = true;
  send.internal = true;
  Number(own, side, kReplyStream, message, kReceived);
  send.to = own.queued;
  own.open.push_back(std::move(send));
  if (pack_deadline_ == Timestamp::Never()) pack_deadline_ = now + group_.settings.pack_delay;
}

// ---- Life.

void Sender::OnViewInstalled(bool fresh, Timestamp now) {
  if (fresh) {
    own_ = {};
    queued_total_ = sent_total_ = started_total_ = covered_total_ = 0;
    limit_ = group_.settings.receive_records;
    unsent_bytes_ = 0;
    window_ = group_.settings.window_initial;
    grown_at_ = 0;
    more_ = false;
    pack_deadline_ = abort_deadline_ = reply_deadline_ = Timestamp::Never();
  }
  flight_.Reset();
  said_aborts_.clear();  // Slots of the view before; said again below.
  losses_.assign(group_.size(), 0);
  sample_seq_ = 0;
  tail_wait_ = group_.rtt.repair_timer();
  tail_deadline_ = outstanding() == 0 ? Timestamp::Never() : now + tail_wait_;
  for (Own& own : own_) {
    for (OpenSend& send : own.open) {
      if (send.abort_reason != 0) send.abort_due = abort_deadline_ = now;
    }
  }
}

void Sender::EndAll() {
  for (OpenSend& send : awaiting_replies_) Finish(send, SendOutcome::kCommitted, 0);
  awaiting_replies_.clear();
  for (Own& own : own_) {
    for (OpenSend& send : own.open) {
      if (STRATA_MUTANT(kUnknownCalledAborted) && !send.options.received) {
        Finish(send, SendOutcome::kAborted, kAbortedBySender);
      } else {
        Finish(send, SendOutcome::kUnknown, 0);
      }
    }
  }
  OnViewInstalled(true, Timestamp());
  tail_deadline_ = Timestamp::Never();
}

// ---- Sending.

// Lets the next messages start whose records all fit within the limit.
bool Sender::AllowedToStart() {
  bool all = true;
  for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
    Own& own = own_[stream];
    Stream& records = group_.me().streams[stream].records;
    while (own.started < own.queued) {
      const Seq last = records.LastOf(own.started + 1);
      const uint64_t count = last - own.started;
      if (started_total_ + count > limit_) {
        all = false;
        break;
      }
      started_total_ += count;
      own.started = last;
    }
  }
  return all;
}

void Sender::LookWhatIsTaken() {
  taken_total_ = 0;
  for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
    const Own& own = own_[stream];
    taken_total_ += own.sent == 0 ? 0 : flight_.Taken(stream, own.covered, own.sent);
  }
}

uint64_t Sender::Budget() const {
  const auto window = static_cast<uint64_t>(window_);
  const uint64_t flying = sent_total_ - taken_total_;
  return flying >= window ? 0 : window - flying;
}

bool Sender::MaySendNext(StreamId stream) const {
  const Own& own = own_[stream];
  return own.sent < own.started && own.sent + 1 < group_.me().streams[stream].FrozenFrom();
}

bool Sender::FillPacket(DataWriter& writer, uint64_t& budget, Timestamp now) {
  for (StreamId i = 0; i < kStreamSlots; ++i) {
    const auto stream = static_cast<StreamId>((next_stream_ + i) % kStreamSlots);
    Own& own = own_[stream];
    PeerStream& side = group_.me().streams[stream];
    Stream& records = side.records;
    while (budget > 0 && MaySendNext(stream)) {
      Stream::Entry* entry = records.Find(own.sent + 1);
      STRATA_CHECK(entry != nullptr);
      if (entry->state != Stream::State::kAborted) {
        Record record = records.RecordAt(own.sent + 1);
        record.stream = stream;
        if (!writer.Add(record)) {
          next_stream_ = stream;
          return true;
        }
        unsent_bytes_ -= std::min(unsent_bytes_, EncodedSize(record));
        entry->when = now.nanos();
        ++unflagged_;
        --budget;
      }
      side.sent = ++own.sent;
      ++sent_total_;
    }
  }
  return false;
}

// Writes one DATA packet of what may go out. False if there is nothing.
bool Sender::ComposePacket(Timestamp now) {
  uint64_t budget = Budget();
  const uint64_t before = outstanding();
  if (budget == 0) return false;
  const uint64_t sent_before = sent_total_;
  bool any = false;
  // A first look avoids an empty packet.
  for (StreamId stream = 0; stream < kStreamSlots; ++stream) any = any || MaySendNext(stream);
  if (!any) return false;
  uint16_t count = 0;
  bool full = false;
  group_.outbox.SendBody(PacketType::kData, To::Group(), [&](ByteWriter& out) {
    DataWriter writer(out);
    full = FillPacket(writer, budget, now);
    count = writer.count();
    bool more = false;
    for (StreamId stream = 0; stream < kStreamSlots; ++stream) more = more || MaySendNext(stream);
    const bool stops = !more || budget == 0;
    const bool idle = before == 0;
    bool ack_now = false;
    if (stops && (idle || now - flagged_at_ >= kAckNowInterval ||
                  static_cast<double>(unflagged_) >= window_ / 2)) {
      ack_now = true;
      flagged_at_ = now;
      unflagged_ = 0;
    }
    writer.Finish(ack_now ? kAckNow : 0, group_.self_slot);
    // In a flow, coverage waits for repairs of what went before: only a lone burst measures.
    if (ack_now && idle && sample_seq_ == 0) {
      for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
        if (own_[stream].sent <= own_[stream].covered) continue;
        sample_stream_ = stream;
        sample_seq_ = own_[stream].sent;
        sample_at_ = now;
        break;
      }
    }
  });
  if (count > 0) {
    group_.counters.Add(Counter::kDataSent);
    group_.counters.Add(Counter::kRecordsSent, count);
  }
  return sent_total_ > sent_before;
}

void Sender::SendPackets(Timestamp now) {
  LookWhatIsTaken();
  const bool all_started = AllowedToStart();
  const size_t full = group_.outbox.max_body() - kDataPrefixBytes;
  const bool idle = outstanding() == 0;  // Then all of it leaves at once.
  bool sent = false;
  bool stopped = false;
  more_ = false;
  const uint64_t enough = sent_total_ + kRecordsPerTurn;
  while (sent_total_ < started_total_) {
    if (sent_total_ >= enough) {
      more_ = true;
      break;
    }
    if (Budget() == 0) {
      group_.counters.Add(Counter::kWindowStalls);
      break;
    }
    const bool partial = unsent_bytes_ < full;
    if (partial && !idle && now < pack_deadline_) break;
    if (!ComposePacket(now)) {
      stopped = true;  // By an abort: until its end.
      break;
    }
    sent = true;
  }
  if (!all_started && sent_total_ == started_total_) {
    group_.counters.Add(Counter::kCreditStalls);
  }
  if (sent) {
    tail_wait_ = group_.rtt.repair_timer();
    tail_deadline_ = now + tail_wait_;
  }
  if (more_) return;
  if (sent_total_ == queued_total_) {
    pack_deadline_ = Timestamp::Never();
    unsent_bytes_ = 0;
  } else if (stopped || sent_total_ == started_total_ || Budget() == 0) {
    pack_deadline_ = Timestamp::Never();
  } else if (sent || pack_deadline_ == Timestamp::Never()) {
    pack_deadline_ = now + group_.settings.pack_delay;
  }
}

void Sender::AnnounceTail(Timestamp now) {
  tail_wait_ = std::min<Duration>(tail_wait_ * 2, group_.settings.heartbeat_interval);
  tail_deadline_ = now + tail_wait_;
  sample_seq_ = 0;  // A repaired round trip measures nothing.
  if (STRATA_MUTANT(kTailNotAnnounced)) return;
  Heartbeat heartbeat;
  heartbeat.log_last = group_.log.last();
  heartbeat.log_floor = group_.log.floor();
  heartbeat.ack_requested = true;
  heartbeat.synced = group_.synced;
  heartbeat.hears_sm = true;
  heartbeat.promised = group_.view.epoch;
  heartbeat.tails = Tails();
  group_.outbox.Send(PacketType::kHeartbeat, heartbeat, To::Group());
  group_.counters.Add(Counter::kTailsAnnounced);
  // Perhaps what was lost is this member's own acknowledgement of what it prepared.
  for (PeerStream& side : group_.me().streams) {
    if (side.first_prepare != 0) side.acked = 0;
  }
}

std::vector<StreamTail> Sender::Tails() const {
  std::vector<StreamTail> tails;
  if (!group_.in_view()) return tails;
  for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
    if (own_[stream].sent == 0) continue;
    const PeerStream& side = group_.me().streams[stream];
    const Seq last = std::min(own_[stream].sent, side.FrozenFrom() - 1);
    if (last > 0) tails.push_back({stream, last, side.records.first_kept()});
  }
  return tails;
}

void Sender::OnTimer(Timestamp now) {
  if (!group_.in_view()) return;
  if (tail_deadline_ <= now) {
    // more_: the tail is not out yet.
    if (outstanding() == 0 || group_.frozen || more_) {
      tail_deadline_ = outstanding() == 0 ? Timestamp::Never() : now + tail_wait_;
    } else {
      AnnounceTail(now);
    }
  }
  if (reply_deadline_ <= now) {
    reply_deadline_ = Timestamp::Never();
    for (size_t i = awaiting_replies_.size(); i-- > 0;) {
      OpenSend& send = awaiting_replies_[i];
      if (send.reply_deadline <= now) {
        send.waiting.clear();
        MaybeFinish(send);
      } else {
        reply_deadline_ = std::min(reply_deadline_, send.reply_deadline);
      }
    }
  }
}

void Sender::BeginTurn() {
  if (!group_.in_view()) return;
  // Owners keep what is covered a while, for learners. Committed streams go by what was delivered.
  for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
    Stream& records = group_.me().streams[stream].records;
    const Seq done = std::min(own_[stream].covered, records.delivered());
    if (done <= group_.settings.retain_records + records.first_kept()) continue;
    const Seq keep = done - group_.settings.retain_records;
    // first_kept must stay an init record.
    const Stream::Entry* entry = records.Find(keep);
    if (entry != nullptr && entry->back <= keep) {
      const Seq init = keep - entry->back;
      if (init > records.first_kept()) records.Release(init - 1);
    }
  }
}

void Sender::EndTurn(Timestamp now) {
  if (!group_.in_view()) return;
  RepeatAborts(now);
  if (group_.frozen || sent_total_ == queued_total_) {
    if (sent_total_ == queued_total_) {
      more_ = false;
      pack_deadline_ = Timestamp::Never();
      unsent_bytes_ = 0;
    }
    return;
  }
  SendPackets(now);
}

Timestamp Sender::deadline() const {
  Timestamp next = std::min(tail_deadline_, reply_deadline_);
  if (!group_.frozen) next = std::min(next, abort_deadline_);  // Said again in the next view.
  if (!group_.frozen) next = std::min(next, more_ ? Timestamp() : pack_deadline_);
  return group_.in_view() ? next : Timestamp::Never();
}

}  // namespace strata::multicast
