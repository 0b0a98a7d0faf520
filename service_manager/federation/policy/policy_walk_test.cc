#include "service_manager/federation/policy/policy_walk.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "common/random.h"
#include "common/status.h"
#include "farm/asset.h"
#include "farm/content_key.h"
#include "service_manager/directory/location.h"
#include "service_manager/directory/location_digest.h"
#include "service_manager/federation/policy/forwarding_matcher.h"
#include "service_manager/federation/policy/projection.h"

namespace strata::manager::federation {
namespace {

using directory::Holder;
using directory::Location;
using directory::LocationFlags;
using farm::ContentKey;

constexpr Holder kScope(100);
using Copies = std::map<Holder, LocationFlags>;
using Matcher = std::shared_ptr<const ForwardingMatcher>;

Matcher Of(std::vector<ForwardingRule> rules) {
  return std::make_shared<const ForwardingMatcher>(
      ForwardingPolicy{.rules = std::move(rules)},
      [](const std::string& site) { return site + ".example"; });
}
Matcher Everything(Forward forward) { return Of({{.forward = forward}}); }

std::vector<Location> ListOf(const Copies& copies) {
  std::vector<Location> list;
  for (const auto& [holder, flags] : copies) list.push_back({holder, flags});
  return list;
}

// A child with its contents, and what it told its parent of them.
class Child {
 public:
  explicit Child(Matcher matcher) : walk_(std::move(matcher), kScope) {}

  PolicyWalk& walk() { return walk_; }
  size_t read() const { return read_; }  // Contents, by walks.
  size_t told() const { return told_; }  // Changes.
  const Copies& KnownOf(uint64_t number) { return known_[Key(number)]; }

  void Set(uint64_t number, uint32_t holder, std::optional<LocationFlags> flags) {
    Content& content = contents_[Key(number)];
    content.uri = "http://" + std::string(number % 2 == 0 ? "even" : "odd") + ".example/" +
                  std::to_string(number);
    CopyChange change{.holder = Holder(holder), .after = flags};
    const auto it = content.copies.find(change.holder);
    if (it != content.copies.end()) change.before = it->second;
    if (change.before == change.after) return;
    content.copies.erase(change.holder);
    if (flags.has_value()) content.copies[change.holder] = *flags;
    Tell(Key(number), ProjectedChangeOf(change, ListOf(content.copies),
                                        walk_.TreatmentOf(Key(number), content.uri), kScope));
  }

  Status Step(size_t contents_max, size_t fail_after = SIZE_MAX) {
    return walk_.Step(
        contents_max,
        [&](const ContentKey& from, size_t max, PolicyWalk::Visitor visit) {
          return Read(from, std::min(max, fail_after), fail_after < max, visit);
        },
        [&](const WalkedContent& content, std::span<const CopyChange> changes) {
          EXPECT_FALSE(changes.empty());
          Tell(content.key, changes);
        });
  }
  void WalkToTheEnd() {
    while (walk_.under_way()) ASSERT_TRUE(Step(3).ok());
  }

  // The parent knows of each content what the policy that holds for it says.
  void Check() {
    for (const auto& [key, content] : contents_) {
      const Projection now =
          ProjectionOf(ListOf(content.copies), walk_.TreatmentOf(key, content.uri), kScope);
      const std::vector<Location> known = ListOf(known_[key]);
      ASSERT_EQ(std::vector<Location>(now.begin(), now.end()), known) << content.uri;
    }
  }

 private:
  struct Content {
    std::string uri;
    Copies copies;
  };

  static ContentKey Key(uint64_t number) {
    return {.high = directory::Mixed(number), .low = number};
  }

  StatusOr<bool> Read(const ContentKey& from, size_t max, bool fail, PolicyWalk::Visitor visit) {
    auto it = contents_.lower_bound(from);
    for (; it != contents_.end() && max > 0; ++it, --max) {
      ++read_;
      const std::vector<Location> copies = ListOf(it->second.copies);
      visit({.key = it->first, .canonical_uri = it->second.uri, .copies = copies});
    }
    if (fail) return Unavailable("the disk");
    return it != contents_.end();
  }

