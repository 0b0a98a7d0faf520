#include "common/hex.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

TEST(HexTest, WritesTwoLowerCaseDigitsForEachByte) {
  EXPECT_EQ(ToHex(Bytes{0x00, 0x0f, 0xa5, 0xff}), "000fa5ff");
  EXPECT_EQ(ToHex(Bytes{}), "");
}

TEST(HexTest, ReadsDigitsOfEitherCase) {
  EXPECT_EQ(FromHex("00fAFa"), (Bytes{0x00, 0xfa, 0xfa}));
  EXPECT_EQ(FromHex(""), Bytes{});
}

TEST(HexTest, RefusesMissingAndForeignDigits) {
  for (const char* text :
       {"0", "abc", "0g", "g0", "0G", "G0", " 00", "0x00", "00 ", "/0", ":0", "@0", "`0"}) {
    EXPECT_FALSE(FromHex(text).has_value()) << text;
  }
}

TEST(HexTest, ReadsBackEveryByte) {
  Bytes all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<uint8_t>(i));
  EXPECT_EQ(FromHex(ToHex(all)), all);
}

}  // namespace
}  // namespace strata
