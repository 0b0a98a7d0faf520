#include "common/huge_pages.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace strata {
namespace {

constexpr size_t kPageBytes = 4096;

size_t Rounded(size_t bytes) { return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes; }

}  // namespace

void* HugePageResource::do_allocate(size_t bytes, size_t alignment) {
  bytes = Rounded(bytes);
  const size_t slack = alignment > kPageBytes ? alignment : 0;
  void* mapped =
      mmap(nullptr, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) std::__throw_bad_alloc();
  auto* begin = static_cast<std::byte*>(mapped);
  if (slack > 0) {
    const size_t before = (alignment - reinterpret_cast<uintptr_t>(begin) % alignment) % alignment;
    if (before > 0) munmap(begin, before);
    if (before < slack) munmap(begin + before + bytes, slack - before);
    begin += before;
  }
  madvise(begin, bytes, MADV_HUGEPAGE);  // A wish: small pages do as well.
  return begin;
}

void HugePageResource::do_deallocate(void* memory, size_t bytes, size_t) {
  munmap(memory, Rounded(bytes));
}

bool HugePageResource::do_is_equal(const std::pmr::memory_resource& other) const noexcept {
  return dynamic_cast<const HugePageResource*>(&other) != nullptr;
}

}  // namespace strata
