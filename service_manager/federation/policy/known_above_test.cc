#include "service_manager/federation/policy/known_above.h"

#include <gtest/gtest.h>

#include "farm/asset.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/federation/policy/forwarding_matcher.h"

namespace strata::manager::federation {
namespace {

using farm::AssetKind;
using Sentences = std::vector<std::string>;

const ScopeLevel kExchange{"exchange", 4};
const ScopeLevel kCdn{"cdn-one", 3};
const ScopeLevel kDataCenter{"cdn-one/dc-two", 2};
const ScopeLevel kFarm{"cdn-one/dc-two/lan-a", 1};
constexpr std::string_view kUri = "http://films.example/vod/1";

ForwardingMatcher Of(std::vector<ForwardingRule> rules) {
  return {ForwardingPolicy{.rules = std::move(rules)},
          [](const std::string& site) { return site + ".example"; }};
}

class KnownAboveTest : public testing::Test {
 protected:
  std::vector<PolicyLink> Chain() const {
    return {
        {kFarm, kDataCenter, farm_}, {kDataCenter, kCdn, data_center_}, {kCdn, kExchange, cdn_}};
  }

  ForwardingMatcher farm_, data_center_, cdn_;
};

TEST_F(KnownAboveTest, WithoutRulesAllKnowTheEngine) {
  EXPECT_EQ(KnownAboveText(kUri, Chain()),
            (Sentences{"cdn-one/dc-two (level 2) will know the engine that has it: no rule: full "
                       "of cdn-one/dc-two/lan-a",
                       "cdn-one (level 3) will know the engine that has it: no rule: full of "
                       "cdn-one/dc-two",
                       "exchange (level 4) will know the engine that has it: no rule: full of "
                       "cdn-one"}));
}

TEST_F(KnownAboveTest, AScopeIsPassedOnUntilALargerTakesItsPlace) {
  farm_ = Of({{.forward = Forward::kScope}});
  cdn_ = Of({{.site = "films", .forward = Forward::kScope}});
  const std::vector<KnownCopy> known = KnownAbove(kUri, AssetKind::kCache, Chain());
  ASSERT_EQ(known.size(), 3u);
  EXPECT_EQ(known[0].scope, "cdn-one/dc-two/lan-a");
  EXPECT_EQ(known[1].scope, "cdn-one/dc-two/lan-a");
  EXPECT_EQ(ToString(known[2]),
            "exchange (level 4) will know that cdn-one has it: rule 1 (site films: scope) of "
            "cdn-one");
}

TEST_F(KnownAboveTest, WhatIsNotToldNobodyAboveKnows) {
  data_center_ = Of({{.kind = AssetKind::kCache, .forward = Forward::kNone}});
  EXPECT_EQ(ToString(KnownAbove(kUri, AssetKind::kCache, Chain())[1]),
            "cdn-one (level 3) will not know of it: rule 1 (cache copies: none) of "
            "cdn-one/dc-two");
  EXPECT_EQ(ToString(KnownAbove(kUri, AssetKind::kCache, Chain())[2]),
            "exchange (level 4) will not know of it: cdn-one does not know of it");
  EXPECT_EQ(KnownAbove(kUri, AssetKind::kLibrary, Chain())[2].known, Forward::kFull);
}

TEST_F(KnownAboveTest, KindsAreToldApartWhereTheyDiffer) {
  cdn_ = Of({{.kind = AssetKind::kCache, .forward = Forward::kScope}});
  const Sentences lines = KnownAboveText(kUri, Chain());
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[2],
            "of a library copy, exchange (level 4) will know the engine that has it: no rule: "
            "full of cdn-one");
  EXPECT_EQ(lines[3],
            "of a cache copy, exchange (level 4) will know that cdn-one has it: rule 1 (cache "
            "copies: scope) of cdn-one");
}

TEST_F(KnownAboveTest, AManagerWithoutParentHasNothingAbove) {
  EXPECT_TRUE(KnownAboveText(kUri, {}).empty());
}

}  // namespace
}  // namespace strata::manager::federation
