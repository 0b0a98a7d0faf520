#include "multicast/core/committer.h"

#include <algorithm>

#include "multicast/core/mutants.h"
#include "multicast/core/view_rules.h"

namespace strata::multicast {

void Committer::Reset(Timestamp now) {
  const size_t streams = size_t{group_.size()} * kStreamSlots;
  closed_.clear();
  dirty_.clear();
  is_dirty_.assign(streams, false);
  committed_.assign(streams, 0);
  progress_.assign(streams, 0);
  implied_.assign(streams, 0);
  limit_told_.assign(group_.size(), 0);
  reannounce_.assign(group_.size(), true);
  confirm_nonce_ = 0;
  for (Slot slot = 0; slot < group_.size(); ++slot) {
    group_.board.SetProgress(slot, now);
    for (StreamId stream = 0; stream < kStreamSlots; ++stream) NoteChange(slot, stream);
  }
}

void Committer::SetCommitted(Slot origin, StreamId stream, Seq seq) {
  committed_[Index(origin, stream)] = seq;
  progress_[Index(origin, stream)] = seq;
  implied_[Index(origin, stream)] = seq;
}

void Committer::NoteChange(Slot origin, StreamId stream) {
  if (!group_.is_sm()) return;
  const size_t index = Index(origin, stream);
  if (is_dirty_[index]) return;
  is_dirty_[index] = true;
  dirty_.emplace_back(origin, stream);
}

void Committer::OnOwnersData(Slot origin, StreamId stream, Seq seq) {
  if (!group_.is_sm()) return;
  Seq& implied = implied_[Index(origin, stream)];
  if (seq <= implied) return;
  implied = seq;
  NoteChange(origin, stream);
}

void Committer::Reannounce(Slot origin) {
  if (!group_.is_sm()) return;
  reannounce_[origin] = true;
  for (StreamId stream = 0; stream < kStreamSlots; ++stream) NoteChange(origin, stream);
}

Seq Committer::Minimum(Slot origin, StreamId stream) const {
  const PeerStream& side = group_.peers[origin]->streams[stream];
  Seq least = side.ackable();
  const Slot last = group_.size();
  for (Slot member = 1; member < last; ++member) {
    if (!group_.full(member)) continue;
    if (STRATA_MUTANT(kCommitWithoutSlowest) && member == last - 1) continue;
    Seq held = group_.board.held(member, origin, stream);
    if (member == origin) {
      const Seq implied = implied_[Index(origin, stream)];
      const Seq plain = side.first_prepare == 0 ? implied : side.first_prepare - 1;
      held = std::max(held, std::min(implied, plain));
    }
    for (const Closed& closed : closed_) {
      if (closed.range.slot != origin || closed.range.stream != stream) continue;
      if (group_.board.log_seen(member) < closed.number) {
        held = std::min(held, closed.range.from - 1);
      }
    }
    least = std::min(least, held);
  }
  return least;
}

// Whoever has the record of a closed abort may count beyond it again.
void Committer::ForgetClosed(uint64_t floor) {
  for (const Closed& closed : closed_) NoteChange(closed.range.slot, closed.range.stream);
  std::erase_if(closed_, [floor](const Closed& closed) { return closed.number <= floor; });
}

void Committer::DecideStream(Slot origin, StreamId stream, LogRecord& advance, Commit& commit) {
  const size_t index = Index(origin, stream);
  const PeerStream& side = group_.peers[origin]->streams[stream];
  const Seq least = Minimum(origin, stream);
  if (!side.received && side.typed) {
    const Seq cut = STRATA_MUTANT(kCommitMidMessage) ? least : side.records.CutToMessage(least);
    if (cut > committed_[index] && confirm_nonce_ == 0) {
      committed_[index] = cut;
      advance.positions.push_back({origin, stream, cut});
    }
  }
  if (least > progress_[index] || (reannounce_[origin] && least > 0)) {
    progress_[index] = std::max(progress_[index], least);
    const bool told = !advance.positions.empty() && advance.positions.back().slot == origin &&
                      advance.positions.back().stream == stream &&
                      advance.positions.back().seq == least;
    if (!told) commit.progress.push_back({origin, stream, least});
  }
}

void Committer::Decide(Timestamp) {
  CheckConfirmation();
  const uint64_t floor = LogFloor();
  group_.log.TrimTo(floor);
  ForgetClosed(floor);
  Commit commit;
  commit.first = group_.log.last() + 1;
  const std::vector<Range> closed = aborts_.TakeClosed();
  if (!closed.empty()) {
    LogRecord record;
    record.kind = LogRecord::Kind::kAborted;
    record.ranges = closed;
    group_.log.Append(record);
    for (const Range& range : closed) closed_.push_back({group_.log.last(), range});
    commit.records.push_back(std::move(record));
  }
  // Full: commit nothing more until the others have caught up; the streams stay dirty.
  if (group_.log.size() < group_.settings.log_records_max) {
    std::sort(dirty_.begin(), dirty_.end());
    LogRecord advance;
    size_t done = 0;
    while (done < dirty_.size() &&
           advance.positions.size() + commit.progress.size() < kEntriesPerPacket) {
      const auto [origin, stream] = dirty_[done++];
      is_dirty_[Index(origin, stream)] = false;
      DecideStream(origin, stream, advance, commit);
    }
    dirty_.erase(dirty_.begin(), dirty_.begin() + static_cast<std::ptrdiff_t>(done));
    if (dirty_.empty()) std::fill(reannounce_.begin(), reannounce_.end(), false);
    if (!advance.positions.empty()) {
      group_.log.Append(advance);
      commit.records.push_back(std::move(advance));
    }
  }
  AddLimits(commit, false);
  if (commit.records.empty() && commit.progress.empty() && commit.limits.empty()) return;
  Transmit(commit);
}

void Committer::AddLimits(Commit& commit, bool all) {
  const uint64_t worth_telling = group_.settings.receive_records / 8;
  for (Slot origin = 0; origin < group_.size(); ++origin) {
    uint64_t least = UINT64_MAX;
    for (Slot member = 0; member < group_.size(); ++member) {
      if (member == origin || !group_.full(member)) continue;
      uint64_t limit = member == 0
                           ? group_.peers[origin]->Released() + group_.settings.receive_records
                           : group_.board.limit(member, origin);
      if (member == 0 && group_.credit_paused) limit = limit_told_[origin];
      if (limit == 0) limit = limit_told_[origin];  // Not told yet: the initial one stands.
      least = std::min(least, limit);
    }
    if (least == UINT64_MAX) {
      least = group_.peers[origin]->Released() + group_.settings.receive_records;
    }
    if (least == 0 || (!all && least < limit_told_[origin] + worth_telling)) continue;
    limit_told_[origin] = std::max(limit_told_[origin], least);
    commit.limits.push_back({origin, static_cast<uint32_t>(limit_told_[origin])});
  }
}

void Committer::SendPeriodic() {
  if (!group_.is_sm() || group_.frozen) return;
  Commit commit;
  commit.first = group_.log.last() + 1;
  AddLimits(commit, true);
  for (Slot origin = 0; origin < group_.size(); ++origin) {
    for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
      const size_t index = Index(origin, stream);
      if (progress_[index] <= committed_[index]) continue;
      if (commit.progress.size() < 30)
        commit.progress.push_back({origin, stream, progress_[index]});
    }
  }
  if (!commit.limits.empty() || !commit.progress.empty()) Transmit(commit);
}

