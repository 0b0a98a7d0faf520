#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/bytes.h"

namespace strata::farm {

// Names a content: the first 128 bits of the SHA-256 of its canonical URI
// (docs/protocols/content_identity.md). In text 32 hexadecimal digits, on the wire 16 bytes,
// big-endian; ordered as the bytes are.
struct ContentKey {
  static constexpr size_t kBytes = 16;

  uint64_t high = 0;
  uint64_t low = 0;

  friend auto operator<=>(const ContentKey&, const ContentKey&) = default;

  // Hashed already: its own bits spread well.
  template <class H>
  friend H AbslHashValue(H state, const ContentKey& key) {
    return H::combine(std::move(state), key.high, key.low);
  }
};

// 32 lower-case digits.
std::string ToString(const ContentKey& key);
// Nothing unless `text` is 32 digits of either case.
std::optional<ContentKey> ParseContentKey(std::string_view text);

inline void Encode(const ContentKey& key, ByteWriter& out) {
  out.U64(key.high);
  out.U64(key.low);
}
inline ContentKey DecodeContentKey(ByteReader& in) {
  ContentKey key;
  key.high = in.U64();
  key.low = in.U64();
  return key;
}

}  // namespace strata::farm

template <>
struct std::hash<strata::farm::ContentKey> {
  size_t operator()(const strata::farm::ContentKey& key) const noexcept {
    return static_cast<size_t>(key.low);
  }
};
