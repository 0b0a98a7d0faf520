#include "service_manager/federation/feed/kept_records.h"

#include <gtest/gtest.h>

#include <string>

namespace strata::manager::federation {
namespace {

Timestamp At(int64_t nanos) { return Timestamp::FromNanos(nanos); }

void Append(KeptRecords& kept, const std::string& text, Timestamp now = At(0)) {
  kept.Append(text.size() + 10, now, [&](ByteWriter& writer) { writer.Put(text); });
}

TEST(KeptRecordsTest, NumbersRecordsFromOne) {
  KeptRecords kept(10, 1000);
  EXPECT_EQ(kept.first(), 1U);
  EXPECT_EQ(kept.next(), 1U);
  Append(kept, "a", At(5));
  Append(kept, "bc", At(6));
  EXPECT_EQ(kept.next(), 3U);
  EXPECT_EQ(AsText(kept.record(1)), "a");
  EXPECT_EQ(AsText(kept.record(2)), "bc");
  EXPECT_EQ(kept.appended_at(2), At(6));
}

TEST(KeptRecordsTest, ForgetsTheOldestAndGoesOnWithTheNumbers) {
  KeptRecords kept(10, 1000);
  for (const char* text : {"a", "b", "c"}) Append(kept, text);
  kept.ForgetUpTo(2);
  EXPECT_EQ(kept.first(), 3U);
  EXPECT_EQ(AsText(kept.record(3)), "c");
  kept.ForgetUpTo(1);
  EXPECT_EQ(kept.first(), 3U);
  kept.Clear();
  EXPECT_EQ(kept.size(), 0U);
  EXPECT_EQ(kept.bytes(), 0U);
  EXPECT_EQ(kept.first(), 4U);
  Append(kept, "d");
  EXPECT_EQ(AsText(kept.record(4)), "d");
}

TEST(KeptRecordsTest, HasRoomUpToItsLimits) {
  KeptRecords kept(2, 120);
  EXPECT_TRUE(kept.HasRoom(2, 20));
  EXPECT_FALSE(kept.HasRoom(3, 20));
  EXPECT_FALSE(kept.HasRoom(1, 121));
  Append(kept, std::string(60, 'x'));
  EXPECT_TRUE(kept.HasRoom(1, 0));
  EXPECT_FALSE(kept.HasRoom(1, 40)) << "what it takes to find a record counts, too";
  kept.ForgetUpTo(1);
  EXPECT_TRUE(kept.HasRoom(1, 40));
}

TEST(KeptRecordsTest, RecordsStayWhereTheyAreWhileOthersComeAndGo) {
  KeptRecords kept(100'000, size_t{100} << 20);
  for (int i = 0; i < 20'000; ++i) Append(kept, "record " + std::to_string(i + 1));
  const ByteSpan record = kept.record(15'000);
  kept.ForgetUpTo(14'999);
  for (int i = 20'000; i < 40'000; ++i) Append(kept, "record " + std::to_string(i + 1));
  EXPECT_EQ(AsText(record), "record 15000");
  EXPECT_EQ(kept.record(15'000).data(), record.data());
  EXPECT_EQ(AsText(kept.record(39'999)), "record 39999");
}

TEST(KeptRecordsTest, TakesRecordsLargerThanItsPieces) {
  KeptRecords kept(10, size_t{100} << 20);
  const std::string large(size_t{400} << 10, 'x');
  Append(kept, "a");
  Append(kept, large);
  Append(kept, "b");
  EXPECT_EQ(AsText(kept.record(2)), large);
  EXPECT_EQ(AsText(kept.record(3)), "b");
}

}  // namespace
}  // namespace strata::manager::federation
