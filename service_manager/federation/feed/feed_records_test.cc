#include "service_manager/federation/feed/feed_records.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <string>
#include <vector>

#include "common/hex.h"
#include "farm/content_identity.h"

namespace strata::manager::federation {
namespace {

constexpr char kDocument[] = "docs/protocols/federation.md";

using directory::Holder;

constexpr farm::ContentKey kFirst{0x0102030405060708, 0x090a0b0c0d0e0f10};
constexpr farm::ContentKey kSecond{0x0102030405060708, 0x090a0b0c0d0e0f11};
constexpr farm::ContentKey kLast{0x010fffffffffffff, UINT64_MAX};

// The hexadecimal digits of the document's worked example, without what stands behind a semicolon.
std::string ExampleOfTheDocument() {
  std::ifstream document(kDocument);
  EXPECT_TRUE(document.good()) << kDocument;
  std::string digits;
  bool inside = false;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("```")) {
      inside = line == "```batch";
    } else if (inside) {
      for (const char c : line.substr(0, line.find(';'))) {
        if (c != ' ') digits += c;
      }
    }
  }
  return digits;
}

Introduction North() {
  return {.holder = Holder(7),
          .name = {"cdn-one/lan-a", "north-1"},
          .clients = {*Endpoint::Parse("192.0.2.1:80"), *Endpoint::Parse("[2001:db8::1]:80")}};
}
FeedCopy Whole() {
  return {.flags = directory::kLibrary | directory::kComplete,
          .size_bytes = 4096,
          .remaining = std::nullopt,
          .validator = {}};
}
FeedCopy Fresh() {
  return {.flags = directory::kComplete,
          .size_bytes = 4096,
          .remaining = std::chrono::minutes(1),
          .validator = "\"v1\""};
}

class Batch {
 public:
  explicit Batch(uint16_t records, bool anew = false) {
    With(FeedBatchHead{.epoch = 3,
                       .first_sequence = 1000,
                       .age = std::chrono::milliseconds(12),
                       .anew = anew,
                       .records = records});
  }
  template <class Record>
  Batch& With(const Record& record) {
    return Append([&](ByteWriter& writer) { Encode(record, writer); });
  }
  Batch& Interval(const std::vector<FeedItem>& items, const farm::ContentKey& last = kLast) {
    return Append([&](ByteWriter& writer) { EncodeInterval(kFirst, last, items, writer); });
  }
  Batch& Digests(uint32_t first, const std::vector<uint64_t>& digests) {
    return Append([&](ByteWriter& writer) { EncodeDigests(first, digests, writer); });
  }
  Batch& Raw(std::string_view hex) {
    return Append([&](ByteWriter& writer) { writer.Put(*FromHex(hex)); });
  }
  ByteSpan bytes() const { return bytes_; }

 private:
  template <class Write>
  Batch& Append(const Write& write) {
    std::array<uint8_t, 1024> buffer;
    ByteWriter writer(buffer);
    write(writer);
    EXPECT_TRUE(writer.ok());
    bytes_.insert(bytes_.end(), writer.written().begin(), writer.written().end());
    return *this;
  }

  Bytes bytes_;
};

std::string WhyRefused(ByteSpan bytes) { return MessageOf(FeedBatch::Open(bytes).status()); }

// The batch of the worked example.
Batch Example() {
  Batch batch(4, true);
  batch.With(North());
  batch.With(FeedChange{.key = kFirst, .holder = Holder(7), .copy = Fresh(), .uri = "http://a/b"});
  batch.With(FeedChange{.key = kSecond, .holder = Holder(7)});
  batch.Interval({{.key = kFirst, .holder = Holder(7), .copy = Whole(), .uri = "http://a/b"},
                  {.key = kFirst, .holder = Holder(8), .copy = Fresh()}});
  batch.Digests(16, {0x1122334455667788, 1});
  return batch;
}

