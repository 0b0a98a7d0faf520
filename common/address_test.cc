#include "common/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <set>
#include <unordered_set>

#include "common/hex.h"
#include "common/random.h"

namespace strata {
namespace {

std::string Reformatted(std::string_view text) {
  const StatusOr<IpAddress> address = IpAddress::Parse(text);
  return address.ok() ? ToString(*address) : MessageOf(address.status());
}

std::string ReformattedEndpoint(std::string_view text) {
  const StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
  return endpoint.ok() ? ToString(*endpoint) : MessageOf(endpoint.status());
}

IpAddress Address(std::string_view text) {
  const StatusOr<IpAddress> address = IpAddress::Parse(text);
  EXPECT_TRUE(address.ok()) << text;
  return address.ok() ? *address : IpAddress();
}

TEST(IpAddressTest, IsTheUnspecifiedIpv4AddressUntilSet) {
  EXPECT_EQ(ToString(IpAddress()), "0.0.0.0");
  EXPECT_TRUE(IpAddress().IsUnspecified());
  EXPECT_FALSE(Address("0.0.0.1").IsUnspecified());
}

TEST(IpAddressTest, WritesIpv6InItsCanonicalSpelling) {
  EXPECT_EQ(Reformatted("2001:0DB8:0:0:0:0:0:0001"), "2001:db8::1");
  EXPECT_EQ(Reformatted("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");  // One group stays.
  EXPECT_EQ(Reformatted("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1");           // The longest run.
  EXPECT_EQ(Reformatted("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");     // The first of equals.
  EXPECT_EQ(Reformatted("0:0:0:0:0:0:0:0"), "::");
  EXPECT_EQ(Reformatted("1:0:0:0:0:0:0:0"), "1::");
  EXPECT_EQ(Reformatted("::1:2:3:4:5:6:7"), "0:1:2:3:4:5:6:7");
  EXPECT_EQ(Reformatted("::FFFF:c000:0201"), "::ffff:192.0.2.1");
  EXPECT_EQ(Reformatted("64:ff9b::192.0.2.33"), "64:ff9b::c000:221");
}

TEST(IpAddressTest, RefusesWhatIsNotAnAddressAndQuotesIt) {
  EXPECT_EQ(Reformatted("192.0.2.256"), "\"192.0.2.256\" is not an IP address");
  for (const char* text : {"",
                           ".",
                           "1.2.3",
                           "1.2.3.4.5",
                           "1.2.3.04",
                           "1.2.3.",
                           ".1.2.3",
                           "1..2.3",
                           "+1.2.3.4",
                           "1.2.3.4 ",
                           " 1.2.3.4",
                           "0x1.2.3.4",
                           "1.2.3.-4",
                           ":",
                           ":::",
                           "1:",
                           ":1",
                           "1::2::3",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4::5:6:7:8",
                           "12345::",
                           "g::",
                           "::1.2.3",
                           "1.2.3.4::",
                           "::1.2.3.4:5",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "fe80::1%2",
                           "[::1]",
                           "::-1",
                           "::0x1",
                           "1:2:3:4:5:6:7:8:",
                           "::1 "}) {
    EXPECT_FALSE(IpAddress::Parse(text).ok()) << text;
  }
  EXPECT_FALSE(IpAddress::Parse(std::string_view("1.2.3.4\0", 8)).ok());
}

TEST(IpAddressTest, QuotesOnlyTheStartOfALongText) {
  const StatusOr<IpAddress> address = IpAddress::Parse(std::string(100000, 'x'));
  EXPECT_LT(MessageOf(address.status()).size(), 200u);
}

TEST(IpAddressTest, RecognisesTheSpecialRanges) {
  EXPECT_TRUE(Address("224.0.0.0").IsMulticast());
  EXPECT_TRUE(Address("239.255.255.255").IsMulticast());
  EXPECT_TRUE(Address("ff02::1").IsMulticast());
  EXPECT_FALSE(Address("223.255.255.255").IsMulticast());
  EXPECT_FALSE(Address("240.0.0.0").IsMulticast());
  EXPECT_FALSE(Address("fe80::1").IsMulticast());

  EXPECT_TRUE(Address("127.1.2.3").IsLoopback());
  EXPECT_TRUE(Address("::1").IsLoopback());
  EXPECT_FALSE(Address("128.0.0.1").IsLoopback());
  EXPECT_FALSE(Address("::2").IsLoopback());

  EXPECT_TRUE(Address("169.254.0.1").IsLinkLocal());
  EXPECT_TRUE(Address("224.0.0.251").IsLinkLocal());
  EXPECT_TRUE(Address("fe80::1").IsLinkLocal());
  EXPECT_TRUE(Address("febf::1").IsLinkLocal());
  EXPECT_TRUE(Address("ff02::fb").IsLinkLocal());
  EXPECT_FALSE(Address("169.253.0.1").IsLinkLocal());
  EXPECT_FALSE(Address("224.0.1.1").IsLinkLocal());
  EXPECT_FALSE(Address("fec0::1").IsLinkLocal());
  EXPECT_FALSE(Address("ff05::1").IsLinkLocal());
}

TEST(IpAddressTest, FindsTheIpv4AddressInsideAMappedOne) {
  EXPECT_EQ(Address("::ffff:192.0.2.1").Unmapped(), Address("192.0.2.1"));
  EXPECT_EQ(Address("192.0.2.1").Unmapped(), Address("192.0.2.1"));
  EXPECT_EQ(Address("::fffe:192.0.2.1").Unmapped(), Address("::fffe:192.0.2.1"));
  EXPECT_NE(Address("::ffff:192.0.2.1"), Address("192.0.2.1"));
}

TEST(IpAddressTest, OrdersIpv4FirstThenByNumber) {
  const std::set<IpAddress> sorted = {Address("::"), Address("10.0.0.2"), Address("ff02::1"),
                                      Address("9.255.255.255"), Address("255.255.255.255")};
  std::string order;
  for (const IpAddress& address : sorted) order += ToString(address) + " ";
  EXPECT_EQ(order, "9.255.255.255 10.0.0.2 255.255.255.255 :: ff02::1 ");
}

// The C library as the second opinion: it must accept and mean the same.
TEST(IpAddressTest, AgreesWithTheCLibraryOnRandomTexts) {
  SeededRandom random(4);
  constexpr std::string_view kAlphabet = "0123456789abcdfF:::::.....";
  int accepted = 0;
  for (int i = 0; i < 300000; ++i) {
    std::string text;
    const uint64_t size = 2 + random.Below(12);
    while (text.size() < size) text.push_back(kAlphabet[random.Below(kAlphabet.size())]);
    std::array<uint8_t, 16> expected{};
    const bool v6 = text.find(':') != std::string::npos;
    const bool valid = inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), expected.data()) == 1;
    const StatusOr<IpAddress> address = IpAddress::Parse(text);
    ASSERT_EQ(address.ok(), valid) << text;
    if (!valid) continue;
    ++accepted;
    ASSERT_EQ(ToHex(address->bytes()), ToHex(ByteSpan(expected).first(v6 ? 16 : 4))) << text;
  }
  EXPECT_GT(accepted, 1000);
}

TEST(IpAddressTest, ParsesWhatItWrites) {
  SeededRandom random(5);
  for (int i = 0; i < 50000; ++i) {
    std::array<uint8_t, 16> bytes{};
    // Mostly zeros, for gaps of every shape.
    for (uint8_t& byte : bytes) byte = random.Chance(0.3) ? static_cast<uint8_t>(random.Next()) : 0;
    const IpAddress address = IpAddress::V6(bytes);
    ASSERT_EQ(Address(ToString(address)), address) << ToHex(bytes);
    ASSERT_LE(ToString(address).size(), 39u);
  }
}

TEST(EndpointTest, ReadsAndWritesAddressPortAndZone) {
  EXPECT_EQ(ReformattedEndpoint("192.0.2.1:80"), "192.0.2.1:80");
  EXPECT_EQ(ReformattedEndpoint("0.0.0.0:0"), "0.0.0.0:0");
  EXPECT_EQ(ReformattedEndpoint("[2001:db8::1]:65535"), "[2001:db8::1]:65535");
  EXPECT_EQ(ReformattedEndpoint("[fe80:0::1%12]:4000"), "[fe80::1%12]:4000");
  const StatusOr<Endpoint> scoped = Endpoint::Parse("[fe80::1%4294967295]:1");
  ASSERT_TRUE(scoped.ok());
  EXPECT_EQ(scoped->interface, 4294967295u);
}

TEST(EndpointTest, RefusesWhatIsNotAnEndpointAndQuotesIt) {
  EXPECT_EQ(ReformattedEndpoint("192.0.2.1"),
            "\"192.0.2.1\" is not an endpoint (address:port or [address]:port)");
  for (const char* text : {"",
                           ":",
                           ":80",
                           "192.0.2.1:",
                           "192.0.2.1:65536",
                           "192.0.2.1:-1",
                           "192.0.2.1:+80",
                           "192.0.2.1:080000",
                           "::1:80",
                           "[::1]",
                           "[::1]80",
                           "[192.0.2.1]:80",
                           "[]:80",
                           "[:80",
                           "192.0.2.1%2:80",
                           "[fe80::1%]:80",
                           "[fe80::1%eth0]:80",
                           "[fe80::1%4294967296]:80",
                           "[[::1]]:80",
                           "[fe80::1%1%2]:80",
                           "localhost:80"}) {
    EXPECT_FALSE(Endpoint::Parse(text).ok()) << text;
  }
}

TEST(EndpointTest, EncodesToTheBytesTheFormatStates) {
  std::array<uint8_t, 64> buffer;
  ByteWriter writer(buffer);
  Encode(Endpoint{Address("192.0.2.1"), 443, 0}, writer);
  Encode(Endpoint{Address("2001:db8::1"), 80, 0}, writer);
  EXPECT_EQ(ToHex(writer.written()),
            "04c000020101bb"
            "0620010db80000000000000000000000010050");
}

TEST(EndpointTest, DecodesWhatItEncodesWithoutTheInterface) {
  std::array<uint8_t, kEndpointEncodedMax> buffer;
  ByteWriter writer(buffer);
  Encode(Endpoint{Address("fe80::1"), 7, 3}, writer);
  ASSERT_TRUE(writer.ok());
  ByteReader reader(writer.written());
  EXPECT_EQ(DecodeEndpoint(reader), (Endpoint{Address("fe80::1"), 7, 0}));
  EXPECT_TRUE(reader.AtEnd());
}

TEST(EndpointTest, FailsTheReaderOnAnUnknownFamilyOrMissingBytes) {
  for (const char* hex :
       {"", "04", "05c000020101bb", "04c0000201", "04c000020101",
        "0620010db8000000000000000000000001", "00", "0520010db80000000000000000000000010050"}) {
    const Bytes bytes = FromHex(hex).value();
    ByteReader reader(bytes);
    EXPECT_EQ(DecodeEndpoint(reader), Endpoint()) << hex;
    EXPECT_FALSE(reader.ok()) << hex;
  }
}

TEST(EndpointTest, HashesEachPartOfItself) {
  const std::hash<Endpoint> hash;
  const std::set<size_t> distinct = {
      hash({Address("192.0.2.1"), 80, 0}),       hash({Address("192.0.2.2"), 80, 0}),
      hash({Address("192.0.2.1"), 81, 0}),       hash({Address("192.0.2.1"), 80, 1}),
      hash({Address("c000:201::"), 80, 0}),      hash({Address("2001:db8::1"), 80, 0}),
      hash({Address("2001:db8::1:0:0"), 80, 0}),
  };
  EXPECT_EQ(distinct.size(), 7u);
  const std::unordered_set<Endpoint> set = {{Address("192.0.2.1"), 80, 0}};
  EXPECT_EQ(set.count({Address("192.0.2.1"), 80, 0}), 1u);
}

// A table of neighbours' addresses must not fall into one bucket.
TEST(EndpointTest, SpreadsNeighbouringAddressesOverTheHash) {
  std::set<size_t> low_bits;
  for (int i = 0; i < 256; ++i) {
    const Endpoint endpoint{IpAddress::V4(10, 0, 0, static_cast<uint8_t>(i)), 80, 0};
    low_bits.insert(std::hash<Endpoint>{}(endpoint)&0xff);
  }
  EXPECT_GT(low_bits.size(), 128u);  // 162 expected of a random function.
}

}  // namespace
}  // namespace strata
