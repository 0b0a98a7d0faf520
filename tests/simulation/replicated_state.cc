#include "tests/simulation/replicated_state.h"

namespace strata::simulation {

namespace {
constexpr size_t kEntryBytes = 29;
constexpr size_t kPrefixBytes = 8;
}  // namespace

void ReplicatedState::Append(const Entry& entry) {
  entries_.push_back(entry);
  if (entry.id != 0) ids_.insert(entry.id);
  for (uint64_t word : {entry.number, uint64_t{entry.origin.value()}, uint64_t{entry.stream},
                        entry.id, entry.hash}) {
    chain_ = (chain_ ^ word) * 0xff51afd7ed558ccdu;
    chain_ ^= chain_ >> 33;
  }
}

Bytes ReplicatedState::Serialize(size_t padding) const {
  Bytes bytes(kPrefixBytes + entries_.size() * kEntryBytes + padding);
  ByteWriter out(bytes);
  out.U32(lineage_);
  out.U32(static_cast<uint32_t>(entries_.size()));
  for (const Entry& entry : entries_) {
    out.U64(entry.number);
    out.U32(entry.origin.value());
    out.U8(entry.stream);
    out.U64(entry.id);
    out.U64(entry.hash);
  }
  return bytes;
}

std::optional<ReplicatedState> ReplicatedState::Parse(ByteSpan bytes) {
  ByteReader in(bytes);
  ReplicatedState state;
  state.lineage_ = in.U32();
  uint32_t count = in.U32();
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    Entry entry;
    entry.number = in.U64();
    entry.origin = multicast::MemberId(in.U32());
    entry.stream = in.U8();
    entry.id = in.U64();
    entry.hash = in.U64();
    if (in.ok()) state.Append(entry);
  }
  if (!in.ok()) return std::nullopt;
  return state;
}

}  // namespace strata::simulation