TEST(FeedRecordsTest, HasTheBytesOfTheWorkedExample) {
  EXPECT_EQ(ToHex(Example().bytes()), ExampleOfTheDocument());
}

TEST(FeedRecordsTest, ReadsTheHeadOfABatch) {
  const Batch example = Example();
  const StatusOr<FeedBatch> batch = FeedBatch::Open(example.bytes());
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(batch->head(), (FeedBatchHead{.epoch = 3,
                                          .first_sequence = 1000,
                                          .age = std::chrono::milliseconds(12),
                                          .anew = true,
                                          .records = 4}));
  EXPECT_EQ(batch->bytes(), example.bytes().size());
}

TEST(FeedRecordsTest, GivesTheRecordsInTheirOrderAndAgain) {
  const Batch example = Example();
  StatusOr<FeedBatch> batch = FeedBatch::Open(example.bytes());
  ASSERT_TRUE(batch.ok()) << batch.status();
  for (int pass = 0; pass < 2; ++pass, batch->Rewind()) {
    EXPECT_EQ(std::get<Introduction>(*batch->Next()), North());
    EXPECT_EQ(
        std::get<FeedChange>(*batch->Next()),
        (FeedChange{.key = kFirst, .holder = Holder(7), .copy = Fresh(), .uri = "http://a/b"}));
    EXPECT_EQ(std::get<FeedChange>(*batch->Next()),
              (FeedChange{.key = kSecond, .holder = Holder(7)}));
    EXPECT_EQ(std::get<FeedInterval>(*batch->Next()).items.left(), 2U);
    EXPECT_EQ(std::get<FeedDigests>(*batch->Next()).digest(1), 1U);
    EXPECT_FALSE(batch->Next());
  }
}

TEST(FeedRecordsTest, AnItemHasTheKeyOfTheOneBefore) {
  const Batch bytes = Batch(1).Interval({{.key = kFirst, .holder = Holder(7), .copy = Whole()},
                                         {.key = kFirst, .holder = Holder(8), .copy = Fresh()},
                                         {.key = kSecond, .holder = Holder(7), .copy = Fresh()}});
  StatusOr<FeedBatch> batch = FeedBatch::Open(bytes.bytes());
  ASSERT_TRUE(batch.ok()) << batch.status();
  const FeedInterval interval = std::get<FeedInterval>(*batch->Next());
  EXPECT_EQ(interval.first, kFirst);
  EXPECT_EQ(interval.last, kLast);
  FeedItems items = interval.items;
  EXPECT_EQ(*items.Next(), (FeedItem{.key = kFirst, .holder = Holder(7), .copy = Whole()}));
  EXPECT_EQ(*items.Next(), (FeedItem{.key = kFirst, .holder = Holder(8), .copy = Fresh()}));
  EXPECT_EQ(*items.Next(), (FeedItem{.key = kSecond, .holder = Holder(7), .copy = Fresh()}));
  EXPECT_FALSE(items.Next());
}

TEST(FeedRecordsTest, RefusesEveryBatchThatIsCutOff) {
  const Batch example = Example();
  for (size_t size = 0; size < example.bytes().size(); ++size) {
    EXPECT_FALSE(FeedBatch::Open(example.bytes().first(size)).ok()) << size;
  }
}

TEST(FeedRecordsTest, NamesTheRecordAndWhatIsWrongWithIt) {
  EXPECT_EQ(WhyRefused(Batch(1).Raw("99").bytes()),
            "batch 3/1000: record 1 (unknown kind): of a later version, or no record");
  EXPECT_EQ(WhyRefused(Batch(2).With(North()).bytes()),
            "batch 3/1000: it has 0 records, and says 2");
  EXPECT_EQ(WhyRefused(Batch(1).Digests(4095, {1}).Raw("500fff0002").bytes()).find("record 2"),
            14U);
}

