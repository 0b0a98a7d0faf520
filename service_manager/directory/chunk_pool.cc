#include "service_manager/directory/chunk_pool.h"

#include <new>

namespace strata::manager::directory {

ChunkPool::~ChunkPool() {
  for (std::byte* arena : arenas_) upstream_.deallocate(arena, kArenaBytes, kArenaBytes);
}

Bucket* ChunkPool::Take() {
  void* memory = nullptr;
  if (!free_.empty()) {
    memory = free_.back();
    free_.pop_back();
  } else {
    if (cut_bytes_ == kArenaBytes) {
      arenas_.push_back(static_cast<std::byte*>(upstream_.allocate(kArenaBytes, kArenaBytes)));
      cut_bytes_ = 0;
    }
    memory = arenas_.back() + cut_bytes_;
    cut_bytes_ += kChunkBytes;
  }
  return new (memory) Bucket[kChunkBuckets]{};
}

}  // namespace strata::manager::directory
