#include "multicast/core/snapshot_donor.h"

#include <algorithm>
#include <utility>

namespace strata::multicast {
namespace {

constexpr size_t kChunkHeaderBytes = 36;

}  // namespace

void SnapshotDonor::OnRequest(const SnapshotRequest& request, const MemberInfo& learner,
                              const Endpoint& from, uint64_t applied, Timestamp now) {
  auto it = std::find_if(transfers_.begin(), transfers_.end(),
                         [&request](const Transfer& t) { return t.nonce == request.nonce; });
  if (it == transfers_.end()) {
    SnapshotChunk no;
    no.nonce = request.nonce;
    no.refused = true;
    if (!group_.synced || group_.self.light || group_.status() != MemberStatus::kFull ||
        transfers_.size() >= kMaxTransfers) {
      group_.outbox.Send(PacketType::kSnapshotChunk, no, To::Unicast(from));
      return;
    }
    Transfer transfer;
    transfer.id = next_id_++;
    transfer.nonce = request.nonce;
    transfer.learner = learner.id;
    transfer.light = learner.light;
    transfer.min_commit = request.min_commit;
    transfers_.push_back(std::move(transfer));
    it = std::prev(transfers_.end());
    group_.counters.Add(Counter::kSnapshotsServed);
    EndTurn(applied);
  }
  it->last_used = now;
  Answer(*it, request, from);
}

void SnapshotDonor::Answer(const Transfer& transfer, const SnapshotRequest& request,
                           const Endpoint& to) {
  if (transfer.ready && request.offset > transfer.state.size()) {
    group_.counters.Add(Counter::kNotExpected);
    return;
  }
  SnapshotChunk chunk;
  chunk.nonce = transfer.nonce;
  chunk.commit = transfer.commit;
  chunk.total = transfer.state.size();
  chunk.offset = request.offset;
  chunk.refused = transfer.refused;
  chunk.not_ready = !transfer.ready && !transfer.refused;
  if (!transfer.ready || transfer.refused) {
    group_.outbox.Send(PacketType::kSnapshotChunk, chunk, To::Unicast(to));
    return;
  }
  const size_t piece = group_.outbox.max_body() - kChunkHeaderBytes;
  const uint64_t wanted = std::min<uint64_t>(request.bytes, kMaxBytesPerRequest);
  const uint64_t end = std::min<uint64_t>(request.offset + wanted, transfer.state.size());
  do {
    const size_t n = std::min<size_t>(piece, end - chunk.offset);
    chunk.bytes = ByteSpan(transfer.state).subspan(chunk.offset, n);
    group_.outbox.Send(PacketType::kSnapshotChunk, chunk, To::Unicast(to));
    chunk.offset += n;
  } while (chunk.offset < end);
}

void SnapshotDonor::EndTurn(uint64_t applied) {
  for (Transfer& transfer : transfers_) {
    if (transfer.asked || applied < transfer.min_commit) continue;
    transfer.asked = true;
    transfer.commit = applied;
    group_.batch.Add(TakeSnapshotAction{transfer.id, applied, transfer.learner, transfer.light});
  }
}

bool SnapshotDonor::OnTaken(TransferId id, Bytes state, Timestamp now) {
  for (Transfer& transfer : transfers_) {
    if (transfer.id != id || transfer.ready || transfer.refused) continue;
    transfer.refused = state.size() > kMaxSnapshotBytes;
    transfer.ready = !transfer.refused;
    if (transfer.ready) transfer.state = std::move(state);
    transfer.last_used = now;
    return true;
  }
  return false;
}

void SnapshotDonor::OnTimer(Timestamp now) {
  std::erase_if(transfers_, [now](const Transfer& t) { return now - t.last_used > kForgetAfter; });
}

Timestamp SnapshotDonor::deadline() const {
  Timestamp next = Timestamp::Never();
  for (const Transfer& transfer : transfers_) {
    next = std::min(next, transfer.last_used + kForgetAfter + std::chrono::milliseconds(1));
  }
  return next;
}

}  // namespace strata::multicast
