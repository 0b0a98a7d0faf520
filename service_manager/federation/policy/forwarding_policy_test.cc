#include "service_manager/federation/policy/forwarding_policy.h"

#include <gtest/gtest.h>

#include "common/status.h"
#include "farm/asset.h"

namespace strata::manager::federation {
namespace {

using farm::AssetKind;

std::vector<std::string> FaultsOfRules(std::vector<ForwardingRule> rules) {
  return FaultsOf(ForwardingPolicy{.rules = std::move(rules)});
}

TEST(ForwardingPolicyTest, TheEmptyPolicyIsRight) { EXPECT_TRUE(FaultsOf({}).empty()); }

TEST(ForwardingPolicyTest, WordsAreReadAndWritten) {
  for (const Forward forward : {Forward::kFull, Forward::kScope, Forward::kNone}) {
    EXPECT_EQ(ParseForward(ToString(forward)).value(), forward);
  }
  EXPECT_EQ(MessageOf(ParseForward("summary").status()), "summary is not supported yet");
  EXPECT_EQ(ParseForward("summary").status().code(), StatusCode::kUnimplemented);
  EXPECT_EQ(MessageOf(ParseForward("skope").status()),
            "\"skope\" is none of full, scope and none; did you mean scope?");
  EXPECT_FALSE(ParseForward("").ok());
}

TEST(ForwardingPolicyTest, RulesHaveWords) {
  const ForwardingPolicy policy{.rules = {{.site = "films",
                                           .uri_prefix = "http://films.example/old/",
                                           .kind = AssetKind::kCache,
                                           .forward = Forward::kNone},
                                          {.forward = Forward::kScope}}};
  EXPECT_EQ(RuleText(policy, 0),
            "rule 1 (site films, http://films.example/old/*, cache copies: none)");
  EXPECT_EQ(RuleText(policy, 1), "rule 2 (every copy: scope)");
  EXPECT_EQ(RuleText(policy, 2), "no rule: full");
}

TEST(ForwardingPolicyTest, ARuleThatCanNeverMatchIsNamedWithTheOneThatCoversIt) {
  const auto faults = FaultsOfRules({{.site = "films", .forward = Forward::kScope},
                                     {.site = "films", .kind = AssetKind::kCache}});
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0],
            "rule 2 (site films, cache copies: full) can never match: rule 1 (site films: scope) "
            "covers it");
  EXPECT_EQ(FaultsOfRules({{.uri_prefix = "http://a.example/"},
                           {.site = "films", .uri_prefix = "http://a.example/b/"}})
                .size(),
            1u);
}

TEST(ForwardingPolicyTest, TwoRulesMayCoverAThirdTogether) {
  const auto faults = FaultsOfRules(
      {{.kind = AssetKind::kLibrary}, {.kind = AssetKind::kCache}, {.site = "films"}});
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0],
            "rule 3 (site films: full) can never match: rule 1 (library copies: full) and rule 2 "
            "(cache copies: full) together cover it");
}

TEST(ForwardingPolicyTest, ARuleThatIsOnlyPartlyCoveredIsRight) {
  EXPECT_TRUE(FaultsOfRules({{.site = "films", .kind = AssetKind::kCache},
                             {.site = "films"},
                             {.site = "film"},
                             {.uri_prefix = "http://a.example/b/"},
                             {.uri_prefix = "http://a.example/"},
                             {}})
                  .empty());
}

TEST(ForwardingPolicyTest, APrefixIsWrittenLikeCanonicalUris) {
  const auto fault = [](const std::string& prefix) {
    const auto faults = FaultsOfRules({{.uri_prefix = prefix}});
    return faults.empty() ? "" : faults[0];
  };
  EXPECT_EQ(fault("http://films.example/vod/a"), "");
  EXPECT_EQ(fault("http://[2001:db8::1]/vod/"), "");
  EXPECT_EQ(fault("/vod/"), "rule 1: URI prefix \"/vod/\": a URI begins with http:// or https://");
  EXPECT_EQ(fault("http://films.example"),
            "rule 1: URI prefix \"http://films.example\": has to be written "
            "http://films.example/");
  EXPECT_EQ(fault("https://Films.example/%7e"),
            "rule 1: URI prefix \"https://Films.example/%7e\": has to be written "
            "http://films.example/~");
  EXPECT_NE(fault("http://films.example/%2"), "");
  EXPECT_NE(fault("http://" + std::string(kRulePrefixBytesMax, 'a')).find("longer than 1024"),
            std::string::npos);
}

TEST(ForwardingPolicyTest, SitesDelayAndNumberOfRulesHaveBounds) {
  EXPECT_EQ(
      FaultsOfRules({{.site = "No Site"}}),
      std::vector<std::string>{"rule 1: site \"No Site\" is not 1 to 63 of a-z, 0-9 and - inside"});
  EXPECT_EQ(FaultsOf({.batching_delay = std::chrono::minutes(2)}),
            std::vector<std::string>{"batching_delay: is not between 0 and 1min"});
  EXPECT_EQ(FaultsOf({.batching_delay = -std::chrono::nanoseconds(1)}).size(), 1u);
  EXPECT_EQ(FaultsOfRules(std::vector<ForwardingRule>(kForwardingRulesMax + 1)),
            std::vector<std::string>{"there are more than 1000 rules"});
}

}  // namespace
}  // namespace strata::manager::federation