TEST(FeedRecordsTest, RefusesRangesThatDoNotExist) {
  EXPECT_EQ(WhyRefused(Batch(1).Raw("500fff0002" + std::string(32, '0')).bytes()),
            "batch 3/1000: record 1 (digests): ranges that do not exist");
  EXPECT_EQ(WhyRefused(Batch(1).Raw("5000000000").bytes()),
            "batch 3/1000: record 1 (digests): no digests");
}

TEST(FeedRecordsTest, RefusesIntervalsThatAreNotInOrder) {
  const FeedItem first{.key = kFirst, .holder = Holder(7)};
  const FeedItem second{.key = kSecond, .holder = Holder(7)};
  const std::string interval = "batch 3/1000: record 1 (interval): ";
  EXPECT_EQ(WhyRefused(Batch(1).Interval({second, first}).bytes()),
            interval + "items that are not in order");
  EXPECT_EQ(WhyRefused(Batch(1).Interval({first, second}, kFirst).bytes()),
            interval + "an item outside of its keys");
  EXPECT_EQ(WhyRefused(Batch(1).Interval({}, {UINT64_MAX, 0}).bytes()),
            interval + "keys that are no part of a range");
  EXPECT_EQ(WhyRefused(Batch(1).Interval({}, {0, 0}).bytes()),
            interval + "keys that are no part of a range");
}

TEST(FeedRecordsTest, RefusesTextsThatAreNone) {
  FeedChange change{.key = kFirst, .holder = Holder(7), .copy = Whole(), .uri = "http://a/ b"};
  EXPECT_EQ(WhyRefused(Batch(1).With(change).bytes()),
            "batch 3/1000: record 1 (change): a URI of odd letters");
  change.uri = {};
  change.copy->validator = "v\n1";
  EXPECT_EQ(WhyRefused(Batch(1).With(change).bytes()),
            "batch 3/1000: record 1 (change): a validator of odd letters");
  Introduction introduction = North();
  introduction.name.scope = "cdn one";
  EXPECT_EQ(WhyRefused(Batch(0).With(introduction).bytes()),
            "batch 3/1000: record 1 (introduction): a scope that is no path of names");
  introduction = North();
  introduction.name.engine.clear();
  EXPECT_EQ(WhyRefused(Batch(0).With(introduction).bytes()),
            "batch 3/1000: record 1 (introduction): addresses of a scope");
}

TEST(FeedRecordsTest, RefusesVersionsAndHeadsThatItDoesNotKnow) {
  const Batch example = Example();
  Bytes bytes(example.bytes().begin(), example.bytes().end());
  bytes[0] = 2;
  EXPECT_EQ(WhyRefused(bytes), "a batch of version 2: 1 is known");
  bytes[0] = 1;
  bytes[1] = 2;
  EXPECT_EQ(WhyRefused(bytes), "a batch whose head says what cannot be");
  EXPECT_EQ(WhyRefused(Bytes(kFeedBatchBytesMax + 1)),
            "a batch of 2097153 bytes: at most 2097152 are allowed");
}

TEST(FeedRecordsTest, AContentWithAsManyCopiesAsThereMayBeFitsIntoARecord) {
  const std::string uri(farm::kMaxCanonicalUriBytes, 'u');
  const std::string validator(farm::kMaxValidator, 'v');
  FeedItem item{.key = kFirst, .holder = Holder(1), .copy = Fresh()};
  item.copy.validator = validator;
  const size_t others = kFeedItemsMax * (EncodedBytesMax(item) - farm::ContentKey::kBytes);
  item.uri = uri;
  EXPECT_LE(kFeedIntervalHeadBytes + others + EncodedBytesMax(item), kFeedRecordBytesMax);
  EXPECT_LE(kFeedBatchHeadBytes + kFeedRecordBytesMax, kFeedBatchBytesMax);
}

TEST(FeedRecordsTest, AnIntroductionTakesNoMoreBytesThanItSays) {
  const Batch batch = Batch(0).With(North());
  EXPECT_LE(batch.bytes().size() - kFeedBatchHeadBytes, EncodedBytes(North()));
}

}  // namespace
}  // namespace strata::manager::federation
