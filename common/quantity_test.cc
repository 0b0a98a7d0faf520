#include "common/quantity.h"

#include <gtest/gtest.h>

#include "common/random.h"

namespace strata {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals have no other way in.

TEST(ParseDurationTest, ReadsEachUnit) {
  EXPECT_EQ(ParseDuration("7ns").value(), 7ns);
  EXPECT_EQ(ParseDuration("200us").value(), 200us);
  EXPECT_EQ(ParseDuration("3ms").value(), 3ms);
  EXPECT_EQ(ParseDuration("5s").value(), 5s);
  EXPECT_EQ(ParseDuration("10min").value(), 10min);
  EXPECT_EQ(ParseDuration("24h").value(), 24h);
  EXPECT_EQ(ParseDuration("2d").value(), 48h);
  EXPECT_EQ(ParseDuration("0").value(), 0ns);
  EXPECT_EQ(ParseDuration("0s").value(), 0ns);
}

TEST(ParseDurationTest, ReadsFractionsThatAreExact) {
  EXPECT_EQ(ParseDuration("1.5s").value(), 1500ms);
  EXPECT_EQ(ParseDuration("0.25ms").value(), 250us);
  EXPECT_EQ(ParseDuration("1.000000001s").value(), 1'000'000'001ns);
  EXPECT_EQ(ParseDuration("0.500000000000000d").value(), 12h);
  EXPECT_FALSE(ParseDuration("1.5ns").ok());
  EXPECT_FALSE(ParseDuration("1.0000000001s").ok());
}

TEST(ParseDurationTest, ReadsUpToTheGreatestDuration) {
  EXPECT_EQ(ParseDuration("9223372036854775807ns").value(), Duration::max());
  EXPECT_FALSE(ParseDuration("9223372036854775808ns").ok());
  EXPECT_FALSE(ParseDuration("106752d").ok());
  EXPECT_FALSE(ParseDuration("99999999999999999999d").ok());
  EXPECT_FALSE(ParseDuration("100000000000000000000ns").ok());
  EXPECT_FALSE(ParseDuration("340282366920938463463374607431768211457ns").ok());  // 2^128 + 1
  EXPECT_FALSE(ParseDuration("0.0000000000000000s").ok());
}

TEST(ParseDurationTest, RefusesEverythingElseAndQuotesIt) {
  EXPECT_EQ(MessageOf(ParseDuration("5 parsecs").status()),
            "\"5 parsecs\" is not a duration such as 200us, 1.5s or 10min");
  for (const char* text : {"", "5", "s", "-5s", "+5s", "5 s", " 5s", "5s ", "5S", ".5s", "5.s",
                           "5..5s", "1e3s", "0x5s", "1h30min", "5,5s"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(ParseByteSizeTest, ReadsEachUnitAndBareBytes) {
  EXPECT_EQ(ParseByteSize("512").value(), 512u);
  EXPECT_EQ(ParseByteSize("0").value(), 0u);
  EXPECT_EQ(ParseByteSize("512B").value(), 512u);
  EXPECT_EQ(ParseByteSize("2kB").value(), 2000u);
  EXPECT_EQ(ParseByteSize("2MB").value(), 2'000'000u);
  EXPECT_EQ(ParseByteSize("2GB").value(), 2'000'000'000u);
  EXPECT_EQ(ParseByteSize("2TB").value(), 2'000'000'000'000u);
  EXPECT_EQ(ParseByteSize("64KiB").value(), 65536u);
  EXPECT_EQ(ParseByteSize("16MiB").value(), 16777216u);
  EXPECT_EQ(ParseByteSize("1.5GiB").value(), 1610612736u);
  EXPECT_EQ(ParseByteSize("1TiB").value(), uint64_t{1} << 40);
}

TEST(ParseByteSizeTest, ReadsUpToTheGreatestNumber) {
  EXPECT_EQ(ParseByteSize("18446744073709551615").value(), UINT64_MAX);
  EXPECT_FALSE(ParseByteSize("18446744073709551616").ok());
  EXPECT_FALSE(ParseByteSize("16777216TiB").ok());
}

TEST(ParseByteSizeTest, RefusesEverythingElseAndQuotesIt) {
  EXPECT_EQ(MessageOf(ParseByteSize("16mb").status()),
            "\"16mb\" is not a size such as 512B, 64KiB or 1.5GiB");
  for (const char* text : {"", "B", "-1", "1.5", "1.5B", "16 MiB", "16M", "16mib", "0.3KiB"}) {
    EXPECT_FALSE(ParseByteSize(text).ok()) << text;
  }
}

TEST(FormatQuantityTest, PicksTheLargestUnitThatNeedsNoFraction) {
  EXPECT_EQ(FormatDuration(0s), "0ns");
  EXPECT_EQ(FormatDuration(1500ms), "1500ms");
  EXPECT_EQ(FormatDuration(90s), "90s");
  EXPECT_EQ(FormatDuration(120s), "2min");
  EXPECT_EQ(FormatDuration(48h), "2d");
  EXPECT_EQ(FormatDuration(-5s), "-5s");
  EXPECT_EQ(FormatDuration(Duration::min()), "-9223372036854775808ns");
  EXPECT_EQ(FormatByteSize(0), "0B");
  EXPECT_EQ(FormatByteSize(1000), "1000B");
  EXPECT_EQ(FormatByteSize(65536), "64KiB");
  EXPECT_EQ(FormatByteSize(uint64_t{3} << 40), "3TiB");
}

TEST(FormatQuantityTest, IsReadBackToTheSame) {
  SeededRandom random(6);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t value = random.Next() >> (1 + random.Below(63));
    ASSERT_EQ(ParseByteSize(FormatByteSize(value)).value(), value);
    const Duration d(static_cast<int64_t>(value));
    ASSERT_EQ(ParseDuration(FormatDuration(d)).value(), d);
  }
}

}  // namespace
}  // namespace strata
