#include "multicast/wire/header.h"

#include <gtest/gtest.h>

#include <array>

#include "multicast/wire/test_values.h"

namespace strata::multicast {
namespace {

using testing::Values;

std::array<uint8_t, kHeaderBytes> EncodedHeader(const Header& header) {
  std::array<uint8_t, kHeaderBytes> bytes;
  Encode(header, bytes);
  return bytes;
}

TEST(HeaderTest, ComesBackTheSame) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const Header header = Values(seed).AnyHeader();
    const Decoded<Header> decoded = DecodeHeader(EncodedHeader(header));
    ASSERT_TRUE(std::holds_alternative<Header>(decoded)) << "seed " << seed;
    EXPECT_EQ(std::get<Header>(decoded), header) << "seed " << seed;
  }
}

TEST(HeaderTest, IsTooShortBelow56Bytes) {
  const auto bytes = EncodedHeader(Values(1).AnyHeader());
  for (size_t length = 0; length < kHeaderBytes; ++length) {
    const Bytes prefix(bytes.begin(), bytes.begin() + length);
    EXPECT_EQ(std::get<DecodeError>(DecodeHeader(prefix)), DecodeError::kTooShort) << length;
  }
}

TEST(HeaderTest, RefusesAnotherMagicAndAnotherVersion) {
  const auto good = EncodedHeader(Values(1).AnyHeader());
  auto bad = good;
  bad[0] = 0x54;
  EXPECT_EQ(std::get<DecodeError>(DecodeHeader(bad)), DecodeError::kBadMagic);
  for (const uint8_t version : {0, 2, 255}) {
    bad = good;
    bad[1] = version;
    EXPECT_EQ(std::get<DecodeError>(DecodeHeader(bad)), DecodeError::kBadVersion);
  }
}

TEST(HeaderTest, KeepsTheSealedBitOutOfTheType) {
  Header header;
  header.type = 0xff;  // Only seven bits of it are the type's.
  EXPECT_EQ(EncodedHeader(header)[2], 0x7f);
  header.sealed = true;
  EXPECT_EQ(EncodedHeader(header)[2], 0xff);
}

}  // namespace
}  // namespace strata::multicast
