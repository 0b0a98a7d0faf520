#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <set>

#include "common/random.h"
#include "common/status.h"
#include "service_manager/store/rocks_store.h"

// Contents in the order of their keys, with all that a store has of them.

namespace strata::manager::store {
namespace {

using directory::Holder;

constexpr farm::ContentKey kFirst{};
constexpr farm::ContentKey kLast{UINT64_MAX, UINT64_MAX};

// What a visit showed, to be kept.
struct Seen {
  farm::ContentKey key;
  std::string uri;
  std::vector<StoredLocation> locations;

  friend bool operator==(const Seen&, const Seen&) = default;
};

StoredLocation Stored(const farm::ContentKey& key, uint32_t holder) {
  StoredLocation stored;
  stored.key = key;
  stored.location = {.holder = Holder(holder), .flags = directory::kComplete};
  return stored;
}

class ContentsTest : public testing::Test {
 protected:
  ContentsTest() {
    std::filesystem::remove_all(folder_);
    auto opened = RocksStore::Open(
        {.folder = folder_, .on_synced = [] {}, .env = nullptr, .write_buffer_bytes = 64 << 10});
    EXPECT_TRUE(opened.ok()) << MessageOf(opened.status());
    store_ = *std::move(opened);
  }
  ~ContentsTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::vector<Seen> Visit(const farm::ContentKey& first, const farm::ContentKey& last,
                          size_t at_most) {
    std::vector<Seen> seen;
    const auto visited = store_->VisitContents(first, last, [&](const ContentView& content) {
      seen.push_back({content.key,
                      std::string(content.uri),
                      {content.locations.begin(), content.locations.end()}});
      return seen.size() < at_most;
    });
    EXPECT_TRUE(visited.ok()) << MessageOf(visited.status());
    return seen;
  }
  std::vector<Seen> VisitAll(const farm::ContentKey& first = kFirst,
                             const farm::ContentKey& last = kLast) {
    return Visit(first, last, SIZE_MAX);
  }

