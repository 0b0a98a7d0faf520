#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/bytes.h"

namespace strata::multicast {

// Memory for the payloads of one stream: records come and go nearly in order, so they are put one
// behind the other into blocks, and a block is used again when its last record is released. Owned
// by a Stream; not thread-safe. Never moves a record.
class RecordMemory {
 public:
  static constexpr size_t kBlockBytes = size_t{64} << 10;

  struct Block {
    std::unique_ptr<uint8_t[]> bytes;
    size_t used = 0;
    size_t records = 0;
  };
  struct Place {
    Block* block = nullptr;
    uint8_t* data = nullptr;
  };

  // A copy of `payload` (at most kBlockBytes) that lives until Release.
  Place Store(ByteSpan payload);
  void Release(Block* block);

 private:
  Block* Fresh();

  static constexpr size_t kSpareBlocks = 64;  // Kept for use again; more are given back.

  std::vector<std::unique_ptr<Block>> blocks_;  // All that exist.
  std::vector<Block*> spare_;
  Block* current_ = nullptr;
};

}  // namespace strata::multicast
