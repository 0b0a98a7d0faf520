#include "common/tls/identity.h"

#include <string>

#include "gtest/gtest.h"

namespace strata::tls {
namespace {

std::string ErrorOf(const std::string& uri) {
  const StatusOr<Identity> identity = ParseIdentityUri(uri);
  return identity.ok() ? "" : MessageOf(identity.status());
}

TEST(IdentityTest, ReadsAUri) {
  const StatusOr<Identity> identity =
      ParseIdentityUri("strata://cdn-one/dc-two/lan-a/engine/north-1");
  ASSERT_TRUE(identity.ok()) << MessageOf(identity.status());
  EXPECT_EQ(identity->scope, "cdn-one/dc-two/lan-a");
  EXPECT_EQ(identity->role, Role::kEngine);
  EXPECT_EQ(identity->name, "north-1");
  EXPECT_EQ(IdentityUri(*identity), "strata://cdn-one/dc-two/lan-a/engine/north-1");
  EXPECT_EQ(ToString(*identity), "engine north-1 of cdn-one/dc-two/lan-a");
}

TEST(IdentityTest, ReadsEveryRoleAndOneToFourSegments) {
  for (const std::string uri : {"strata://x/manager/sm.1", "strata://x/y/operator/ann",
                                "strata://x/viewer/9", "strata://1/2/3/4/manager/m"}) {
    EXPECT_EQ(ErrorOf(uri), "");
  }
}

TEST(IdentityTest, SaysWhatIsWrong) {
  EXPECT_NE(ErrorOf("https://x/engine/a").find("does not begin with strata://"), std::string::npos);
  EXPECT_NE(ErrorOf("strata://x/engin/a").find("\"engin\" is no role"), std::string::npos);
  EXPECT_NE(ErrorOf("strata://x/engine/A").find("\"A\" is no name"), std::string::npos);
  EXPECT_NE(ErrorOf("strata://x/engine/").find("is no name"), std::string::npos);
  EXPECT_NE(ErrorOf("strata://x/engine/-a").find("is no name"), std::string::npos);
  EXPECT_NE(ErrorOf("strata://x/engine/" + std::string(33, 'a')).find("is no name"),
            std::string::npos);
  EXPECT_EQ(ErrorOf("strata://x/engine/" + std::string(32, 'a')), "");
}

TEST(IdentityTest, RefusesWhatIsNoScope) {
  for (const std::string scope : {"", "/", "a/", "/a", "a//b", "a/b/c/d/e", "A", "a.b", "a b"}) {
    EXPECT_FALSE(CheckScope(scope).ok()) << scope;
    EXPECT_NE(ErrorOf("strata://" + scope + "/engine/a").find("scope"), std::string::npos) << scope;
  }
  EXPECT_FALSE(CheckScope(std::string(64, 'a')).ok());
  EXPECT_TRUE(CheckScope(std::string(63, 'a')).ok());
  EXPECT_FALSE(ParseIdentityUri("strata://engine/a").ok());
}

TEST(IdentityTest, ShowsNoControlCharactersInAnError) {
  EXPECT_NE(ErrorOf(std::string("strata://x/engine/\x1b[2J\0", 22)).find("?[2J"),
            std::string::npos);
}

TEST(IdentityTest, AScopeCoversItselfAndWhatLiesBelow) {
  EXPECT_TRUE(ScopeCovers("a", "a"));
  EXPECT_TRUE(ScopeCovers("a", "a/b/c"));
  EXPECT_TRUE(ScopeCovers("a/b", "a/b/c"));
  EXPECT_FALSE(ScopeCovers("a/b", "a"));
  EXPECT_FALSE(ScopeCovers("a", "ab"));
  EXPECT_FALSE(ScopeCovers("a/b", "a/bc"));
  EXPECT_FALSE(ScopeCovers("", "/a"));
}

}  // namespace
}  // namespace strata::tls
