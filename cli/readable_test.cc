#include "cli/readable.h"

#include <limits>

#include "gtest/gtest.h"

namespace strata::cli {
namespace {

TEST(ReadableTest, Bytes) {
  EXPECT_EQ(ReadableBytes(0), "0 B");
  EXPECT_EQ(ReadableBytes(1023), "1023 B");
  EXPECT_EQ(ReadableBytes(1536), "1.5 KiB");
  EXPECT_EQ(ReadableBytes(uint64_t{20} << 30), "20 GiB");
  EXPECT_EQ(ReadableBytes(uint64_t{5000} << 40), "5000 TiB");
}

TEST(ReadableTest, Micros) {
  EXPECT_EQ(ReadableMicros(0), "0.00 ms");
  EXPECT_EQ(ReadableMicros(423), "0.42 ms");
  EXPECT_EQ(ReadableMicros(9'996), "10 ms");
  EXPECT_EQ(ReadableMicros(31'400), "31 ms");
  EXPECT_EQ(ReadableMicros(1'500'000), "1.5 s");
}

TEST(ReadableTest, Rates) {
  EXPECT_EQ(ReadableRate(0), "0 bit/s");
  EXPECT_EQ(ReadableRate(950'000'000), "950 Mbit/s");
  EXPECT_EQ(ReadableRate(1'250'000'000), "1.2 Gbit/s");
}

TEST(ReadableTest, CountsAndShares) {
  EXPECT_EQ(ReadableCount(7), "7");
  EXPECT_EQ(ReadableCount(1234), "1,234");
  EXPECT_EQ(ReadableCount(123456), "123,456");
  EXPECT_EQ(ReadableCount(1234567), "1,234,567");
  EXPECT_EQ(ReadableShare(0.424), "42 %");
  EXPECT_EQ(ReadableShare(std::numeric_limits<double>::quiet_NaN()), "?");
  EXPECT_EQ(Counted(1, "copy", "copies"), "1 copy");
  EXPECT_EQ(Counted(1000, "copy", "copies"), "1,000 copies");
}

TEST(ReadableTest, Times) {
  EXPECT_EQ(ReadableSeconds(0.26), "0.3 s");
  EXPECT_EQ(ReadableSeconds(90), "90 s");
  EXPECT_EQ(ReadableSeconds(600), "10 min");
  EXPECT_EQ(ReadableSeconds(3 * 86400), "3 d");
  EXPECT_EQ(ReadableTime(1'800'000'000'500), "2027-01-15 08:00:00");
}

TEST(ReadableTest, Use) {
  EXPECT_EQ(ReadableUse(1024, 4096), "1.0 KiB of 4.0 KiB");
  EXPECT_EQ(ReadableUse(1024, 0), "1.0 KiB");
}

}  // namespace
}  // namespace strata::cli
