#include "multicast/core/snapshot_fetcher.h"

#include <algorithm>
#include <cstring>

namespace strata::multicast {

void SnapshotFetcher::Start(uint64_t min_commit, Timestamp now) {
  running_ = true;
  min_commit_ = min_commit;
  donor_ = MemberInfo();
  NextDonor(now);
}

void SnapshotFetcher::Stop() {
  running_ = false;
  fetched_.reset();
}

std::optional<SnapshotFetcher::Fetched> SnapshotFetcher::TakeFetched() {
  if (fetched_ && fetched_->commit > group_.log.last()) return std::nullopt;
  return std::exchange(fetched_, std::nullopt);
}

void SnapshotFetcher::OnViewInstalled(Timestamp now) {
  if (!running_) return;
  const Slot slot = DonorSlot();
  if (slot == kNoSlot || !group_.full(slot)) NextDonor(now);
}

// The first full member behind the present donor, by rank, that has the whole state.
void SnapshotFetcher::NextDonor(Timestamp now) {
  const Slot current = DonorSlot();
  const Slot from = current == kNoSlot ? Slot{0} : static_cast<Slot>(current + 1);
  donor_ = MemberInfo();
  for (Slot i = 0; i < group_.size(); ++i) {
    const auto slot = static_cast<Slot>((from + i) % group_.size());
    if (slot == group_.self_slot || !group_.full(slot) || group_.view.members[slot].light) continue;
    donor_ = group_.view.members[slot];
    break;
  }
  nonce_ = group_.random.Next() | 1;
  tries_ = 0;
  total_ = have_ = asked_to_ = 0;
  state_.clear();
  ahead_.clear();
  fetched_.reset();
  due_ = now;
}

void SnapshotFetcher::Ask(Timestamp now) {
  due_ = now + kRetry;
  const Slot slot = DonorSlot();
  if (slot == kNoSlot) return;
  SnapshotRequest request;
  request.nonce = nonce_;
  request.min_commit = min_commit_;
  request.offset = have_;
  request.bytes = kPieceBytes;
  asked_to_ = have_ + kPieceBytes;
  group_.outbox.Send(PacketType::kSnapshotRequest, request,
                     To::Unicast(group_.view.members[slot].unicast));
}

void SnapshotFetcher::OnChunk(const SnapshotChunk& chunk, Timestamp now) {
  if (!running_ || chunk.nonce != nonce_ || fetched_) {
    group_.counters.Add(Counter::kNotExpected);
    return;
  }
  if (chunk.refused) {
    NextDonor(now);
    due_ = now + kRetry;
    return;
  }
  if (chunk.not_ready) {
    tries_ = 0;  // It lives.
    return;
  }
  const bool begun = have_ > 0 || !ahead_.empty();
  if (chunk.total > kMaxSnapshotBytes || chunk.commit < min_commit_ ||
      chunk.offset + chunk.bytes.size() > chunk.total ||
      (begun && (chunk.total != total_ || chunk.commit != commit_))) {
    group_.counters.Add(Counter::kMalformed);
    return;
  }
  if (state_.size() != chunk.total) state_.resize(chunk.total);
  total_ = chunk.total;
  commit_ = chunk.commit;
  tries_ = 0;
  if (!chunk.bytes.empty()) {
    std::memcpy(state_.data() + chunk.offset, chunk.bytes.data(), chunk.bytes.size());
    if (ahead_.size() < 1024) ahead_.emplace_back(chunk.offset, chunk.offset + chunk.bytes.size());
  }
  std::sort(ahead_.begin(), ahead_.end());
  for (const auto& [from, to] : ahead_) {
    if (from <= have_) have_ = std::max(have_, to);
  }
  std::erase_if(ahead_, [this](const auto& piece) { return piece.second <= have_; });
  if (have_ == total_) {
    fetched_ = Fetched{commit_, std::move(state_)};
    state_ = Bytes();
  } else if (have_ >= std::min(asked_to_, total_)) {
    due_ = now;
  }
}

void SnapshotFetcher::OnTimer(Timestamp now) {
  if (!running_ || due_ > now || !group_.in_view() || fetched_) return;
  if (++tries_ > kTriesPerDonor) NextDonor(now);
  Ask(now);
}

}  // namespace strata::multicast
