#include "multicast/core/record_memory.h"

#include <algorithm>
#include <cstring>

#include "common/check.h"

namespace strata::multicast {

RecordMemory::Place RecordMemory::Store(ByteSpan payload) {
  STRATA_CHECK(payload.size() <= kBlockBytes);
  if (current_ == nullptr || current_->used + payload.size() > kBlockBytes) {
    Block* full = current_;
    current_ = Fresh();
    // All of the previous block may have been released while it was the current one.
    if (full != nullptr && full->records == 0) spare_.push_back(full);
  }
  uint8_t* data = current_->bytes.get() + current_->used;
  if (!payload.empty()) std::memcpy(data, payload.data(), payload.size());
  current_->used += payload.size();
  ++current_->records;
  return {current_, data};
}

void RecordMemory::Release(Block* block) {
  STRATA_CHECK(block->records > 0);
  if (--block->records > 0) return;
  if (block == current_) {
    block->used = 0;
    return;
  }
  if (spare_.size() < kSpareBlocks) {
    spare_.push_back(block);
    return;
  }
  auto it = std::find_if(blocks_.begin(), blocks_.end(),
                         [block](const auto& owned) { return owned.get() == block; });
  blocks_.erase(it);
}

RecordMemory::Block* RecordMemory::Fresh() {
  if (!spare_.empty()) {
    Block* block = spare_.back();
    spare_.pop_back();
    block->used = 0;
    return block;
  }
  auto block = std::make_unique<Block>();
  block->bytes = std::make_unique_for_overwrite<uint8_t[]>(kBlockBytes);
  blocks_.push_back(std::move(block));
  return blocks_.back().get();
}

}  // namespace strata::multicast
