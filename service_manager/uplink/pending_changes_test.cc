#include "service_manager/uplink/pending_changes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "common/random.h"
#include "service_manager/federation/feed/range_digests.h"
#include "service_manager/federation/policy/projection.h"
#include "service_manager/uplink/recent_uris.h"
#include "service_manager/uplink/told_changes.h"
#include "service_manager/uplink/uri_book.h"

namespace strata::manager::uplink {
namespace {

using directory::Holder;
using directory::Location;
using directory::LocationFlags;
using federation::CopyChange;
using federation::CopyChanges;
using federation::Forward;
using federation::Treatment;
using std::chrono::seconds;

constexpr Timestamp kNow = Timestamp::FromNanos(1'000'000'000);
constexpr farm::ContentKey kKey{1, 2};
constexpr Holder kA(101);
constexpr Holder kB(102);
constexpr Holder kScope(UINT32_MAX);

std::map<Holder, LocationFlags> AsMap(const Copies& copies) {
  std::map<Holder, LocationFlags> map;
  for (const Location& copy : copies) map[copy.holder] = copy.flags;
  return map;
}

// An index, which tells what changes.
class PendingChangesTest : public ::testing::Test {
 protected:
  using Index = std::map<farm::ContentKey, std::map<Holder, LocationFlags>>;

  Copies CopiesOf(const farm::ContentKey& key) const {
    Copies copies;
    const auto found = index_.find(key);
    if (found == index_.end()) return copies;
    for (const auto& [holder, flags] : found->second) copies.push_back({holder, flags});
    return copies;
  }
  void Change(const farm::ContentKey& key, Holder holder, std::optional<LocationFlags> flags,
              uint64_t size = 0, std::string_view uri = {}) {
    DirectoryChange change{.key = key, .holder = holder, .uri = uri};
    std::map<Holder, LocationFlags>& copies = index_[key];
    if (const auto found = copies.find(holder); found != copies.end()) {
      change.before = found->second;
    }
    if (flags) {
      copies[holder] = *flags;
      change.copy = federation::FeedCopy{.flags = *flags, .size_bytes = size};
    } else {
      copies.erase(holder);
    }
    pending_.OnChange(
        change, {}, [&] { return CopiesOf(key); }, kNow);
    if (copies.empty()) index_.erase(key);
  }
  // The next group, once it is stored.
  ChangeGroup TakeAll() {
    pending_.OnStored(pending_.Mark(), 1);
    auto group = pending_.Take(1);
    return group ? *std::move(group) : ChangeGroup();
  }

  Index index_;
  PendingChanges pending_{1000, 4};
};

TEST_F(PendingChangesTest, AGroupIsGivenOnceItIsDurable) {
  Change(kKey, kA, 2, 100, "http://a/b");
  const uint64_t first = pending_.Mark();
  Change(kKey, kB, 3);
  const uint64_t second = pending_.Mark();
  EXPECT_FALSE(pending_.Take(9)) << "nobody said where it is stored";
  pending_.OnStored(first, 5);
  EXPECT_FALSE(pending_.Take(4));
  EXPECT_FALSE(pending_.HasTaken(first));
  const auto group = pending_.Take(5);
  ASSERT_TRUE(group);
  ASSERT_EQ(group->contents.size(), 1u);
  EXPECT_TRUE(group->contents[0].second.before.empty());
  EXPECT_EQ(AsMap(group->contents[0].second.After()), (std::map<Holder, LocationFlags>{{kA, 2}}));
  EXPECT_EQ(group->contents[0].second.uri, "http://a/b");
  EXPECT_TRUE(pending_.HasTaken(first));
  EXPECT_FALSE(pending_.HasTaken(second));
  EXPECT_FALSE(pending_.Take(9));
  pending_.OnStored(second, 9);
  EXPECT_TRUE(pending_.Take(9));
  EXPECT_EQ(pending_.pieces(), 0u);
}

TEST_F(PendingChangesTest, AMarkIsTakenWithTheGroupThatItsChangesJoined) {
  PendingChanges joining(1000, 1);
  const auto put = [&](const farm::ContentKey& key) {
    joining.OnChange(
        {.key = key, .holder = kA, .copy = federation::FeedCopy{}}, {},
        [] {
          return Copies{{kA, 0}};
        },
        kNow);
  };
  put({1, 1});
  const uint64_t first = joining.Mark();
  EXPECT_EQ(joining.Mark(), first) << "nothing came";
  put({2, 2});
  const uint64_t second = joining.Mark();
  joining.OnStored(first, 1);
  EXPECT_FALSE(joining.Take(9)) << "a part of it is not stored";
  EXPECT_FALSE(joining.HasTaken(first));
  put({3, 3});
  joining.OnStored(second, 2);
  EXPECT_EQ(joining.Take(2)->contents.size(), 2u);
  EXPECT_TRUE(joining.HasTaken(first));
  EXPECT_TRUE(joining.HasTaken(second));
  EXPECT_FALSE(joining.HasTaken(joining.Mark()));
}

TEST_F(PendingChangesTest, WhatComesAndGoesWithinAGroupIsOneChange) {
  for (int i = 0; i < 100; ++i) {
    Change(kKey, kA, 2);
    Change(kKey, kA, std::nullopt);
  }
  EXPECT_LE(pending_.pieces(), 3u);
  const ChangeGroup group = TakeAll();
  ASSERT_EQ(group.contents.size(), 1u);
  EXPECT_TRUE(group.contents[0].second.After().empty());
  EXPECT_EQ(group.contents[0].second.touched.size(), 1u);
}

TEST_F(PendingChangesTest, TheLastWordAboutACopyCounts) {
  Change(kKey, kA, 2, 100);
  Change(kKey, kA, 2, 200);
  const ChangeGroup group = TakeAll();
  ASSERT_EQ(group.contents[0].second.touched.size(), 1u);
  const TouchedCopy& copy = group.contents[0].second.touched[0];
  EXPECT_EQ(copy.before, std::nullopt);
  EXPECT_EQ(copy.after, LocationFlags{2});
  EXPECT_EQ(copy.size_bytes, 200u);
}

TEST_F(PendingChangesTest, WhatFindsNoRoomIsForgottenAndItsRangeSaysSo) {
  PendingChanges small(4, 4);
  const auto put = [&](const farm::ContentKey& key) {
    small.OnChange(
        {.key = key, .holder = kA, .copy = federation::FeedCopy{}}, {},
        [] {
          return Copies{{kA, 0}};
        },
        kNow);
  };
  put({0, 1});
  put({0, 2});
  EXPECT_FALSE(small.has_forgotten());
  put(federation::FirstKeyOf(7));
  EXPECT_TRUE(small.has_forgotten());
  EXPECT_TRUE(small.HasForgotten(7));
  EXPECT_FALSE(small.HasForgotten(0));
  EXPECT_EQ(small.pieces(), 4u);
  small.OnStored(small.Mark(), 1);
  const auto group = small.Take(1);
  ASSERT_TRUE(group);
  EXPECT_EQ(group->contents.size(), 2u);
  EXPECT_EQ(group->forgotten.size(), 1u);
  EXPECT_TRUE(group->forgotten.Contains(7));
  put({0, 1});
  EXPECT_FALSE(small.has_forgotten()) << "there is room again";
}

TEST_F(PendingChangesTest, AUriAloneIsAChangeOfTheContent) {
  Change(kKey, kA, 2);
  TakeAll();
  EXPECT_EQ(pending_.FindUri(kKey), "");
  pending_.OnUri(kKey, "http://a/b", [&] { return CopiesOf(kKey); });
  EXPECT_EQ(pending_.FindUri(kKey), "http://a/b");
  const ChangeGroup group = TakeAll();
  ASSERT_EQ(group.contents.size(), 1u);
  EXPECT_EQ(group.contents[0].second.uri, "http://a/b");
  EXPECT_EQ(AsMap(group.contents[0].second.before), AsMap(group.contents[0].second.After()));
}

TEST_F(PendingChangesTest, AUriThatIsForgottenIsKept) {
  pending_.OnChange(
      {.key = kKey, .holder = kA, .before = LocationFlags{2}, .forgets_uri = true}, "http://a/b",
      [] { return Copies(); }, kNow);
  EXPECT_EQ(pending_.FindUri(kKey), "http://a/b");
  EXPECT_EQ(AsMap(pending_.FindFirst(kKey)->before), (std::map<Holder, LocationFlags>{{kA, 2}}));
}

// A copy that comes, changes or goes; nothing: it is not there, and is to go.
std::optional<DirectoryChange> ChangeOf(std::map<Holder, LocationFlags>& copies,
                                        DirectoryChange change, SeededRandom& random) {
  if (copies.contains(change.holder)) change.before = copies[change.holder];
  if (random.Chance(0.6)) {
    change.copy = federation::FeedCopy{.flags = LocationFlags(random.Below(4))};
    copies[change.holder] = change.copy->flags;
    return change;
  }
  if (!change.before) return std::nullopt;
  copies.erase(change.holder);
  return change;
}

// Whatever happens: what was taken, one after the other, is what the index was at each mark; and
// what was taken last of a content is as it was before what waits.
TEST(PendingChangesModelTest, GivesTheIndexAsItWas) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    PendingChanges pending(100'000, 1 + random.Below(3));
    std::map<farm::ContentKey, std::map<Holder, LocationFlags>> index, told;
    uint64_t batch = 0;
    std::vector<uint64_t> marks;
    const auto copies_of = [&](const farm::ContentKey& key) {
      Copies copies;
      for (const auto& [holder, flags] : index[key]) copies.push_back({holder, flags});
      return copies;
    };
    for (int step = 0; step < 300; ++step) {
      const farm::ContentKey key{random.Below(6), 0};
      const Holder holder(static_cast<uint32_t>(1 + random.Below(5)));
      switch (random.Below(8)) {
        case 0:
          marks.push_back(pending.Mark());
          break;
        case 1:
          if (marks.empty()) break;
          pending.OnStored(marks.back(), ++batch);
          marks.clear();
          break;
        case 2:
          if (auto group = pending.Take(random.Below(batch + 1))) {
            for (auto& [changed, change] : group->contents) {
              ASSERT_EQ(AsMap(change.before), told[changed]);
              told[changed] = AsMap(change.After());
            }
          }
          break;
        default: {
          const auto change = ChangeOf(index[key], {.key = key, .holder = holder}, random);
          if (!change) break;
          pending.OnChange(
              *change, {}, [&] { return copies_of(key); }, kNow);
        }
      }
      for (uint64_t high = 0; high < 6; ++high) {
        const farm::ContentKey each{high, 0};
        const ContentChange* const first = pending.FindFirst(each);
        ASSERT_EQ(first == nullptr ? index[each] : AsMap(first->before), told[each]);
      }
    }
    pending.OnStored(pending.Mark(), ++batch);
    while (auto group = pending.Take(batch)) {
      for (auto& [changed, change] : group->contents) told[changed] = AsMap(change.After());
    }
    EXPECT_EQ(told, index);
    EXPECT_EQ(pending.pieces(), 0u);
    EXPECT_EQ(pending.contents(), 0u);
  }
}

// ---- What is told.

ContentChange ChangeOf(const Copies& before, const std::vector<CopyChange>& touched) {
  ContentChange change{.before = before};
  for (const CopyChange& one : touched) {
    change.touched.push_back({.holder = one.holder, .before = one.before, .after = one.after});
  }
  return change;
}

TEST(ChangesToTellTest, ACopyThatIsThereAsBeforeIsToldAnew) {
  const ContentChange change = ChangeOf({{kA, 2}, {kB, 2}}, {{kA, 2, 2}});
  EXPECT_EQ(ChangesToTell(change, {}, kScope, false), (CopyChanges{{kA, 2, 2}}));
}

TEST(ChangesToTellTest, AsAScopeItIsNot) {
  const Treatment scope{.library = Forward::kScope, .cache = Forward::kScope};
  const ContentChange change = ChangeOf({{kA, 2}, {kB, 2}}, {{kA, 2, 2}});
  EXPECT_EQ(ChangesToTell(change, {scope, scope}, kScope, false), CopyChanges());
  EXPECT_EQ(ChangesToTell(change, {scope, scope}, kScope, true), (CopyChanges{{kScope, 2, 2}}));
}

TEST(ChangesToTellTest, AUriIsToldWithOneCopy) {
  const ContentChange change = ChangeOf({{kB, 2}, {kA, 3}}, {});
  EXPECT_EQ(ChangesToTell(change, {}, kScope, false), CopyChanges());
  EXPECT_EQ(ChangesToTell(change, {}, kScope, true), (CopyChanges{{kA, 3, 3}}));
  const ContentChange new_copy = ChangeOf({{kB, 2}}, {{kA, std::nullopt, 3}});
  EXPECT_EQ(ChangesToTell(new_copy, {}, kScope, true), (CopyChanges{{kA, std::nullopt, 3}}));
}

TEST(ChangesToTellTest, AnotherTreatmentIsADifferenceToo) {
  const Treatment none{.library = Forward::kNone, .cache = Forward::kNone};
  const ContentChange change = ChangeOf({{kA, 2}}, {{kB, std::nullopt, 2}});
  EXPECT_EQ(ChangesToTell(change, {{}, none}, kScope, false), (CopyChanges{{kA, 2, std::nullopt}}));
  EXPECT_EQ(ChangesToTell(change, {none, {}}, kScope, false),
            (CopyChanges{{kA, std::nullopt, 2}, {kB, std::nullopt, 2}}));
}

// ---- URIs.

TEST(UriBookTest, ContentsWaitUntilTheirTimeIsOver) {
  UriBook book(2, 1);
  book.Wait({1, 1}, {.change = {}, .until = kNow + seconds(1)});
  book.Wait({2, 2}, {.change = {}, .until = kNow + seconds(2)});
  EXPECT_FALSE(book.HasRoom());
  EXPECT_EQ(book.next_due(), kNow + seconds(1));
  EXPECT_FALSE(book.TakeDue(kNow));
  const auto due = book.TakeDue(kNow + seconds(1));
  ASSERT_TRUE(due);
  EXPECT_EQ(due->first, (farm::ContentKey{1, 1}));
  EXPECT_FALSE(book.TakeDue(kNow + seconds(1)));
  EXPECT_TRUE(book.Take({2, 2}));
  EXPECT_FALSE(book.Take({2, 2}));
  EXPECT_FALSE(book.TakeDue(kNow + seconds(9)));
  EXPECT_EQ(book.waiting(), 0u);
}

TEST(UriBookTest, WhoWaitsOnKeepsItsTime) {
  UriBook book(9, 1);
  book.Wait({1, 1}, {.change = {}, .until = kNow + seconds(1)});
  book.Wait({2, 2}, {.change = {}, .until = kNow + seconds(2)});
  book.Wait({1, 1}, *book.Take({1, 1}));
  EXPECT_EQ(book.TakeDue(kNow + seconds(1))->first, (farm::ContentKey{1, 1}));
  // One that was taken, and waits anew.
  book.Take({2, 2});
  book.Wait({2, 2}, {.change = {}, .until = kNow + seconds(5)});
  EXPECT_FALSE(book.TakeDue(kNow + seconds(4)));
  EXPECT_TRUE(book.TakeDue(kNow + seconds(5)));
}

TEST(UriBookTest, RemembersSoManyThatWereToldWithout) {
  UriBook book(1, 1);
  EXPECT_TRUE(book.AddWithout({1, 1}));
  EXPECT_FALSE(book.AddWithout({2, 2}));
  EXPECT_TRUE(book.AddWithout({1, 1}));
  EXPECT_TRUE(book.IsWithout({1, 1}));
  EXPECT_FALSE(book.IsWithout({2, 2}));
  federation::RangeSet ranges;
  ranges.Insert(1);
  book.RemoveWithout(ranges);
  EXPECT_TRUE(book.IsWithout({1, 1})) << "of range 0";
  ranges.Insert(0);
  book.RemoveWithout(ranges);
  EXPECT_FALSE(book.IsWithout({1, 1}));
  EXPECT_TRUE(book.AddWithout({2, 2}));
}

TEST(RecentUrisTest, KeepsTheLast) {
  RecentUris recent(100);
  for (uint64_t n = 0; n < 1000; ++n) recent.Put({n, n}, "http://a/" + std::to_string(n));
  for (uint64_t n = 951; n < 1000; ++n) {
    EXPECT_EQ(recent.Find({n, n}), "http://a/" + std::to_string(n));
  }
  EXPECT_EQ(recent.Find({0, 0}), "");
  size_t kept = 0;
  for (uint64_t n = 0; n < 1000; ++n) kept += recent.Find({n, n}).empty() ? 0 : 1;
  EXPECT_LE(kept, 100u);
}

}  // namespace
}  // namespace strata::manager::uplink
