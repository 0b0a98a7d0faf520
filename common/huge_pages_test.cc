#include "common/huge_pages.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

namespace strata {
namespace {

TEST(HugePagesTest, GivesAlignedZeroedMemoryAndTakesItBack) {
  HugePageResource resource;
  for (const size_t alignment : {size_t{8}, size_t{4096}, size_t{2} << 20}) {
    for (const size_t bytes : {size_t{1}, size_t{5000}, size_t{2} << 20}) {
      auto* memory = static_cast<uint8_t*>(resource.allocate(bytes, alignment));
      EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % alignment, 0u);
      EXPECT_EQ(memory[0] | memory[bytes - 1], 0);
      std::memset(memory, 1, bytes);
      resource.deallocate(memory, bytes, alignment);
    }
  }
}

TEST(HugePagesTest, AnyOneTakesBackWhatAnotherGave) {
  HugePageResource a;
  HugePageResource b;
  EXPECT_TRUE(a == b);
  EXPECT_FALSE(a == *std::pmr::new_delete_resource());
}

}  // namespace
}  // namespace strata
