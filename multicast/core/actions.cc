#include "multicast/core/actions.h"

#include <cstring>
#include <utility>

#include "common/check.h"

namespace strata::multicast {

void ActionBatch::Clear() {
  actions_.clear();
  block_ = 0;
  used_ = 0;
  large_.clear();
  held_.clear();
}

std::span<uint8_t> ActionBatch::Allocate(size_t n, size_t spare) {
  const size_t wanted = n + spare;
  if (wanted > kBlockBytes) {
    large_.push_back(std::make_unique_for_overwrite<uint8_t[]>(wanted));
    return {large_.back().get(), n};
  }
  if (used_ + wanted > kBlockBytes) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    blocks_.push_back(std::make_unique_for_overwrite<uint8_t[]>(kBlockBytes));
  }
  std::span<uint8_t> memory(blocks_[block_].get() + used_, n);
  used_ += wanted;
  return memory;
}

void ActionBatch::Shrink(std::span<uint8_t> last, size_t used, size_t spare) {
  STRATA_CHECK(used <= last.size());
  if (block_ >= blocks_.size()) return;
  uint8_t* block = blocks_[block_].get();
  if (last.data() < block || last.data() >= block + kBlockBytes) return;  // A large one.
  used_ = static_cast<size_t>(last.data() - block) + used + spare;
}

ByteSpan ActionBatch::Copy(ByteSpan bytes) {
  std::span<uint8_t> memory = Allocate(bytes.size());
  if (!bytes.empty()) std::memcpy(memory.data(), bytes.data(), bytes.size());
  return memory;
}

ByteSpan ActionBatch::Hold(Bytes bytes) {
  held_.push_back(std::move(bytes));
  return held_.back();
}

std::string_view ToString(Alarm alarm) {
  switch (alarm) {
    case Alarm::kNoMulticast:
      return "no_multicast";
    case Alarm::kMulticastBack:
      return "multicast_back";
    case Alarm::kNoMajority:
      return "no_majority";
    case Alarm::kMajorityBack:
      return "majority_back";
    case Alarm::kDuplicateId:
      return "duplicate_id";
    case Alarm::kJoinRefused:
      return "join_refused";
    case Alarm::kMtu:
      return "mtu";
    case Alarm::kTooManyQuorums:
      return "too_many_quorums";
  }
  return "unknown";
}

std::string_view ToString(LeftViewAction::Why why) {
  switch (why) {
    case LeftViewAction::Why::kEvicted:
      return "evicted";
    case LeftViewAction::Why::kOverrun:
      return "overrun";
    case LeftViewAction::Why::kDiverged:
      return "diverged";
    case LeftViewAction::Why::kAsked:
      return "asked";
  }
  return "unknown";
}

}  // namespace strata::multicast
