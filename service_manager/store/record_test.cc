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

}  // namespace
}  // namespace strata::manager::store
