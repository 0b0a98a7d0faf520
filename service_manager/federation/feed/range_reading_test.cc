#include "service_manager/federation/feed/range_reading.h"

#include <gtest/gtest.h>

#include <vector>

#include "service_manager/federation/feed/range_digests.h"

namespace strata::manager::federation {
namespace {

using directory::Holder;

constexpr uint32_t kRange = 16;
constexpr farm::ContentKey Key(uint64_t low) { return {FirstKeyOf(kRange).high, low}; }

// In the order of the numbers, for once.
HolderIdentity Identity(Holder holder) { return HolderIdentity(holder.value()); }

FeedItem Item(uint64_t key, uint32_t holder, std::string_view uri = {}) {
  return {.key = Key(key), .holder = Holder(holder), .uri = uri};
}
FeedChange There(uint64_t key, uint32_t holder, std::string_view uri = {}) {
  return {.key = Key(key), .holder = Holder(holder), .copy = FeedCopy{.flags = 2}, .uri = uri};
}
FeedItem ItemOf(const FeedChange& change) {
  return {.key = change.key, .holder = change.holder, .copy = *change.copy, .uri = change.uri};
}
FeedChange Gone(uint64_t key, uint32_t holder) {
  return {.key = Key(key), .holder = Holder(holder)};
}

class RangeReadingTest : public testing::Test {
 protected:
  // The first step: asked for, `changes` meanwhile, and these items found up to `last`.
  std::optional<RangeReading::Step> Read(const std::vector<FeedChange>& changes,
                                         const std::vector<FeedItem>& items,
                                         farm::ContentKey last = LastKeyOf(kRange)) {
    const FeedRead read = reading_.Ask(1, 100);
    for (const FeedChange& change : changes) reading_.Note(change);
    return reading_.Take(read, {.last = last, .items = items}, Identity);
  }

  RangeReading reading_{kRange, RangeReading::Purpose::kTell};
};

TEST_F(RangeReadingTest, AsksForTheRangeInSteps) {
  EXPECT_EQ(
      reading_.Ask(1, 100),
      (FeedRead{
          .number = 1, .first = FirstKeyOf(kRange), .last = LastKeyOf(kRange), .items = 100}));
  const auto step = Read({}, {Item(5, 1, "u")}, Key(7));
  ASSERT_TRUE(step);
  EXPECT_FALSE(reading_.Advance(*step));
  EXPECT_TRUE(reading_.IsBehind(Key(7)));
  EXPECT_FALSE(reading_.IsBehind(Key(8)));
  const FeedRead second = reading_.Ask(2, 100);
  EXPECT_EQ(second.first, Key(8));
  const auto last = reading_.Take(second, {.last = second.last, .items = {}}, Identity);
  ASSERT_TRUE(last);
  EXPECT_TRUE(reading_.Advance(*last));
}

TEST_F(RangeReadingTest, AsksForTheSameStepUntilItIsTaken) {
  const FeedRead read = reading_.Ask(1, 100);
  EXPECT_EQ(reading_.Ask(2, 100), read);
  reading_.AskAgain();
  EXPECT_EQ(reading_.Ask(2, 100).number, 2U);
  EXPECT_FALSE(reading_.Take(read, {.last = read.last, .items = {}}, Identity));
}

TEST_F(RangeReadingTest, GivesWhatWasFoundInTheOrderOfIdentities) {
  const auto step = Read({}, {Item(1, 9, "u"), Item(1, 3), Item(2, 5, "w")});
  ASSERT_TRUE(step);
  EXPECT_EQ(step->items, (std::vector{Item(1, 3, "u"), Item(1, 9), Item(2, 5, "w")}));
}

TEST_F(RangeReadingTest, LaysChangesOverWhatWasFound) {
  const auto step = Read({There(1, 3), Gone(2, 5), There(3, 4, "x"), There(3, 5), Gone(3, 4)},
                         {Item(1, 3, "u"), Item(2, 5, "w"), Item(2, 6)});
  ASSERT_TRUE(step);
  EXPECT_EQ(step->items,
            (std::vector{ItemOf(There(1, 3, "u")), Item(2, 6, "w"), ItemOf(There(3, 5, "x"))}));
}

TEST_F(RangeReadingTest, TheLastOfSeveralChangesCounts) {
  EXPECT_TRUE(Read({There(1, 3, "u"), Gone(1, 3)}, {})->items.empty());
  reading_.AskAgain();
  EXPECT_EQ(Read({Gone(1, 3), There(1, 3, "u")}, {Item(1, 3, "u")})->items,
            std::vector{ItemOf(There(1, 3, "u"))});
}

TEST_F(RangeReadingTest, ChangesBehindTheStepAreLeftToTheNextOne) {
  const auto step = Read({There(8, 1, "u")}, {}, Key(7));
  ASSERT_TRUE(step);
  EXPECT_TRUE(step->items.empty());
}

TEST_F(RangeReadingTest, ChangesBetweenStepsAreSeenByTheNextOne) {
  reading_.Note(There(1, 1, "u"));
  EXPECT_TRUE(Read({}, {})->items.empty());
}

TEST_F(RangeReadingTest, ReadsAgainWhatChangedTooMuch) {
  EXPECT_TRUE(Read(std::vector(kNotedChangesMax, There(1, 1, "u")), {}));
  reading_.AskAgain();
  EXPECT_FALSE(Read(std::vector(kNotedChangesMax + 1, There(1, 1, "u")), {}));
  EXPECT_EQ(reading_.Ask(2, 100).first, FirstKeyOf(kRange));
}

}  // namespace
}  // namespace strata::manager::federation
