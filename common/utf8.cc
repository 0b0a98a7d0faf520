#include "common/utf8.h"

#include <cstdint>

namespace strata {
namespace {

// What may follow a first byte: how many bytes in all, and the range of the second one, which is
// where overlong forms, surrogates and too great numbers show (Unicode, table 3-7).
struct Shape {
  size_t size;
  uint8_t second_min;
  uint8_t second_max;
};

constexpr Shape ShapeOf(uint8_t first) {
  if (first < 0x80) return {1, 0, 0};
  if (first < 0xc2) return {0, 0, 0};
  if (first < 0xe0) return {2, 0x80, 0xbf};
  if (first == 0xe0) return {3, 0xa0, 0xbf};
  if (first == 0xed) return {3, 0x80, 0x9f};
  if (first < 0xf0) return {3, 0x80, 0xbf};
  if (first == 0xf0) return {4, 0x90, 0xbf};
  if (first < 0xf4) return {4, 0x80, 0xbf};
  if (first == 0xf4) return {4, 0x80, 0x8f};
  return {0, 0, 0};
}

// The size of the character at the front of `text`, or 0.
size_t CharacterSize(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const Shape shape = ShapeOf(byte(0));
  if (shape.size > text.size()) return 0;
  if (shape.size > 1 && (byte(1) < shape.second_min || byte(1) > shape.second_max)) return 0;
  for (size_t i = 2; i < shape.size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return shape.size;
}

}  // namespace

size_t ValidUtf8Prefix(std::string_view text) {
  size_t valid = 0;
  while (valid < text.size()) {
    const size_t size = CharacterSize(text.substr(valid));
    if (size == 0) break;
    valid += size;
  }
  return valid;
}

}  // namespace strata