  const std::string folder_ = testing::TempDir() + "/contents";
  std::unique_ptr<RocksStore> store_;
};
class ContentsOfSeedsTest : public ContentsTest, public testing::WithParamInterface<uint64_t> {};

TEST_F(ContentsTest, EachHasItsUriAndItsLocationsInTheOrderOfHolders) {
  const farm::ContentKey one{1, 1};
  const farm::ContentKey two{1, 2};
  LocationBatch batch;
  batch.stored = {Stored(two, 7), Stored(one, 2), Stored(two, UINT32_MAX)};
  batch.stored[0].validator = "\"v1\"";
  batch.stored[0].remaining = std::chrono::seconds(60);
  batch.uris = {
      {{0, 5}, "http://no.location/"}, {two, "http://two/"}, {{9, 9}, "http://nor.here/"}};
  ASSERT_TRUE(store_->Apply(batch).ok());
  const std::vector<Seen> expected = {{one, "", {batch.stored[1]}},
                                      {two, "http://two/", {batch.stored[0], batch.stored[2]}}};
  EXPECT_EQ(VisitAll(), expected);
  EXPECT_EQ(VisitAll(one, two), expected);
  EXPECT_EQ(VisitAll(two, two), std::vector<Seen>{expected[1]});
  EXPECT_EQ(VisitAll({1, 3}, kLast), std::vector<Seen>());
  EXPECT_EQ(VisitAll(two, one), std::vector<Seen>());
  EXPECT_EQ(Visit(kFirst, kLast, 1), std::vector<Seen>{expected[0]});
}

TEST_F(ContentsTest, TheHighestKeyHasAllOfItsLocations) {
  LocationBatch batch;
  batch.stored = {Stored(kLast, 0), Stored(kLast, UINT32_MAX)};
  ASSERT_TRUE(store_->Apply(batch).ok());
  EXPECT_EQ(VisitAll(kLast, kLast), (std::vector<Seen>{{kLast, "", batch.stored}}));
}

TEST_F(ContentsTest, TellsWhenWhatWasVisitedIsDurable) {
  const auto ignore = [](const ContentView&) { return true; };
  EXPECT_EQ(store_->VisitContents(kFirst, kLast, ignore).value(), 0u);
  ASSERT_TRUE(store_->Apply({.stored = {Stored({1, 1}, 1)}}).ok());
  ASSERT_TRUE(store_->Apply({.stored = {Stored({2, 1}, 1)}}).ok());
  EXPECT_EQ(store_->VisitContents(kFirst, kLast, ignore).value(), 2u);
}

TEST_F(ContentsTest, WhatIsWrittenDuringAVisitIsNotSeen) {
  ASSERT_TRUE(store_->Apply({.stored = {Stored({1, 1}, 1), Stored({3, 1}, 1)}}).ok());
  size_t seen = 0;
  const auto visited = store_->VisitContents(kFirst, kLast, [&](const ContentView& content) {
    ++seen;
    EXPECT_EQ(content.uri, "");
    LocationBatch batch;
    batch.stored.push_back(Stored({2, 1}, 1));
    batch.gone.push_back({{3, 1}, Holder(1)});
    batch.uris.push_back({{3, 1}, "http://late/"});
    EXPECT_TRUE(store_->Apply(batch).ok());
    return true;
  });
  EXPECT_EQ(visited.value(), 1u);
  EXPECT_EQ(seen, 2u);
}

// A map of maps beside it, over several files of the store.
TEST_P(ContentsOfSeedsTest, AllStepsTogetherAreAllThatIsThere) {
  SCOPED_TRACE(testing::Message() << "seed " << GetParam());
  SeededRandom random(GetParam());
  std::map<farm::ContentKey, Seen> model;
  const auto key = [&random] { return farm::ContentKey{random.Below(50) << 58, random.Below(40)}; };
  for (int round = 0; round < 60; ++round) {
    LocationBatch batch;
    std::set<std::pair<farm::ContentKey, uint32_t>> touched;
    std::set<farm::ContentKey> named;
    for (int i = 0; i < 100; ++i) {
      StoredLocation stored = Stored(key(), static_cast<uint32_t>(random.Below(4)));
      stored.validator = std::string(random.Below(60), 'v');
      if (!touched.insert({stored.key, stored.location.holder.value()}).second) continue;
      Seen& content = model[stored.key];
      std::erase_if(content.locations, [&](const auto& other) {
        return other.location.holder == stored.location.holder;
      });
      if (random.Chance(0.4)) {
        batch.gone.push_back({stored.key, stored.location.holder});
      } else {
        content.locations.push_back(stored);
        batch.stored.push_back(stored);
      }
      if (!named.insert(stored.key).second) continue;
      content.uri = random.Chance(0.2) ? "" : "http://example.test/" + std::to_string(round);
      batch.uris.push_back({stored.key, content.uri});
    }
    ASSERT_TRUE(store_->Apply(batch).ok());
  }
  std::vector<Seen> expected;
  for (auto& [place, content] : model) {
    if (content.locations.empty()) continue;
    content.key = place;
    std::ranges::sort(content.locations, {},
                      [](const auto& stored) { return stored.location.holder; });
    expected.push_back(content);
  }
  EXPECT_EQ(VisitAll(), expected);
  std::vector<Seen> stepwise;
  farm::ContentKey from = kFirst;
  while (true) {
    const std::vector<Seen> step = Visit(from, kLast, 1 + random.Below(70));
    if (step.empty()) break;
    stepwise.insert(stepwise.end(), step.begin(), step.end());
    from = step.back().key;
    ++from.low;
  }
  EXPECT_EQ(stepwise, expected);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ContentsOfSeedsTest, testing::Range<uint64_t>(1, 6));

}  // namespace
}  // namespace strata::manager::store
