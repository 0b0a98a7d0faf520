#include "common/bytes.h"

#include <gtest/gtest.h>

#include <array>

namespace strata {
namespace {

constexpr std::array<uint8_t, 15> kNumbers = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
                                              0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};

TEST(ByteReaderTest, ReadsBigEndianNumbersOneAfterTheOther) {
  ByteReader reader(kNumbers);
  EXPECT_EQ(reader.U8(), 0x01);
  EXPECT_EQ(reader.U16(), 0x0203);
  EXPECT_EQ(reader.U32(), 0x04050607u);
  EXPECT_EQ(reader.remaining(), 8u);
  EXPECT_FALSE(reader.AtEnd());
  EXPECT_EQ(reader.U64(), 0x08090a0b0c0d0e0fu);
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.AtEnd());
}

TEST(ByteReaderTest, TakesBytesWithoutCopyingThem) {
  ByteReader reader(kNumbers);
  const ByteSpan first = reader.Take(2);
  EXPECT_EQ(first.data(), kNumbers.data());
  EXPECT_EQ(first.size(), 2u);
  reader.Skip(3);
  std::array<uint8_t, 2> copy{};
  reader.Read(copy);
  EXPECT_EQ(copy[0], 0x06);
  EXPECT_EQ(copy[1], 0x07);
  EXPECT_EQ(reader.Rest().size(), 8u);
  EXPECT_TRUE(reader.AtEnd());
  EXPECT_EQ(reader.Rest().size(), 0u);
  EXPECT_TRUE(reader.ok());
}

TEST(ByteReaderTest, StaysFailedAfterAnOverrun) {
  ByteReader reader(ByteSpan(kNumbers).first(3));
  EXPECT_EQ(reader.U32(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_FALSE(reader.AtEnd());
  // There were three bytes, but after a failure nothing is believed.
  EXPECT_EQ(reader.remaining(), 0u);
  EXPECT_EQ(reader.U8(), 0u);
  EXPECT_EQ(reader.U16(), 0u);
  EXPECT_EQ(reader.U64(), 0u);
  EXPECT_TRUE(reader.Take(1).empty());
  EXPECT_TRUE(reader.Take(0).empty());
  EXPECT_TRUE(reader.Rest().empty());
  std::array<uint8_t, 2> copy = {1, 1};
  reader.Read(copy);
  EXPECT_EQ(copy, (std::array<uint8_t, 2>{0, 0}));
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReaderTest, FailsOnLengthsThatWouldWrapAPointer) {
  ByteReader reader(kNumbers);
  EXPECT_TRUE(reader.Take(SIZE_MAX).empty());
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReaderTest, FailsWhenItsUserSaysSo) {
  ByteReader reader(kNumbers);
  reader.U8();
  reader.Fail();
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.U8(), 0u);
}

TEST(ByteReaderTest, ReadsNothingFromNothing) {
  ByteReader reader{ByteSpan()};
  EXPECT_TRUE(reader.AtEnd());
  EXPECT_TRUE(reader.Take(0).empty());
  reader.Read({});
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.U8(), 0u);
  EXPECT_FALSE(reader.ok());
}

TEST(ByteWriterTest, WritesBigEndianNumbersOneAfterTheOther) {
  std::array<uint8_t, 15> buffer{};
  ByteWriter writer(buffer);
  writer.U8(0x01);
  writer.U16(0x0203);
  writer.U32(0x04050607);
  EXPECT_EQ(writer.size(), 7u);
  EXPECT_EQ(writer.remaining(), 8u);
  writer.U64(0x08090a0b0c0d0e0f);
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(buffer, kNumbers);
  EXPECT_EQ(writer.written().size(), 15u);
}

TEST(ByteWriterTest, StaysFailedAfterAnOverflowAndLeavesTheRestAlone) {
  std::array<uint8_t, 4> buffer = {0xee, 0xee, 0xee, 0xee};
  ByteWriter writer(std::span<uint8_t>(buffer).first(3));
  writer.U8(1);
  writer.U32(2);
  EXPECT_FALSE(writer.ok());
  writer.U8(3);  // Would fit, but something is missing before it.
  writer.Put(ByteSpan(kNumbers).first(1));
  EXPECT_TRUE(writer.Reserve(1).empty());
  EXPECT_EQ(buffer, (std::array<uint8_t, 4>{1, 0xee, 0xee, 0xee}));
  EXPECT_EQ(writer.size(), 1u);
  EXPECT_EQ(writer.remaining(), 0u);
  EXPECT_FALSE(writer.ok());
}

TEST(ByteWriterTest, FillsTheBufferToTheLastByte) {
  std::array<uint8_t, 2> buffer{};
  ByteWriter writer(buffer);
  writer.Put("ab");
  EXPECT_TRUE(writer.ok());
  writer.Put(ByteSpan());
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(AsText(writer.written()), "ab");
}

TEST(ByteWriterTest, ReservesRoomForTheCallerToFill) {
  std::array<uint8_t, 4> buffer{};
  ByteWriter writer(buffer);
  writer.U8(1);
  const std::span<uint8_t> room = writer.Reserve(2);
  writer.U8(4);
  ASSERT_EQ(room.size(), 2u);
  room[0] = 2;
  room[1] = 3;
  EXPECT_EQ(buffer, (std::array<uint8_t, 4>{1, 2, 3, 4}));
}

TEST(ByteWriterTest, PatchesWhatWasWritten) {
  std::array<uint8_t, 15> buffer{};
  ByteWriter writer(buffer);
  writer.Reserve(15);
  writer.PatchU8(0, 0x01);
  writer.PatchU16(1, 0x0203);
  writer.PatchU32(3, 0x04050607);
  writer.PatchU64(7, 0x08090a0b0c0d0e0f);
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(buffer, kNumbers);
  EXPECT_EQ(writer.size(), 15u);
}

TEST(ByteWriterTest, RefusesToPatchWhatWasNotWritten) {
  std::array<uint8_t, 8> buffer{};
  for (const size_t offset : {size_t{1}, size_t{2}, size_t{7}, SIZE_MAX, SIZE_MAX - 1}) {
    ByteWriter writer(buffer);
    writer.U16(0);
    writer.PatchU16(offset, 0xffff);
    EXPECT_FALSE(writer.ok()) << offset;
    EXPECT_EQ(buffer, (std::array<uint8_t, 8>{})) << offset;
  }
}

TEST(ByteWriterTest, FailsWhenItsUserSaysSo) {
  std::array<uint8_t, 8> buffer{};
  ByteWriter writer(buffer);
  writer.Fail();
  writer.U8(1);
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(writer.size(), 0u);
}

}  // namespace
}  // namespace strata
