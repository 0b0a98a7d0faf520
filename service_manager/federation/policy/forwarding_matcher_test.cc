#include "service_manager/federation/policy/forwarding_matcher.h"

#include <gtest/gtest.h>

#include "common/random.h"
#include "farm/asset.h"
#include "service_manager/directory/location.h"
#include "service_manager/federation/policy/forwarding_policy.h"

namespace strata::manager::federation {
namespace {

using farm::AssetKind;

// Sites "a", "b" and "c", with the hosts "a.example" and so on.
std::string HostOf(const std::string& site) {
  return site == "a" || site == "b" || site == "c" ? site + ".example" : "";
}

ForwardingMatcher Matcher(std::vector<ForwardingRule> rules) {
  return {ForwardingPolicy{.rules = std::move(rules)}, HostOf};
}

TEST(ForwardingMatcherTest, WithoutRulesEverythingIsToldInFull) {
  EXPECT_EQ(ForwardingMatcher().TreatmentOf("http://a.example/x"), Treatment());
  EXPECT_EQ(Treatment().Of(directory::kLibrary), Forward::kFull);
}

TEST(ForwardingMatcherTest, TheFirstRuleThatMatchesSays) {
  const ForwardingMatcher matcher =
      Matcher({{.site = "a", .kind = AssetKind::kCache, .forward = Forward::kNone},
               {.uri_prefix = "http://b.example/vod/", .forward = Forward::kScope},
               {.site = "a", .uri_prefix = "http://a.example/live", .forward = Forward::kScope},
               {.kind = AssetKind::kLibrary, .forward = Forward::kNone}});
  const auto expect = [&](const char* uri, size_t library, size_t cache) {
    EXPECT_EQ(matcher.RuleOf(uri, AssetKind::kLibrary), library) << uri;
    EXPECT_EQ(matcher.RuleOf(uri, AssetKind::kCache), cache) << uri;
  };
  expect("http://a.example/film", 3, 0);
  expect("http://a.example/live/1", 2, 0);
  expect("http://a.example/liv", 3, 0);
  expect("http://b.example/vod/1", 1, 1);
  expect("http://b.example/vod", 3, 4);
  expect("http://c.example/live", 3, 4);
  expect("", 3, 4);
  EXPECT_EQ(matcher.TreatmentOf("http://a.example/live/1").Of(directory::kLibrary),
            Forward::kScope);
  EXPECT_EQ(matcher.TreatmentOf("http://a.example/live/1").Of(directory::kComplete),
            Forward::kNone);
}

TEST(ForwardingMatcherTest, TellsWhichRulesMatchNothing) {
  const ForwardingMatcher matcher =
      Matcher({{.site = "later", .forward = Forward::kNone},
               {.site = "a", .uri_prefix = "http://b.example/", .forward = Forward::kNone}});
  EXPECT_EQ(matcher.idle_rules(),
            (std::vector<std::string>{
                "rule 1 (site later: none): the site is not known here",
                "rule 2 (site a, http://b.example/*: none): the URIs of the site begin with "
                "http://a.example/"}));
  EXPECT_EQ(matcher.TreatmentOf("http://b.example/"), Treatment());
}

TEST(ForwardingMatcherTest, ASiteThatComesMakesADifferenceOnlyIfARuleNamesIt) {
  const ForwardingPolicy policy{.rules = {{.site = "later", .forward = Forward::kNone}}};
  const auto host_of = [](const std::string& site) { return site + ".example"; };
  EXPECT_FALSE(ForwardingMatcher(policy, HostOf).TreatsAlike(ForwardingMatcher(policy, host_of)));
  EXPECT_TRUE(ForwardingMatcher(policy, HostOf).TreatsAlike(ForwardingMatcher()));
  EXPECT_TRUE(Matcher({{.site = "a"}}).TreatsAlike(Matcher({{.site = "later"}, {.site = "a"}})));
}

// The specification, word by word.
bool Meets(const ForwardingRule& rule, const std::string& uri, AssetKind kind) {
  return (rule.site.empty() || uri.starts_with("http://" + rule.site + ".example/")) &&
         uri.starts_with(rule.uri_prefix) && (!rule.kind.has_value() || rule.kind == kind);
}

size_t FirstRule(const ForwardingPolicy& policy, const std::string& uri, AssetKind kind) {
  size_t rule = 0;
  while (rule < policy.rules.size() && !Meets(policy.rules[rule], uri, kind)) ++rule;
  return rule;
}

std::string SomeUri(RandomSource& random) {
  std::string uri =
      "http://" + std::string(1, static_cast<char>('a' + random.Below(4))) + ".example/";
  for (uint64_t left = random.Below(4); left > 0; --left) uri += random.Chance(0.5) ? 'x' : 'y';
  return uri;
}

ForwardingRule SomeRule(RandomSource& random) {
  ForwardingRule rule{.forward = static_cast<Forward>(random.Below(3))};
  if (random.Chance(0.4)) rule.site = std::string(1, static_cast<char>('a' + random.Below(3)));
  if (random.Chance(0.6)) rule.uri_prefix = SomeUri(random);
  if (random.Chance(0.4)) rule.kind = random.Chance(0.5) ? AssetKind::kLibrary : AssetKind::kCache;
  return rule;
}

TEST(ForwardingMatcherTest, FindsWhatLookingAtEachRuleFinds) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    std::vector<ForwardingRule> rules(random.Below(20));
    for (ForwardingRule& rule : rules) rule = SomeRule(random);
    const ForwardingMatcher matcher = Matcher(rules);
    for (int i = 0; i < 50; ++i) {
      const std::string uri = SomeUri(random);
      for (const AssetKind kind : {AssetKind::kLibrary, AssetKind::kCache}) {
        ASSERT_EQ(matcher.RuleOf(uri, kind), FirstRule(matcher.policy(), uri, kind)) << uri;
      }
    }
  }
}

// Nothing matches a rule that FaultsOf says can never match.
TEST(ForwardingMatcherTest, NoCopyMeetsARuleThatIsCovered) {
  size_t covered = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    std::vector<ForwardingRule> rules(6);
    for (ForwardingRule& rule : rules) rule = SomeRule(random);
    const ForwardingMatcher matcher = Matcher(rules);
    const std::vector<std::string> faults = FaultsOf(matcher.policy());
    covered += faults.size();
    for (int i = 0; i < 200; ++i) {
      const size_t rule = matcher.RuleOf(SomeUri(random), static_cast<AssetKind>(i % 2));
      for (const std::string& fault : faults) {
        ASSERT_FALSE(fault.starts_with(RuleText(matcher.policy(), rule) + " can never match"));
      }
    }
  }
  EXPECT_GT(covered, 100u);
}

}  // namespace
}  // namespace strata::manager::federation