  void Tell(const ContentKey& key, std::span<const CopyChange> changes) {
    told_ += changes.size();
    for (const CopyChange& change : changes) {
      Copies& known = known_[key];
      EXPECT_EQ(known.erase(change.holder) == 1, change.before.has_value());
      if (change.after.has_value()) known[change.holder] = *change.after;
    }
  }

  PolicyWalk walk_;
  std::map<ContentKey, Content> contents_;
  std::map<ContentKey, Copies> known_;
  size_t read_ = 0;
  size_t told_ = 0;
};

// With 20 contents of two copies each.
Child FullChild(Forward forward) {
  Child child(Everything(forward));
  for (uint64_t n = 0; n < 20; ++n) {
    child.Set(n, 1, directory::kLibrary);
    child.Set(n, 2, directory::kComplete);
  }
  return child;
}

TEST(PolicyWalkTest, TheParentComesToKnowWhatTheNewPolicySays) {
  Child child = FullChild(Forward::kFull);
  child.walk().Replace(Everything(Forward::kScope));
  EXPECT_TRUE(child.walk().under_way());
  child.WalkToTheEnd();
  child.Check();
  EXPECT_EQ(child.KnownOf(7), (Copies{{kScope, directory::kLibrary | directory::kComplete}}));
  EXPECT_EQ(child.read(), 20u);
}

TEST(PolicyWalkTest, AStepReadsNoMoreThanItMay) {
  Child child = FullChild(Forward::kFull);
  child.walk().Replace(Everything(Forward::kNone));
  ASSERT_TRUE(child.Step(3).ok());
  EXPECT_EQ(child.read(), 3u);
  child.Check();
}

TEST(PolicyWalkTest, OnlyWhatIsTreatedOtherwiseIsTold) {
  Child child = FullChild(Forward::kFull);
  const size_t before = child.told();
  child.walk().Replace(
      Of({{.site = "odd", .kind = farm::AssetKind::kCache, .forward = Forward::kNone}}));
  child.WalkToTheEnd();
  child.Check();
  EXPECT_EQ(child.told() - before, 10u);
}

TEST(PolicyWalkTest, APolicyThatTreatsAllAlikeBeginsNoWalk) {
  Child child = FullChild(Forward::kScope);
  child.walk().Replace(Of({{.kind = farm::AssetKind::kLibrary, .forward = Forward::kScope},
                           {.forward = Forward::kScope}}));
  child.WalkToTheEnd();
  child.walk().Replace(Of({{.kind = farm::AssetKind::kLibrary, .forward = Forward::kScope},
                           {.forward = Forward::kScope}}));
  EXPECT_FALSE(child.walk().under_way());
}

TEST(PolicyWalkTest, AMistakeIsTakenBackAtOnce) {
  Child child = FullChild(Forward::kFull);
  child.walk().Replace(Everything(Forward::kNone));
  ASSERT_TRUE(child.Step(5).ok());
  child.walk().Replace(Everything(Forward::kFull));
  child.WalkToTheEnd();
  child.Check();
  EXPECT_LE(child.read(), 5u + 6u) << "behind the mistake nothing has to be read";
  EXPECT_EQ(child.told(), 40u + 2 * 10u);
}

TEST(PolicyWalkTest, AThirdPolicyBeginsWhileTheSecondIsUnderWay) {
  Child child = FullChild(Forward::kFull);
  child.walk().Replace(Everything(Forward::kNone));
  ASSERT_TRUE(child.Step(10).ok());
  child.walk().Replace(Everything(Forward::kScope));
  ASSERT_TRUE(child.Step(5).ok());
  child.Check();
  child.WalkToTheEnd();
  child.Check();
}

TEST(PolicyWalkTest, WhatTheReaderReadBeforeItFailedCounts) {
  Child child = FullChild(Forward::kFull);
  child.walk().Replace(Everything(Forward::kNone));
  EXPECT_EQ(MessageOf(child.Step(5, 2)), "the disk");
  child.Check();
  EXPECT_TRUE(child.walk().under_way());
  child.WalkToTheEnd();
  child.Check();
  EXPECT_EQ(child.read(), 20u);
}

// As many policies as may be under way: each walk stops earlier than the one before. The newest is
// to forward nothing.
void StartAllWalks(Child& child) {
  for (size_t left = kPoliciesUnderWayMax - 1; left > 0; --left) {
    child.walk().Replace(Everything(left % 2 == 0 ? Forward::kScope : Forward::kNone));
    ASSERT_TRUE(child.Step(2 * left).ok());
  }
}

TEST(PolicyWalkTest, BeyondSoManyPoliciesTheNewestWaits) {
  Child child = FullChild(Forward::kFull);
  StartAllWalks(child);
  child.walk().Replace(Everything(Forward::kScope));
  EXPECT_EQ(child.walk().TreatmentOf({}, "").cache, Forward::kNone);
  child.Check();
  child.walk().Replace(Everything(Forward::kFull));
  child.WalkToTheEnd();
  child.Check();
  EXPECT_EQ(child.KnownOf(3).size(), 2u);
}

TEST(PolicyWalkTest, APolicyThatWaitsIsForgottenWhenTheOneBeforeComesAgain) {
  Child child = FullChild(Forward::kFull);
  StartAllWalks(child);
  child.walk().Replace(Everything(Forward::kScope));
  child.walk().Replace(Everything(Forward::kNone));
  child.WalkToTheEnd();
  child.Check();
  EXPECT_TRUE(child.KnownOf(3).empty());
}

TEST(PolicyWalkTest, APolicyThatHeldForNothingIsForgotten) {
  Child child = FullChild(Forward::kFull);
  for (size_t i = 0; i < 2 * kPoliciesUnderWayMax; ++i) {
    child.walk().Replace(Everything(i % 2 == 0 ? Forward::kNone : Forward::kScope));
  }
  ASSERT_TRUE(child.Step(1).ok());
  EXPECT_EQ(child.walk().TreatmentOf({}, "").cache, Forward::kScope);
  child.Check();
}

TEST(PolicyWalkTest, TheLastKeyIsPassed) {
  PolicyWalk walk(Everything(Forward::kFull), kScope);
  walk.Replace(Everything(Forward::kNone));
  const ContentKey last{UINT64_MAX, UINT64_MAX};
  const std::vector copies = {Location{.holder = Holder(1), .flags = 0}};
  size_t told = 0;
  const Status status = walk.Step(
      1,
      [&](const ContentKey&, size_t, PolicyWalk::Visitor visit) -> StatusOr<bool> {
        visit({.key = last, .canonical_uri = "", .copies = copies});
        return true;
      },
      [&](const WalkedContent&, std::span<const CopyChange>) { ++told; });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(told, 1u);
  EXPECT_FALSE(walk.under_way());
}

ForwardingRule SomeRule(RandomSource& random) {
  ForwardingRule rule{.forward = static_cast<Forward>(random.Below(3))};
  if (random.Chance(0.5)) rule.site = random.Chance(0.5) ? "even" : "odd";
  if (random.Chance(0.4)) {
    rule.kind = random.Chance(0.5) ? farm::AssetKind::kLibrary : farm::AssetKind::kCache;
  }
  return rule;
}

TEST(PolicyWalkTest, TheParentKnowsWhatPolicySaysWhateverChangesMeanwhile) {
  size_t replaced_under_way = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    Child child(Everything(Forward::kFull));
    Matcher newest = Everything(Forward::kFull);
    for (int i = 0; i < 400; ++i) {
      if (random.Chance(0.05)) {
        replaced_under_way += child.walk().under_way() ? 1 : 0;
        newest = Of({SomeRule(random), SomeRule(random)});
        child.walk().Replace(newest);
      } else if (random.Chance(0.2)) {
        (void)child.Step(1 + random.Below(8), random.Chance(0.2) ? 1 : SIZE_MAX);
      } else {
        const auto flags = static_cast<LocationFlags>(random.Below(4));
        child.Set(random.Below(60), static_cast<uint32_t>(98 + random.Below(2)),
                  random.Chance(0.6) ? std::optional(flags) : std::nullopt);
      }
      if (i % 10 == 0) child.Check();
      ASSERT_FALSE(HasFailure());
    }
    child.WalkToTheEnd();
    child.Check();
    ASSERT_TRUE(child.walk().MatcherOf({}).TreatsAlike(*newest));
  }
  EXPECT_GT(replaced_under_way, 300u);
}

}  // namespace
}  // namespace strata::manager::federation
