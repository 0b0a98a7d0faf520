#include "common/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace strata {
namespace {

// The bytes of a code point by the plain rule, also where that is not allowed.
std::string Encoded(uint32_t code, int size) {
  if (size == 1) return std::string(1, static_cast<char>(code));
  std::string text;
  for (int i = 0; i < size - 1; ++i) {
    text.insert(text.begin(), static_cast<char>(0x80 | (code & 0x3f)));
    code >>= 6;
  }
  const int marker = 0xff00 >> size & 0xff;
  return static_cast<char>(static_cast<uint32_t>(marker) | code) + text;
}

int ShortestSize(uint32_t code) {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

TEST(Utf8Test, AcceptsEachCharacterInItsShortestFormOnly) {
  for (uint32_t code = 0; code < 0x200000; ++code) {
    const bool character = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    for (int size = ShortestSize(code); size <= 4; ++size) {
      const bool expected = character && size == ShortestSize(code);
      ASSERT_EQ(IsUtf8(Encoded(code, size)), expected) << code << " in " << size;
    }
  }
}

TEST(Utf8Test, RefusesCutAndStrayBytes) {
  EXPECT_FALSE(IsUtf8("\xc3"));
  EXPECT_FALSE(IsUtf8("\xe2\x82"));
  EXPECT_FALSE(IsUtf8("\xf0\x9f\x98"));
  EXPECT_FALSE(IsUtf8("\x80"));
  EXPECT_FALSE(IsUtf8("\xff"));
  EXPECT_FALSE(IsUtf8("\xc3("));
  EXPECT_FALSE(IsUtf8("\xe2\x82("));
  EXPECT_FALSE(IsUtf8("\xf8\x88\x80\x80\x80"));
}

TEST(Utf8Test, SaysWhereTheValidPartEnds) {
  EXPECT_EQ(ValidUtf8Prefix(""), 0u);
  EXPECT_EQ(ValidUtf8Prefix(std::string_view("\xc3\xbc", 1)), 0u);  // Does not look beyond.
  EXPECT_EQ(ValidUtf8Prefix("M\xc3\xbcnchen"), 8u);
  EXPECT_EQ(ValidUtf8Prefix("M\xc3\xbc\xffnchen"), 3u);
}

}  // namespace
}  // namespace strata
