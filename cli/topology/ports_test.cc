#include "cli/topology/ports.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace strata::cli::topology {
namespace {

IpAddress Ip(const std::string& text) { return *IpAddress::Parse(text); }

TEST(PortsTest, AddressesAreCountedUpWithinTheirFamily) {
  EXPECT_EQ(AddressAfter(Ip("192.0.2.10"), 0), Ip("192.0.2.10"));
  EXPECT_EQ(AddressAfter(Ip("192.0.2.250"), 10), Ip("192.0.3.4"));
  EXPECT_EQ(AddressAfter(Ip("2001:db8::ffff"), 1), Ip("2001:db8::1:0"));
  EXPECT_EQ(AddressAfter(Ip("255.255.255.255"), 1), std::nullopt);
  EXPECT_EQ(AddressAfter(Ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 1), std::nullopt);
}

TEST(PortsTest, AGroupIsAtAPlaceBehindTheFirst) {
  EXPECT_EQ(AddressAt(Ip("239.255.0.0"), 0x0102), Ip("239.255.1.2"));
  EXPECT_EQ(AddressAt(Ip("ff15::5354:0"), 0xabcd), Ip("ff15::5354:abcd"));
}

TEST(PortsTest, APortIsTakenOnceAtAnAddressOfAMachine) {
  PortBook book(17400);
  const std::vector<IpAddress> one = {Ip("192.0.2.1")};
  const std::vector<IpAddress> other = {Ip("192.0.2.2")};
  const std::vector<IpAddress> both = {Ip("192.0.2.1"), Ip("192.0.2.2")};
  const std::vector<IpAddress> six = {Ip("2001:db8::1")};
  EXPECT_TRUE(book.Take("a", one, 80));
  EXPECT_FALSE(book.Take("a", both, 80));
  EXPECT_FALSE(book.Take("a", other, 80)) << "the one before took it, too";
  EXPECT_TRUE(book.Take("b", one, 80));
  EXPECT_TRUE(book.Take("a", six, 80));
  EXPECT_EQ(book.TakeFree("a", one, 80), 17400);
  EXPECT_EQ(book.TakeFree("a", both, 80), 17401);
  EXPECT_EQ(book.TakeFree("a", other, 81), 81);
}

TEST(PortsTest, AnUnspecifiedAddressIsEveryOneOfItsFamily) {
  PortBook book(17400);
  EXPECT_TRUE(book.Take("a", std::vector{Ip("0.0.0.0")}, 80));
  EXPECT_FALSE(book.Take("a", std::vector{Ip("192.0.2.1")}, 80));
  EXPECT_TRUE(book.Take("a", std::vector{Ip("2001:db8::1")}, 80));
  EXPECT_FALSE(book.Take("a", std::vector{Ip("::")}, 80));
}

TEST(PortsTest, ThereMayBeNoneLeft) {
  PortBook book(65535);
  const std::vector<IpAddress> one = {Ip("192.0.2.1")};
  EXPECT_EQ(book.TakeFree("a", one, 80), 80);
  EXPECT_EQ(book.TakeFree("a", one, 80), 65535);
  EXPECT_EQ(book.TakeFree("a", one, 80), 0);
}

}  // namespace
}  // namespace strata::cli::topology
