#include "multicast/core/repairer.h"

#include <algorithm>

#include "multicast/core/mutants.h"

namespace strata::multicast {

// The owner does; if it was silent for two heartbeats, the lowest-ranked full member that holds the
// records. A learner may not know yet that a message was aborted, and who joined later never hears.
bool Repairer::AnswersFor(Slot origin, StreamId stream, Seq last, Timestamp now) const {
  if (origin == group_.self_slot) return true;
  if (group_.status() != MemberStatus::kFull) return false;
  if (now - group_.peers[origin]->last_heard < 2 * group_.settings.heartbeat_interval) return false;
  for (Slot slot = 0; slot < group_.self_slot; ++slot) {
    if (slot == origin || !group_.full(slot)) continue;
    const bool alive =
        now - group_.peers[slot]->last_heard < 2 * group_.settings.heartbeat_interval;
    if (alive && group_.board.held(slot, origin, stream) >= last) return false;
  }
  return true;
}

uint32_t Repairer::OnResend(Slot from, const Resend& resend, Timestamp now) {
  uint32_t own = 0;
  if (STRATA_MUTANT(kResendIgnored)) return own;
  for (const ResendRequest& request : resend.requests) {
    if (request.slot >= group_.size() || request.slot == from) continue;
    const Seq last = request.from + request.count - 1;
    if (!AnswersFor(request.slot, request.stream, last, now)) continue;
    const Stream& records = group_.peers[request.slot]->streams[request.stream].records;
    if (request.from < records.first_kept() && request.slot == group_.self_slot) {
      tell_tails_ = true;
    }
    for (Seq seq = std::max(request.from, records.first_kept());
         seq <= std::min(last, records.highest()); ++seq) {
      if (wanted_.size() >= kMaxWanted) break;
      wanted_.push_back({request.slot, request.stream, seq});
      // Asked again for what was just sent again is no further loss.
      const bool first = records.Find(seq)->attempts == 0;
      if (request.slot == group_.self_slot && first) ++own;
    }
  }
  if (resend.log_from != 0) WantLog(resend.log_from, resend.log_to);
  return own;
}

void Repairer::WantLog(uint64_t from, uint64_t to) {
  if (!group_.is_sm() || from > to) return;
  log_from_ = log_from_ == 0 ? from : std::min(log_from_, from);
  log_to_ = std::max(log_to_, to);
}

void Repairer::EndTurn(Timestamp now) {
  if (!group_.in_view()) {
    Reset();
    return;
  }
  if (!wanted_.empty()) SendRecords(now);
  if (log_from_ != 0) SendLog(now);
}

void Repairer::SendRecords(Timestamp now) {
  const Duration recent = group_.rtt.repair_timer() / 2;
  size_t next = 0;
  while (next < wanted_.size()) {
    const Slot origin = wanted_[next].slot;
    uint64_t bytes = 0;
    const size_t before = group_.batch.actions().size();
    uint16_t count = 0;
    group_.outbox.SendBody(PacketType::kData, To::Group(), [&](ByteWriter& out) {
      DataWriter writer(out);
      for (; next < wanted_.size() && wanted_[next].slot == origin; ++next) {
        const Wanted& wanted = wanted_[next];
        Stream& records = group_.peers[origin]->streams[wanted.stream].records;
        Stream::Entry* entry = records.Find(wanted.seq);
        if (entry == nullptr || entry->state != Stream::State::kPresent) continue;
        // when == 0: the owner has not sent it for the first time yet.
        if (entry->when == 0) continue;
        if (origin == group_.self_slot &&
            wanted.seq >= group_.me().streams[wanted.stream].FrozenFrom()) {
          continue;
        }
        if (origin == group_.self_slot && now - Timestamp::FromNanos(entry->when) < recent) {
          group_.counters.Add(Counter::kResendsIgnored);
          continue;
        }
        if (origin != group_.self_slot && entry->attempts == UINT8_MAX &&
            now - Timestamp::FromNanos(entry->when) < recent) {
          continue;
        }
        Record record = records.RecordAt(wanted.seq);
        record.stream = wanted.stream;
        if (!writer.Add(record)) break;
        entry->when = now.nanos();
        entry->attempts = UINT8_MAX;
        bytes += record.payload.size();
      }
      count = writer.count();
      writer.Finish(kRepair | kAckNow, origin);
    });
    if (count == 0) {
      group_.batch.DropLast(before);
      continue;
    }
    group_.counters.Add(Counter::kRepairsSent);
    group_.counters.Add(Counter::kRepairBytesSent, bytes);
  }
  wanted_.clear();
}

void Repairer::SendLog(Timestamp now) {
  const uint64_t from = log_from_;
  const uint64_t to = std::min(log_to_, group_.log.last());
  log_from_ = log_to_ = 0;
  const bool just_sent = to <= log_sent_to_ && now - log_sent_at_ < group_.rtt.repair_timer() / 2;
  if (just_sent || from > to || !group_.log.Has(std::max(from, group_.log.first_kept()))) return;
  log_sent_at_ = now;
  log_sent_to_ = to;
  uint64_t number = std::max(from, group_.log.first_kept());
  const uint64_t end = std::min<uint64_t>(to, number + kMaxLogPerTurn - 1);
  while (number <= end) {
    Commit commit;
    commit.first = number;
    commit.floor = group_.log.floor();
    size_t size = EncodedSizeMax(commit);
    for (; number <= end; ++number) {
      const LogRecord& record = group_.log.At(number);
      if (record.kind == LogRecord::Kind::kView) break;
      const size_t more = EncodedSizeMax(record);
      if (size + more > group_.outbox.max_body() && !commit.records.empty()) break;
      size += more;
      commit.records.push_back(record);
    }
    if (commit.records.empty()) return;  // A view travels by VIEW only.
    group_.outbox.SendLarge(PacketType::kCommit, commit, size, To::Group());
    group_.counters.Add(Counter::kCommitsSent);
  }
}

}  // namespace strata::multicast
