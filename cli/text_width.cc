#include "cli/text_width.h"

#include <array>
#include <cstdint>

#include "common/utf8.h"

namespace strata::cli {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

// The common ones: a name in a rare script may be out of line, nothing worse.
constexpr std::array<Range, 9> kCombining = {{{0x0300, 0x036f},
                                              {0x0483, 0x0489},
                                              {0x0591, 0x05bd},
                                              {0x0610, 0x061a},
                                              {0x064b, 0x065f},
                                              {0x1ab0, 0x1aff},
                                              {0x200b, 0x200f},
                                              {0x20d0, 0x20ff},
                                              {0xfe00, 0xfe0f}}};
constexpr std::array<Range, 11> kWide = {{{0x1100, 0x115f},
                                          {0x2e80, 0x303e},
                                          {0x3041, 0x33ff},
                                          {0x3400, 0x4dbf},
                                          {0x4e00, 0x9fff},
                                          {0xa000, 0xa4cf},
                                          {0xac00, 0xd7a3},
                                          {0xf900, 0xfaff},
                                          {0xfe30, 0xfe6f},
                                          {0xff00, 0xff60},
                                          {0x1f300, 0x1faff}}};

template <size_t kSize>
bool IsIn(const std::array<Range, kSize>& ranges, uint32_t character) {
  for (const Range& range : ranges) {
    if (character >= range.first && character <= range.last) return true;
  }
  return false;
}

size_t LengthOf(char lead) {
  const auto byte = static_cast<uint8_t>(lead);
  if (byte < 0x80) return 1;
  if (byte < 0xe0) return 2;
  return byte < 0xf0 ? 3 : 4;
}

uint32_t Decode(std::string_view character) {
  if (character.size() == 1) return static_cast<uint8_t>(character[0]);
  uint32_t value = static_cast<uint8_t>(character[0]) & (0x7fU >> character.size());
  for (const char c : character.substr(1)) value = value << 6 | (static_cast<uint8_t>(c) & 0x3f);
  return value;
}

size_t WidthOf(uint32_t character) {
  if (IsIn(kCombining, character)) return 0;
  return IsIn(kWide, character) ? 2 : 1;
}

// Control characters, and those that turn the direction of what follows.
bool IsControl(uint32_t character) {
  return character < 0x20 || (character >= 0x7f && character <= 0x9f) ||
         (character >= 0x202a && character <= 0x202e) ||
         (character >= 0x2066 && character <= 0x2069);
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const size_t valid = ValidUtf8Prefix(text);
    for (size_t i = 0, length = 0; i < valid; i += length) {
      length = LengthOf(text[i]);
      const std::string_view character = text.substr(i, length);
      result += IsControl(Decode(character)) ? std::string_view("?") : character;
    }
    text.remove_prefix(valid);
    if (text.empty()) break;
    result += '?';
    text.remove_prefix(1);
  }
  return result;
}

size_t TextWidth(std::string_view text) {
  size_t width = 0;
  for (size_t i = 0, length = 0; i < text.size(); i += length) {
    length = LengthOf(text[i]);
    width += WidthOf(Decode(text.substr(i, length)));
  }
  return width;
}

std::string Shortened(std::string_view text, size_t width_max) {
  if (TextWidth(text) <= width_max) return std::string(text);
  if (width_max == 0) return "";
  size_t width = 0;
  size_t end = 0;
  while (end < text.size()) {
    const size_t length = LengthOf(text[end]);
    width += WidthOf(Decode(text.substr(end, length)));
    if (width >= width_max) break;
    end += length;
  }
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace strata::cli
