#include "service_manager/directory/location_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "service_manager/directory/location_digest.h"
#include "service_manager/directory/location_reader.h"

namespace strata::manager::directory {
namespace {

farm::ContentKey Key(uint64_t n) { return {.high = Mixed(n), .low = Mixed(~n)}; }
Location At(uint32_t holder, LocationFlags flags = 0) {
  return {.holder = Holder(holder), .flags = flags};
}

class LocationIndexTest : public testing::Test {
 protected:
  std::vector<Location> Found(const farm::ContentKey& key) {
    std::vector<Location> found(kLocationsPerKeyMax);
    found.resize(index_.Find(key, found));
    std::ranges::sort(found);
    return found;
  }

  SeededRandom random_{1};
  LocationIndex index_{random_};
};

TEST_F(LocationIndexTest, KnowsNothingAtFirst) {
  EXPECT_FALSE(index_.Contains(Key(1)));
  EXPECT_EQ(index_.size(), 0u);
  EXPECT_FALSE(index_.Remove(Key(1), Holder(1)));
}

TEST_F(LocationIndexTest, FindsTheHoldersOfAContent) {
  EXPECT_EQ(index_.Add(Key(1), At(5, kComplete)), AddResult::kAdded);
  EXPECT_EQ(index_.Add(Key(1), At(0)), AddResult::kAdded);
  EXPECT_EQ(index_.Add(Key(2), At(5)), AddResult::kAdded);
  EXPECT_EQ(Found(Key(1)), (std::vector{At(0), At(5, kComplete)}));
  EXPECT_EQ(Found(Key(2)), std::vector{At(5)});
  EXPECT_EQ(index_.size(), 2u);
  EXPECT_EQ(index_.locations(), 3u);
}

TEST_F(LocationIndexTest, ChangesFlagsWhereTheyAre) {
  for (uint32_t holder = 0; holder < 10; ++holder) index_.Add(Key(1), At(holder));
  for (uint32_t holder = 0; holder < 10; ++holder) {
    EXPECT_EQ(index_.Add(Key(1), At(holder)), AddResult::kUnchanged);
    EXPECT_EQ(index_.Add(Key(1), At(holder, kLibrary)), AddResult::kChanged);
  }
  EXPECT_EQ(Found(Key(1))[9], At(9, kLibrary));
  EXPECT_EQ(index_.locations(), 10u);
}

TEST_F(LocationIndexTest, TellsHowManyThereAreWhenNotAllFit) {
  for (uint32_t holder = 0; holder < 10; ++holder) index_.Add(Key(1), At(holder));
  std::vector<Location> two(2);
  EXPECT_EQ(index_.Find(Key(1), two), 10u);
  EXPECT_NE(two[0].holder, two[1].holder);
}

TEST_F(LocationIndexTest, HasAContentWithManyLocationsAndRefusesMore) {
  for (uint32_t i = 0; i < kLocationsPerKeyMax; ++i) {
    ASSERT_EQ(index_.Add(Key(1), At(i)), AddResult::kAdded) << i;
  }
  EXPECT_EQ(index_.Add(Key(1), At(kLocationsPerKeyMax)), AddResult::kTooMany);
  EXPECT_EQ(index_.locations(), kLocationsPerKeyMax);
  for (uint32_t i = 0; i < kLocationsPerKeyMax; ++i) ASSERT_TRUE(index_.Remove(Key(1), Holder(i)));
  EXPECT_FALSE(index_.Contains(Key(1)));
  EXPECT_EQ(index_.size(), 0u);
}

TEST_F(LocationIndexTest, DigestIsThatOfItsLocationsInWhateverOrder) {
  LocationIndex other(random_);
  for (uint64_t n = 0; n < 100; ++n) index_.Add(Key(n), At(static_cast<uint32_t>(n % 3)));
  other.Add(Key(1000), At(9));
  for (uint64_t n = 100; n-- > 0;) other.Add(Key(n), At(static_cast<uint32_t>(n % 3), kLibrary));
  for (uint64_t n = 0; n < 100; ++n) other.Add(Key(n), At(static_cast<uint32_t>(n % 3)));
  other.Remove(Key(1000), Holder(9));
  for (uint32_t range = 0; range < kRanges; ++range) {
    EXPECT_EQ(index_.digest(range), other.digest(range));
  }
  EXPECT_EQ(index_.digest(LocationIndex::RangeOf(Key(1))), DigestOf(Key(1), At(1)));
  other.Add(Key(1), At(1, kComplete));
  const uint32_t range = LocationIndex::RangeOf(Key(1));
  EXPECT_NE(index_.digest(range), other.digest(range));
}

TEST(LocationDigestTest, NeverChanges) {
  const farm::ContentKey key{.high = 0x0123456789abcdef, .low = 0xfedcba9876543210};
  EXPECT_EQ(DigestOf(key, At(7, kComplete)), 0x582c9fe4d22cae1a);
}

TEST_F(LocationIndexTest, ReadsARangeInOrder) {
  for (uint64_t n = 0; n < 20000; ++n) index_.Add(Key(n), At(1));
  StatusOr<LocationReader> reader = LocationReader::Register(index_);
  ASSERT_TRUE(reader.ok());
  LocationReader::Session session(*reader);
  size_t seen = 0;
  for (uint32_t range = 0; range < kRanges; ++range) {
    farm::ContentKey last;
    session.VisitRange(range, [&](const farm::ContentKey& key, std::span<const Location>) {
      EXPECT_EQ(LocationIndex::RangeOf(key), range);
      EXPECT_LE(last, key);
      last = key;
      ++seen;
    });
  }
  EXPECT_EQ(seen, 20000u);
}

TEST_F(LocationIndexTest, RemovesAHolderThoughItsTablesAreReplacedMeanwhile) {
  for (uint64_t n = 0; n < 20000; ++n) index_.Add(Key(n), At(static_cast<uint32_t>(n % 2)));
  HolderRemoval removal{.holder = Holder(0)};
  for (uint64_t n = 20000; !removal.done(); n += 50) {
    index_.Continue(removal, 100, [](const auto&, const auto&) {});
    for (uint64_t i = 0; i < 50; ++i) index_.Add(Key(n + i), At(1));
  }
  EXPECT_EQ(removal.removed, 10000u);
}

TEST_F(LocationIndexTest, RemovesAHolderInSteps) {
  constexpr uint64_t kContents = 50000;
  for (uint64_t n = 0; n < kContents; ++n) {
    for (uint32_t holder = 0; holder < 1 + n % 6; ++holder)
      index_.Add(Key(n), At(holder, kLibrary));
  }
  HolderRemoval removal{.holder = Holder(0)};
  uint64_t seen = 0;
  int steps = 0;
  while (!removal.done()) {
    index_.Continue(removal, 1000, [&](const farm::ContentKey&, const Location& location) {
      EXPECT_EQ(location, At(0, kLibrary));
      ++seen;
    });
    ++steps;
  }
  EXPECT_GT(steps, 10);
  EXPECT_EQ(seen, kContents);
  EXPECT_EQ(removal.removed, kContents);
  EXPECT_EQ(index_.size(), kContents - (kContents + 5) / 6);
  EXPECT_FALSE(index_.Contains(Key(0)));
  EXPECT_EQ(Found(Key(2)), (std::vector{At(1, kLibrary), At(2, kLibrary)}));
}

TEST_F(LocationIndexTest, GivesMemoryToOthersWhenContentsGo) {
  constexpr uint64_t kContents = 200000;
  for (uint64_t n = 0; n < kContents; ++n) index_.Add(Key(n), At(1));
  const size_t full = index_.memory_bytes();
  for (int round = 0; round < 5; ++round) {
    for (uint64_t n = 0; n < kContents; ++n) index_.Remove(Key(n), Holder(1));
    for (uint64_t n = 0; n < kContents; ++n) index_.Add(Key(n + 1000000), At(1));
    for (uint64_t n = 0; n < kContents; ++n) index_.Remove(Key(n + 1000000), Holder(1));
    for (uint64_t n = 0; n < kContents; ++n) index_.Add(Key(n), At(1));
  }
  EXPECT_LE(index_.memory_bytes(), full + 2 * kArenaBytes);
  EXPECT_EQ(index_.size(), kContents);
  EXPECT_EQ(index_.retired(), 0u);
}

TEST_F(LocationIndexTest, ChurnOfKeysThatNeverReturnDoesNotGrowIt) {
  constexpr uint64_t kContents = 200000;
  for (uint64_t n = 0; n < kContents; ++n) index_.Add(Key(n), At(1));
  const size_t full = index_.memory_bytes();
  for (uint64_t n = 0; n < 3 * kContents; ++n) {
    index_.Add(Key(n + kContents), At(1));
    index_.Remove(Key(n), Holder(1));
  }
  EXPECT_EQ(index_.size(), kContents);
  EXPECT_LE(index_.memory_bytes(), full + full / 8 + kArenaBytes);
}

constexpr uint32_t kNobody = 1'000'000;  // Holds nothing.

// The dumb twin: a map of maps.
class LocationIndexTwinTest : public testing::TestWithParam<uint64_t> {
 protected:
  using Twin = std::map<farm::ContentKey, std::map<Holder, LocationFlags>>;

