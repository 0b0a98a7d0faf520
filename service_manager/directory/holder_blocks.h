#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "service_manager/directory/limits.h"

namespace strata::manager::directory {

// The locations of contents that have more of them than fit beside their key. A block is named
// by a number, and has a fixed number of words, each a location (WordOf in slot.h) or free. One
// writer; any thread reads a block whose number it found in a slot, as long as the writer has not
// freed it.
class HolderBlocks {
 public:
  HolderBlocks();
  ~HolderBlocks();
  HolderBlocks(const HolderBlocks&) = delete;
  HolderBlocks& operator=(const HolderBlocks&) = delete;

  // A block of these words and some free ones; nothing if there are as many blocks as there may be.
  std::optional<uint32_t> Make(std::span<const uint64_t> words);
  void Free(uint32_t number);

  std::span<std::atomic<uint64_t>> At(uint32_t number) const {
    const Block* block = Entry(number).load(std::memory_order_relaxed);
    return {block->words.get(), block->count};
  }

  size_t memory_bytes() const { return memory_bytes_; }

 private:
  struct Block {
    uint32_t count = 0;
    std::unique_ptr<std::atomic<uint64_t>[]> words;
  };
  using Segment = std::array<std::atomic<Block*>, kBlocksPerSegment>;

  std::atomic<Block*>& Entry(uint32_t number) const {
    Segment* segment = segments_[number / kBlocksPerSegment].load(std::memory_order_relaxed);
    return (*segment)[number % kBlocksPerSegment];
  }

  std::vector<std::atomic<Segment*>> segments_;
  uint32_t numbers_ = 0;        // Given so far.
  std::vector<uint32_t> free_;  // Of these, to be given again.
  size_t memory_bytes_ = 0;
};

}  // namespace strata::manager::directory
