#pragma once

#include <array>
#include <cstdint>

#include "common/bytes.h"

namespace strata::multicast {

// CRC-32C (Castagnoli), continued from `crc`. For files, not for the data path.
inline uint32_t Crc32c(ByteSpan bytes, uint32_t crc = 0) {
  static constexpr auto kTable = [] {
    std::array<uint32_t, 256> table{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78u : 0);
      table[i] = value;
    }
    return table;
  }();
  crc = ~crc;
  for (uint8_t byte : bytes) crc = kTable[(crc ^ byte) & 0xff] ^ (crc >> 8);
  return ~crc;
}

}  // namespace strata::multicast
