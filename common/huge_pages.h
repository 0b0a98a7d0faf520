#pragma once

#include <cstddef>
#include <memory_resource>

namespace strata {

// Memory for large structures that are read at random: fresh pages of the system, which it is asked
// to make huge where it can. For few, large pieces: each costs at least a page. Throws
// std::bad_alloc when there is none, as operator new does. Any thread.
class HugePageResource final : public std::pmr::memory_resource {
 private:
  void* do_allocate(size_t bytes, size_t alignment) override;
  void do_deallocate(void* memory, size_t bytes, size_t alignment) override;
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override;
};

}  // namespace strata
