#include "common/strong_id.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <unordered_set>

namespace strata {
namespace {

using EngineId = StrongId<struct EngineIdTag, uint32_t>;
using SiteId = StrongId<struct SiteIdTag, uint32_t>;
using SiteName = StrongId<struct SiteNameTag, std::string>;
using Holder = StrongId<struct HolderTag, EngineId>;

TEST(StrongIdTest, IsNotExchangedForAnotherKindOrARawValue) {
  static_assert(!std::is_convertible_v<uint32_t, EngineId>);
  static_assert(!std::is_convertible_v<EngineId, uint32_t>);
  static_assert(!std::is_constructible_v<EngineId, SiteId>);
  static_assert(!std::is_assignable_v<EngineId&, SiteId>);
  static_assert(sizeof(EngineId) == sizeof(uint32_t));
  static_assert(std::is_trivially_copyable_v<EngineId>);
  static_assert(EngineId(3).value() == 3);
}

TEST(StrongIdTest, StartsEmpty) {
  EXPECT_EQ(EngineId().value(), 0u);
  EXPECT_EQ(SiteName().value(), "");
}

TEST(StrongIdTest, OrdersByValue) {
  EXPECT_LT(EngineId(2), EngineId(10));
  EXPECT_EQ(SiteName("a"), SiteName("a"));
  const std::map<SiteName, int> map = {{SiteName("b"), 2}, {SiteName("a"), 1}};
  EXPECT_EQ(map.begin()->first, SiteName("a"));
}

TEST(StrongIdTest, HashesLikeItsValue) {
  const std::unordered_set<SiteName> names = {SiteName("a"), SiteName("b"), SiteName("a")};
  EXPECT_EQ(names.size(), 2u);
  EXPECT_EQ(std::hash<SiteName>{}(SiteName("a")), std::hash<std::string>{}("a"));
}

TEST(StrongIdTest, PrintsItsValue) {
  EXPECT_EQ(ToString(EngineId(42)), "42");
  EXPECT_EQ(ToString(SiteName("news")), "news");
  EXPECT_EQ(ToString(Holder(EngineId(42))), "42");
}

}  // namespace
}  // namespace strata