void Committer::Transmit(Commit& commit) {
  commit.floor = group_.log.floor();
  group_.outbox.SendLarge(PacketType::kCommit, commit, EncodedSizeMax(commit), To::Group());
  group_.counters.Add(Counter::kCommitsSent);
}

uint64_t Committer::LogFloor() const {
  uint64_t floor = group_.log.last();
  for (Slot member = 1; member < group_.size(); ++member) {
    if (group_.full(member)) floor = std::min(floor, group_.board.log_seen(member));
  }
  return floor;
}

void Committer::CheckConfirmation() {
  if (confirm_nonce_ == 0) return;
  std::vector<MemberId> answered = {group_.self.id};
  for (Slot member = 1; member < group_.size(); ++member) {
    if (group_.board.nonce(member) == confirm_nonce_) {
      answered.push_back(group_.view.members[member].id);
    }
  }
  if (!group_.view.quorum_none && !HasMajority(VotersOf(group_.view), answered)) return;
  confirm_nonce_ = 0;
  for (Slot origin = 0; origin < group_.size(); ++origin) {
    for (StreamId stream = 0; stream < kStreamSlots; ++stream) NoteChange(origin, stream);
  }
}

std::vector<Slot> Committer::Stalled(Timestamp now) const {
  std::vector<Slot> stalled;
  if (!group_.is_sm()) return stalled;
  for (Slot member = 1; member < group_.size(); ++member) {
    if (!group_.full(member)) continue;
    Duration patience = group_.settings.stall_timeout;
    bool lags = false;
    for (Slot origin = 0; origin < group_.size() && !lags; ++origin) {
      for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
        const PeerStream& side = group_.peers[origin]->streams[stream];
        if (member == origin || side.ackable() <= group_.board.held(member, origin, stream)) {
          continue;
        }
        lags = true;
        if (side.first_prepare != 0) patience += group_.settings.prepare_timeout;
        break;
      }
    }
    if (lags && now - group_.board.progress(member) > patience) stalled.push_back(member);
  }
  return stalled;
}

}  // namespace strata::multicast
