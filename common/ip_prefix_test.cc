#include "common/ip_prefix.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

IpPrefix Prefix(std::string_view text) { return *IpPrefix::Parse(text); }
IpAddress Address(std::string_view text) { return *IpAddress::Parse(text); }

TEST(IpPrefixTest, ContainsWhatAgreesInItsBits) {
  EXPECT_TRUE(Prefix("192.0.2.0/24").Contains(Address("192.0.2.255")));
  EXPECT_FALSE(Prefix("192.0.2.0/24").Contains(Address("192.0.3.0")));
  EXPECT_TRUE(Prefix("10.128.0.0/9").Contains(Address("10.200.1.1")));
  EXPECT_FALSE(Prefix("10.128.0.0/9").Contains(Address("10.127.1.1")));
  EXPECT_TRUE(Prefix("2001:db8::/33").Contains(Address("2001:db8:7fff::1")));
  EXPECT_FALSE(Prefix("2001:db8::/33").Contains(Address("2001:db8:8000::1")));
}

TEST(IpPrefixTest, AnAddressAloneIsItself) {
  EXPECT_TRUE(Prefix("192.0.2.7").Contains(Address("192.0.2.7")));
  EXPECT_FALSE(Prefix("192.0.2.7").Contains(Address("192.0.2.6")));
  EXPECT_EQ(ToString(Prefix("::1")), "::1/128");
}

TEST(IpPrefixTest, LengthZeroIsAWholeFamily) {
  EXPECT_TRUE(Prefix("0.0.0.0/0").Contains(Address("203.0.113.9")));
  EXPECT_TRUE(Prefix("0.0.0.0/0").Contains(Address("::ffff:203.0.113.9")));
  EXPECT_FALSE(Prefix("0.0.0.0/0").Contains(Address("2001:db8::1")));
  EXPECT_TRUE(Prefix("::/0").Contains(Address("2001:db8::1")));
}

TEST(IpPrefixTest, RefusesWhatIsNone) {
  for (const char* text : {"", "/8", "192.0.2.0/33", "::/129", "192.0.2.0/", "192.0.2.0/-1",
                           "192.0.2.0/8 ", "192.0.2.1/24", "2001:db8::1/64", "host/8"}) {
    const StatusOr<IpPrefix> prefix = IpPrefix::Parse(text);
    ASSERT_FALSE(prefix.ok()) << text;
    EXPECT_NE(MessageOf(prefix.status()).find(text), std::string::npos);
  }
}

}  // namespace
}  // namespace strata
