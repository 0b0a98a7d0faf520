#pragma once

#include <cstdint>

namespace strata::multicast {

// The 64-bit number nearest to `known` whose low half is `low`: limits travel as 32 bits.
constexpr uint64_t Widen(uint64_t known, uint32_t low) {
  const auto step = static_cast<int32_t>(low - static_cast<uint32_t>(known));
  return known + static_cast<uint64_t>(static_cast<int64_t>(step));
}

}  // namespace strata::multicast
