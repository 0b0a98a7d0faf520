#include "service_manager/store/record.h"

#include <gtest/gtest.h>

#include "common/hex.h"
#include "service_manager/directory/limits.h"

namespace strata::manager::store {
namespace {

using directory::Holder;

StoredLocation Example() {
  return {.key = {.high = 0x0102030405060708, .low = 0x090a0b0c0d0e0f10},
          .location = {.holder = Holder(7), .flags = directory::kComplete},
          .size_bytes = 4096,
          .remaining = std::chrono::seconds(60),
          .validator = "\"v1\""};
}

TEST(RecordTest, HasTheBytesOnDiskThatItAlwaysHad) {
  const StoredLocation stored = Example();
  EXPECT_EQ(ToHex(AsBytes(RecordKey(stored.key, stored.location.holder))),
            "0102030405060708090a0b0c0d0e0f1000000007");
  EXPECT_EQ(ToHex(AsBytes(RecordValue(stored))),
            "020000000000001000000000000000ea600004"
            "22763122");
}

TEST(RecordTest, ReadsWhatItWrites) {
  StoredLocation stored = Example();
  for (const auto& remaining : {std::optional<Duration>(), std::optional(Duration::zero()),
                                std::optional<Duration>(std::chrono::hours(24 * 365 * 100))}) {
    stored.remaining = remaining;
    stored.validator += 'x';
    EXPECT_EQ(DecodeRecord(RecordKey(stored.key, stored.location.holder), RecordValue(stored)),
              stored);
  }
}

TEST(RecordTest, RefusesEveryOtherLength) {
  const StoredLocation stored = Example();
  const std::string key = RecordKey(stored.key, stored.location.holder);
  const std::string value = RecordValue(stored);
  for (size_t size = 0; size < value.size(); ++size) {
    EXPECT_FALSE(DecodeRecord(key, value.substr(0, size))) << size;
  }
  EXPECT_FALSE(DecodeRecord(key, value + "x"));
  EXPECT_FALSE(DecodeRecord(key.substr(1), value));
  EXPECT_FALSE(DecodeRecordHead(key + "x", value));
}

TEST(RecordTest, ADecodedLocationKeepsNothingOfWhatWasInItsMemory) {
  StoredLocation first = Example();
  StoredLocation second = Example();
  second.remaining.reset();
  second.validator = "";
  const std::string key = RecordKey(first.key, first.location.holder);
  ASSERT_TRUE(DecodeRecordInto(key, RecordValue(second), first));
  EXPECT_EQ(first, second);
}

TEST(RecordTest, PositionsOfFeedsHaveTheBytesOnDiskThatTheyAlwaysHad) {
  const ChildPosition position{.child = "cdn-one/dc-two", .epoch = 7, .sequence = 66051};
  const std::string key = ChildPositionKey(position.child);
  const std::string value = ChildPositionValue(position);
  EXPECT_EQ(key, "feed/cdn-one/dc-two");
  EXPECT_EQ(ToHex(AsBytes(value)), "00000000000000070000000000010203");
  EXPECT_EQ(DecodeChildPosition(key, value), position);
  EXPECT_FALSE(DecodeChildPosition(key, value + "x"));
  EXPECT_FALSE(DecodeChildPosition(key, value.substr(1)));
  EXPECT_FALSE(DecodeChildPosition("feed/", value));
  EXPECT_FALSE(DecodeChildPosition("format", value));
}

TEST(RecordTest, TheKeyOfAUriIsWhatRecordsOfItsContentBeginWith) {
  const StoredLocation stored = Example();
  EXPECT_EQ(UriKey(stored.key), RecordKey(stored.key, stored.location.holder).substr(0, 16));
}

}  // namespace
}  // namespace strata::manager::store