  void Step() {
    const farm::ContentKey key = Key(random_.Below(keys_));
    const Holder holder(static_cast<uint32_t>(random_.Below(random_.Chance(0.1) ? 40 : 3)));
    if (random_.Chance(adding_)) {
      const Location location{holder, static_cast<LocationFlags>(random_.Below(4))};
      const auto [found, added] = twin_[key].try_emplace(holder, location.flags);
      const AddResult expected = added                             ? AddResult::kAdded
                                 : found->second == location.flags ? AddResult::kUnchanged
                                                                   : AddResult::kChanged;
      found->second = location.flags;
      ASSERT_EQ(index_.Add(key, location), expected);
    } else {
      const auto at = twin_.find(key);
      const bool there = at != twin_.end() && at->second.erase(holder) > 0;
      if (there && at->second.empty()) twin_.erase(at);
      ASSERT_EQ(index_.Remove(key, holder), there);
    }
  }

  void RemoveSomeHolder() {
    const Holder holder(static_cast<uint32_t>(random_.Below(40)));
    uint64_t removed = 0;
    for (auto at = twin_.begin(); at != twin_.end();) {
      removed += at->second.erase(holder);
      at = at->second.empty() ? twin_.erase(at) : std::next(at);
    }
    HolderRemoval removal{.holder = holder};
    while (!removal.done()) index_.Continue(removal, 5000, [](const auto&, const auto&) {});
    ASSERT_EQ(removal.removed, removed);
  }

