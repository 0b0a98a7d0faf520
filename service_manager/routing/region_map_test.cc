#include "service_manager/routing/region_map.h"

#include <gtest/gtest.h>

#include "common/ip_prefix.h"
#include "common/random.h"

namespace strata::manager::routing {
namespace {

std::shared_ptr<const RegionMap> MapOf(const std::string& text) {
  const StatusOr<std::shared_ptr<const RegionMap>> map = RegionMap::Parse(text);
  EXPECT_TRUE(map.ok()) << ToString(map.status());
  return map.ok() ? *map : std::make_shared<RegionMap>();
}

std::string RegionOf(const RegionMap& map, const char* address) {
  return map.NameOf(map.RegionOf(*IpAddress::Parse(address)));
}

std::string RegionsOf(const RegionMap& map, std::string_view scope,
                      const std::vector<Endpoint>& addresses = {}) {
  std::string names;
  for (const RegionId region : map.RegionsOf(scope, addresses)) names += map.NameOf(region) + " ";
  return names;
}

TEST(RegionMapTest, TheLongestPrefixDecides) {
  const auto map = MapOf(
      "192.0.2.128/25 south\n"
      "192.0.2.0/24 north\n"
      "  # nothing\n"
      "\n"
      "192.0.2.130\teast # one address\r\n"
      "2001:db8::/32 north\n"
      "2001:db8:1::/48 west");
  EXPECT_EQ(map->prefixes(), 5u);
  EXPECT_EQ(RegionOf(*map, "192.0.2.0"), "north");
  EXPECT_EQ(RegionOf(*map, "192.0.2.127"), "north");
  EXPECT_EQ(RegionOf(*map, "192.0.2.128"), "south");
  EXPECT_EQ(RegionOf(*map, "192.0.2.130"), "east");
  EXPECT_EQ(RegionOf(*map, "192.0.2.131"), "south");
  EXPECT_EQ(RegionOf(*map, "192.0.3.0"), "");
  EXPECT_EQ(RegionOf(*map, "::ffff:192.0.2.130"), "east");
  EXPECT_EQ(RegionOf(*map, "2001:db8::1"), "north");
  EXPECT_EQ(RegionOf(*map, "2001:db8:1:ffff::1"), "west");
  EXPECT_EQ(RegionOf(*map, "2001:db8:2::"), "north");
  EXPECT_EQ(RegionOf(*map, "2001:db9::"), "");
}

TEST(RegionMapTest, CoversTheEndsOfBothFamilies) {
  const auto map = MapOf("0.0.0.0/0 four\n255.255.255.255 last\n::/0 six\nffff::/16 end\n");
  EXPECT_EQ(RegionOf(*map, "0.0.0.0"), "four");
  EXPECT_EQ(RegionOf(*map, "255.255.255.254"), "four");
  EXPECT_EQ(RegionOf(*map, "255.255.255.255"), "last");
  EXPECT_EQ(RegionOf(*map, "::"), "six");
  EXPECT_EQ(RegionOf(*map, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "end");
}

TEST(RegionMapTest, AnEmptyMapHasNoRegion) {
  EXPECT_EQ(RegionOf(*MapOf(""), "192.0.2.1"), "");
  EXPECT_EQ(RegionOf(RegionMap(), "2001:db8::1"), "");
}

TEST(RegionMapTest, ErrorsNameTheLine) {
  const auto error = [](const char* text) { return MessageOf(RegionMap::Parse(text).status()); };
  EXPECT_EQ(error("10.0.0.0/8 a\n10.0.0.0/8"),
            "line 2: neither PREFIX REGION nor scope SCOPE REGION");
  EXPECT_EQ(error("10.0.0.0/8 a b"), "line 1: neither PREFIX REGION nor scope SCOPE REGION");
  EXPECT_EQ(error("\n10.0.0.1/8 a"), "line 2: \"10.0.0.1/8\" has bits set behind the prefix");
  EXPECT_EQ(error("10.0.0.0/8 a\n::/0 b\n10.0.0.0/8 c\n"), "line 3: its prefix stands in line 1");
  EXPECT_EQ(error("::ffff:10.0.0.0/104 a"), "line 1: ::ffff:10.0.0.0/104 is of IPv4: write it so");
  EXPECT_EQ(error("10.0.0.0/8 A"),
            "line 1: \"A\" is no region; a region is 1 to 63 of a-z, 0-9 and -");
  EXPECT_EQ(error("scope a x\nscope a y"), "line 2: scope a stands in a line before");
  EXPECT_NE(error("scope A x").find("line 1: \"A\" is no scope"), std::string::npos);
}

TEST(RegionMapTest, ACopyIsWhereItsScopeIsSaidToBe) {
  const auto map = MapOf(
      "192.0.2.0/24 north\n198.51.100.0/24 south\n"
      "scope cdn-one/dc-two east\nscope cdn-one/dc-one/lan-a west\nscope cdn-one/dc-one/lan-b "
      "east");
  const std::vector<Endpoint> addresses = {*Endpoint::Parse("192.0.2.1:80"),
                                           *Endpoint::Parse("198.51.100.1:80"),
                                           *Endpoint::Parse("192.0.2.2:80")};
  EXPECT_EQ(RegionsOf(*map, "cdn-one/dc-two/lan-a", addresses), "east ");
  EXPECT_EQ(RegionsOf(*map, "cdn-one/dc-one", addresses), "east west ");
  EXPECT_EQ(RegionsOf(*map, "cdn-one"), "east west ");
  EXPECT_EQ(RegionsOf(*map, "cdn-two", addresses), "north south ");
  EXPECT_EQ(RegionsOf(*map, "cdn-two"), "");
}

// Against a search through all prefixes.
TEST(RegionMapTest, FindsWhatALinearSearchFinds) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    std::map<IpPrefix, std::string> prefixes;
    const auto draw = [&random] {  // Few bits differ, so that prefixes contain each other.
      return static_cast<uint8_t>(random.Below(4) * 0x55);
    };
    const auto address = [&] {
      const bool v6 = random.Chance(0.5);
      return v6 ? IpAddress::V6({draw(), draw(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, draw()})
                : IpAddress::V4(draw(), draw(), 0, draw());
    };
    for (int i = 0; i < 200; ++i) {
      const IpAddress ip = address();
      const uint64_t length = random.Below(ip.bytes().size() * 8 + 1);
      const auto prefix = IpPrefix::Parse(ToString(ip) + "/" + std::to_string(length));
      if (prefix.ok()) prefixes[*prefix] = "r" + std::to_string(random.Below(5));
    }
    std::string text;
    for (const auto& [prefix, region] : prefixes) text += ToString(prefix) + " " + region + "\n";
    const auto map = MapOf(text);
    for (int i = 0; i < 2000; ++i) {
      const IpAddress ip = address();
      std::string expected;
      int longest = -1;
      for (const auto& [prefix, region] : prefixes) {
        if (!prefix.Contains(ip) || prefix.length <= longest) continue;
        longest = prefix.length;
        expected = region;
      }
      ASSERT_EQ(map->NameOf(map->RegionOf(ip)), expected) << ToString(ip) << "\n" << text;
    }
  }
}

}  // namespace
}  // namespace strata::manager::routing
