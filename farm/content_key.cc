#include "farm/content_key.h"

#include <array>

#include "common/hex.h"

namespace strata::farm {

std::string ToString(const ContentKey& key) {
  std::array<uint8_t, ContentKey::kBytes> bytes;
  ByteWriter out(bytes);
  Encode(key, out);
  return ToHex(bytes);
}

std::optional<ContentKey> ParseContentKey(std::string_view text) {
  const std::optional<Bytes> bytes = FromHex(text);
  if (!bytes || bytes->size() != ContentKey::kBytes) return std::nullopt;
  ByteReader in(*bytes);
  return DecodeContentKey(in);
}

}  // namespace strata::farm