  void Compare() {
    auto at = twin_.begin();
    StatusOr<LocationReader> reader = LocationReader::Register(index_);
    ASSERT_TRUE(reader.ok());
    LocationReader::Session session(*reader);
    size_t locations = 0;
    std::vector<uint64_t> digests(kRanges);
    for (uint32_t part = 0; part < kParts; ++part) {
      session.VisitPart(part, [&](const farm::ContentKey& key, std::span<const Location> found) {
        ASSERT_NE(at, twin_.end());
        ASSERT_EQ(key, at->first);
        ASSERT_EQ(found.size(), at->second.size());
        auto expected = at->second.begin();
        for (const Location& location : found) {
          ASSERT_EQ(location, (Location{expected->first, expected->second}));
          ASSERT_EQ(index_.FlagsOf(key, location.holder), location.flags);
          digests[LocationIndex::RangeOf(key)] += DigestOf(key, location);
          ++expected;
        }
        locations += found.size();
        ++at;
      });
    }
    for (uint32_t range = 0; range < kRanges; ++range) {
      ASSERT_EQ(index_.digest(range), digests[range]);
    }
    ASSERT_EQ(at, twin_.end());
    ASSERT_EQ(index_.size(), twin_.size());
    ASSERT_EQ(index_.locations(), locations);
    for (uint64_t n = 0; n < keys_; ++n) {
      const auto expected = twin_.find(Key(n));
      ASSERT_EQ(session.Find(Key(n), {}), expected == twin_.end() ? 0 : expected->second.size());
      ASSERT_EQ(index_.FlagsOf(Key(n), Holder(kNobody)), std::nullopt);
    }
  }

  SeededRandom random_{GetParam()};
  const uint64_t keys_ = random_.Chance(0.5) ? 300 : 30000;
  double adding_ = 0.5;
  LocationIndex index_{random_};
  Twin twin_;
};

TEST_P(LocationIndexTwinTest, DoesWhatAMapDoes) {
  for (int phase = 0; phase < 8; ++phase) {
    adding_ = random_.Chance(0.5) ? 0.8 : 0.3;
    for (int i = 0; i < 20000 && !HasFatalFailure(); ++i) Step();
    if (random_.Chance(0.5)) RemoveSomeHolder();
    Compare();
    ASSERT_FALSE(HasFatalFailure()) << "seed " << GetParam() << ", phase " << phase;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LocationIndexTwinTest, testing::Range<uint64_t>(0, 10));

TEST(LocationReaderTest, IsRefusedWhenAllPlacesAreTaken) {
  SeededRandom random(1);
  LocationIndex index(random);
  std::vector<LocationReader> readers;
  for (size_t i = 0; i < kReadersMax; ++i) {
    StatusOr<LocationReader> reader = LocationReader::Register(index);
    ASSERT_TRUE(reader.ok());
    readers.push_back(*std::move(reader));
  }
  EXPECT_EQ(LocationReader::Register(index).status().code(), StatusCode::kResourceExhausted);
  readers.pop_back();
  EXPECT_TRUE(LocationReader::Register(index).ok());
}

TEST(LocationReaderTest, ASessionKeepsRetiredMemoryUntilItsNextRead) {
  SeededRandom random(1);
  LocationIndex index(random);
  index.Add(Key(0), At(0));
  StatusOr<LocationReader> reader = LocationReader::Register(index);
  ASSERT_TRUE(reader.ok());
  LocationReader::Session session(*reader);
  EXPECT_TRUE(session.Contains(Key(0)));
  for (uint64_t n = 1; n < 100000; ++n) index.Add(Key(n), At(0));
  EXPECT_GT(index.retired(), 0u);
  EXPECT_TRUE(session.Contains(Key(99999)));
  index.Reclaim();
  EXPECT_EQ(index.retired(), 0u);
}

}  // namespace
}  // namespace strata::manager::directory
