#pragma once

#include <cstddef>
#include <memory_resource>
#include <vector>

#include "service_manager/directory/slot.h"

namespace strata::manager::directory {

inline constexpr size_t kChunkBuckets = 64;
inline constexpr size_t kChunkBytes = kChunkBuckets * sizeof(Bucket);
inline constexpr size_t kArenaBytes = size_t{2} << 20;  // One huge page.

// Memory in pieces of one size, so that tables which grow all at the same time leave no holes. What
// is given back is used again; nothing goes back to `upstream` before the pool ends.
//
// The writer's only.
class ChunkPool {
 public:
  // `upstream` is asked for kArenaBytes, aligned to as much; it must outlive the pool.
  explicit ChunkPool(std::pmr::memory_resource& upstream) : upstream_(upstream) {}
  ~ChunkPool();
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  // kChunkBuckets buckets, all zero.
  Bucket* Take();
  void Give(Bucket* chunk) { free_.push_back(chunk); }

  size_t memory_bytes() const {
    return arenas_.size() * kArenaBytes + free_.capacity() * sizeof(Bucket*);
  }

 private:
  std::pmr::memory_resource& upstream_;
  std::vector<std::byte*> arenas_;
  std::vector<Bucket*> free_;
  size_t cut_bytes_ = kArenaBytes;  // Of the last arena.
};

}  // namespace strata::manager::directory
