#include "service_manager/federation/holder_name.h"

#include <gtest/gtest.h>

#include <set>

namespace strata::manager::federation {
namespace {

const HolderName kEngine{"cdn-one/lan-a", "north-1"};
const HolderName kScope{"cdn-one/lan-a", ""};

TEST(HolderNameTest, IdentitiesNeverChange) {
  EXPECT_EQ(IdentityOf(kEngine).value(), 10774154572631498615U);
  EXPECT_EQ(IdentityOf(kScope).value(), 7469224323595964664U);
}

TEST(HolderNameTest, TheBorderOfScopeAndEngineCounts) {
  EXPECT_NE(IdentityOf({"cdn", "one"}), IdentityOf({"cdno", "ne"}));
  EXPECT_NE(IdentityOf({"cdn", ""}), IdentityOf({"", "cdn"}));
}

TEST(HolderNameTest, EachPartOfACopyChangesTheDigest) {
  const farm::ContentKey key{1, 2};
  const std::set<uint64_t> digests = {FeedDigestOf(key, IdentityOf(kEngine), 0),
                                      FeedDigestOf(key, IdentityOf(kScope), 0),
                                      FeedDigestOf(key, IdentityOf(kEngine), directory::kLibrary),
                                      FeedDigestOf({2, 1}, IdentityOf(kEngine), 0)};
  EXPECT_EQ(digests.size(), 4U);
  EXPECT_EQ(FeedDigestOf(key, IdentityOf(kEngine), 0), 8597849149194332544U) << "never changes";
}

TEST(HolderNameTest, NamesAreForPeople) {
  EXPECT_EQ(ToString(kEngine), "engine north-1 of cdn-one/lan-a");
  EXPECT_EQ(ToString(kScope), "cdn-one/lan-a");
}

}  // namespace
}  // namespace strata::manager::federation
