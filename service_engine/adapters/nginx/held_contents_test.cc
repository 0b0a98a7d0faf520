#include "service_engine/adapters/nginx/held_contents.h"

#include <gtest/gtest.h>

namespace strata::engine {
namespace {

constexpr Timestamp kNow = Timestamp::FromNanos(1'000'000'000);

FoundFile File(uint64_t key, uint64_t size = 1, bool is_copy = true) {
  FoundFile found;
  found.content.key = {key, key};
  found.content.size = size;
  found.uri = "http://films.example/" + std::to_string(key);
  found.is_copy = is_copy;
  return found;
}

class HeldContentsTest : public ::testing::Test {
 protected:
  uint64_t SizeOf(uint64_t key) const {
    const auto asset = held_.Find({key, key}, kNow);
    return asset ? asset->size : 0;
  }

  int told_ = 0;
  HeldContents held_{[this] { ++told_; }};
};

TEST_F(HeldContentsTest, TellsOnceUntilChangesAreTaken) {
  held_.Set("/c/a", File(1));
  held_.Set("/c/b", File(2));
  EXPECT_EQ(told_, 1);
  EXPECT_EQ(held_.TakeChanges(1, kNow).size(), 1u);
  held_.Set("/c/c", File(3));
  EXPECT_EQ(told_, 1);  // The second has not been taken yet.
  EXPECT_EQ(held_.TakeChanges(10, kNow).size(), 2u);
  held_.Set("/c/a", std::nullopt);
  EXPECT_EQ(told_, 2);
  held_.TellAll();
  EXPECT_EQ(told_, 3);
}

TEST_F(HeldContentsTest, KnowsTheUriAsLongAsThereIsAFile) {
  held_.Set("/c/a", File(1));
  held_.Set("/c/b", File(1));
  held_.Set("/c/a", std::nullopt);
  EXPECT_EQ(held_.UriOf({1, 1}), "http://films.example/1");
  held_.FolderGone("/c/");
  EXPECT_EQ(held_.UriOf({1, 1}), std::nullopt);
}

TEST_F(HeldContentsTest, WhatIsNoCopyIsFoundForAPurgeOnly) {
  held_.Set("/c/a", File(1, 1, false));
  EXPECT_EQ(told_, 0);
  EXPECT_EQ(held_.Find({1, 1}, kNow), std::nullopt);
  EXPECT_EQ(held_.FilesOf({1, 1}), std::vector<std::string>{"/c/a"});
  held_.Set("/c/a", File(1));
  EXPECT_EQ(held_.files(), 1u);
  held_.Set("/c/a", File(1, 1, false));
  EXPECT_EQ(held_.files(), 0u);
  EXPECT_EQ(held_.FilesOf({1, 1}).size(), 1u);
}

TEST_F(HeldContentsTest, AScanTakesAwayWhatItDoesNotFind) {
  held_.Set("/c/a", File(1));
  held_.Set("/c/b", File(2));
  held_.Set("/d/c", File(3));
  const uint64_t scan = held_.BeginScan();
  held_.SetScanned(scan, "/c/a", File(1));
  held_.EndScan(scan, "/c/");
  EXPECT_EQ(SizeOf(1), 1u);
  EXPECT_EQ(SizeOf(2), 0u);
  EXPECT_EQ(SizeOf(3), 1u);
}

TEST_F(HeldContentsTest, AScanNeverReplacesWhatAnEventHasToldSince) {
  held_.Set("/c/a", File(1, 10));
  held_.Set("/c/b", File(2, 10));
  held_.Set("/c/x/d", File(4, 10));
  const uint64_t scan = held_.BeginScan();
  held_.Set("/c/a", File(1, 20));   // Replaced after the scan has read it.
  held_.Set("/c/b", std::nullopt);  // Gone.
  held_.Set("/c/c", File(3, 20));   // Came where the scan has looked already.
  held_.FolderGone("/c/x/");
  held_.SetScanned(scan, "/c/a", File(1, 10));
  held_.SetScanned(scan, "/c/b", File(2, 10));
  held_.SetScanned(scan, "/c/x/d", File(4, 10));
  held_.EndScan(scan, "/c/");
  EXPECT_EQ(SizeOf(1), 20u);
  EXPECT_EQ(SizeOf(2), 0u);
  EXPECT_EQ(SizeOf(3), 20u);
  EXPECT_EQ(SizeOf(4), 0u);
  const uint64_t next = held_.BeginScan();  // What went then may come back now.
  held_.SetScanned(next, "/c/b", File(2, 30));
  held_.EndScan(next, "/c/");
  EXPECT_EQ(SizeOf(2), 30u);
  EXPECT_EQ(SizeOf(1), 0u);
}

TEST_F(HeldContentsTest, TwoScansDoNotDisturbEachOther) {
  held_.Set("/c/a", File(1));
  held_.Set("/d/b", File(2));
  const uint64_t one = held_.BeginScan();
  const uint64_t two = held_.BeginScan();
  held_.SetScanned(one, "/c/a", File(1));
  held_.SetScanned(two, "/d/b", File(2));
  held_.EndScan(two, "/d/");
  held_.EndScan(one, "/c/");
  EXPECT_EQ(SizeOf(1), 1u);
  EXPECT_EQ(SizeOf(2), 1u);
}

}  // namespace
}  // namespace strata::engine
