#include "service_manager/directory/holder_blocks.h"

#include <bit>

namespace strata::manager::directory {

HolderBlocks::HolderBlocks()
    : segments_(kBlockSegmentsMax), memory_bytes_(kBlockSegmentsMax * sizeof(segments_[0])) {}

HolderBlocks::~HolderBlocks() {
  for (std::atomic<Segment*>& entry : segments_) {
    Segment* segment = entry.load(std::memory_order_relaxed);
    if (segment == nullptr) break;
    for (std::atomic<Block*>& block : *segment) delete block.load(std::memory_order_relaxed);
    delete segment;
  }
}

std::optional<uint32_t> HolderBlocks::Make(std::span<const uint64_t> words) {
  uint32_t number = numbers_;
  if (!free_.empty()) {
    number = free_.back();
    free_.pop_back();
  } else {
    const uint32_t segment = number / kBlocksPerSegment;
    if (segment == kBlockSegmentsMax) return std::nullopt;
    if (number % kBlocksPerSegment == 0) {
      segments_[segment].store(new Segment{}, std::memory_order_relaxed);
      memory_bytes_ += sizeof(Segment);
    }
    ++numbers_;
  }
  const size_t count = std::bit_ceil(words.size() + 1);
  auto* block = new Block{.count = static_cast<uint32_t>(count),
                          .words = std::make_unique<std::atomic<uint64_t>[]>(count)};
  for (size_t i = 0; i < words.size(); ++i) {
    block->words[i].store(words[i], std::memory_order_relaxed);
  }
  Entry(number).store(block, std::memory_order_relaxed);
  memory_bytes_ += sizeof(Block) + count * sizeof(uint64_t);
  return number;
}

void HolderBlocks::Free(uint32_t number) {
  std::atomic<Block*>& entry = Entry(number);
  const Block* block = entry.load(std::memory_order_relaxed);
  memory_bytes_ -= sizeof(Block) + block->count * sizeof(uint64_t);
  delete block;
  entry.store(nullptr, std::memory_order_relaxed);
  free_.push_back(number);
}

}  // namespace strata::manager::directory
