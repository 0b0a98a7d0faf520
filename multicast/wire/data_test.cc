#include "multicast/wire/data.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "common/hex.h"
#include "multicast/wire/test_values.h"

namespace strata::multicast {
namespace {

using testing::Values;
using testing::With;
using testing::WithNumber;

// Offsets in a body of one record.
constexpr size_t kStreamAt = 4;
constexpr size_t kFlagsAt = 5;
constexpr size_t kSeqAt = 8;
constexpr size_t kMessageAt = 16;

Bytes Body(const std::vector<Record>& records, uint8_t flags = 0, Slot origin = 0) {
  Bytes buffer(size_t{1} << 20);
  ByteWriter out(buffer);
  DataWriter writer(out);
  for (const Record& record : records) EXPECT_TRUE(writer.Add(record));
  writer.Finish(flags, origin);
  EXPECT_TRUE(out.ok());
  buffer.resize(out.size());
  return buffer;
}

bool IsAccepted(const Bytes& body) { return !DataReader(body).Check().has_value(); }

const Bytes& Payload() {
  static const Bytes payload = {1, 2, 3, 4, 5};
  return payload;
}

Record Alone() {
  Record record;
  record.flags = kInit | kNoMore;
  record.seq = 1;
  record.payload = Payload();
  return record;
}

// The first of two records.
Record First() {
  Record record = Alone();
  record.flags = kInit;
  record.message_bytes = 8;
  return record;
}

struct Sent {
  Record record;
  Bytes payload;
};

Sent AnyRecord(Values& values) {
  Sent sent;
  Record& record = sent.record;
  record.stream = static_cast<StreamId>(values.Number(0, kStreamSlots - 1));
  record.seq = values.Number(1);
  record.flags = static_cast<uint8_t>(values.Number(0, kInit | kNoMore | kReceived));
  if (record.stream == kReplyStream) record.flags |= kReceived;
  const bool committed = (record.flags & kReceived) == 0;
  if (committed && (record.flags & kInit) != 0) {
    record.flags |= static_cast<uint8_t>(values.Number(0, 7) << 3);
  }
  const bool alone = (record.flags & (kInit | kNoMore)) == (kInit | kNoMore);
  sent.payload = values.SomeBytes(alone ? 0 : 1, 300);
  if (BearsMessageLength(record.flags)) {
    record.message_bytes =
        static_cast<uint32_t>(values.Number(sent.payload.size() + 1, kMaxMessageBytes));
  } else if (alone) {
    record.message_bytes = static_cast<uint32_t>(sent.payload.size());
  }
  return sent;
}

TEST(DataTest, RecordsComeBackTheSame) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Values values(seed);
    std::vector<Sent> sent(values.Number(1, 40));
    std::vector<Record> records;
    for (Sent& one : sent) {
      one = AnyRecord(values);
      one.record.payload = one.payload;
      records.push_back(one.record);
    }
    const Bytes body = Body(records, kAckNow | kRepair, 63);
    DataReader reader(body);
    ASSERT_EQ(reader.Check(), std::nullopt) << "seed " << seed;
    EXPECT_EQ(reader.flags(), kAckNow | kRepair);
    EXPECT_EQ(reader.origin(), 63);
    EXPECT_EQ(reader.count(), records.size());
    for (const Record& expected : records) {
      const std::optional<Record> record = reader.Next();
      ASSERT_TRUE(record.has_value());
      EXPECT_EQ(record->stream, expected.stream);
      EXPECT_EQ(record->flags, expected.flags);
      EXPECT_EQ(record->seq, expected.seq);
      EXPECT_EQ(record->message_bytes, expected.message_bytes);
      EXPECT_EQ(ToHex(record->payload), ToHex(expected.payload));
    }
    EXPECT_FALSE(reader.Next().has_value());
  }
}

TEST(DataTest, IsRefusedAtEveryLengthThatIsTooShort) {
  const Bytes body = Body({Alone(), First(), Alone()});
  ASSERT_TRUE(IsAccepted(body));
  for (size_t length = 0; length < body.size(); ++length) {
    EXPECT_FALSE(IsAccepted(Bytes(body.begin(), body.begin() + static_cast<ptrdiff_t>(length))))
        << length;
  }
}

TEST(DataTest, EndsWithItsLastRecord) {
  Bytes body = Body({Alone()});
  body.push_back(0);
  EXPECT_FALSE(IsAccepted(body));
}

TEST(DataTest, HasAsManyRecordsAsItSays) {
  const Bytes body = Body({Alone(), Alone()});
  EXPECT_FALSE(IsAccepted(WithNumber(body, 2, 2, 0)));
  EXPECT_FALSE(IsAccepted(WithNumber(body, 2, 2, 1)));
  EXPECT_TRUE(IsAccepted(WithNumber(body, 2, 2, 2)));
  EXPECT_FALSE(IsAccepted(WithNumber(body, 2, 2, 3)));
  EXPECT_FALSE(IsAccepted(WithNumber(body, 2, 2, 65535)));
  EXPECT_FALSE(IsAccepted({0, 0, 0, 0}));
}

TEST(DataTest, RefusesFlagsAndOriginsThatThisVersionDoesNotKnow) {
  const Bytes body = Body({Alone()});
  EXPECT_TRUE(IsAccepted(With(body, 0, 0x03)));
  for (int bit = 2; bit < 8; ++bit) EXPECT_FALSE(IsAccepted(With(body, 0, uint8_t(1 << bit))));
  EXPECT_TRUE(IsAccepted(With(body, 1, 63)));
  EXPECT_FALSE(IsAccepted(With(body, 1, 64)));
  EXPECT_FALSE(IsAccepted(With(body, 1, kNoSlot)));
}

TEST(DataTest, RefusesUnknownRecordFlags) {
  const Bytes body = Body({Alone()});
  EXPECT_FALSE(IsAccepted(With(body, kFlagsAt, kInit | kNoMore | 0x40)));
  EXPECT_FALSE(IsAccepted(With(body, kFlagsAt, kInit | kNoMore | 0x80)));
}

TEST(DataTest, TakesWishesOnlyInTheFirstRecordOfACommittedMessage) {
  for (const uint8_t wish : {kPrepare, kReplies, kAllOf}) {
    Record record = Alone();
    record.flags = kInit | kNoMore | wish;
    EXPECT_TRUE(IsAccepted(Body({record})));
    record.flags = kNoMore | wish;
    EXPECT_FALSE(IsAccepted(Body({record})));
    record.flags = kInit | kNoMore | kReceived | wish;
    EXPECT_FALSE(IsAccepted(Body({record})));
  }
}

TEST(DataTest, RefusesStreamsBeyondTheReplyStream) {
  const Bytes body = Body({Alone()});
  EXPECT_TRUE(IsAccepted(With(body, kStreamAt, 7)));
  EXPECT_FALSE(IsAccepted(With(body, kStreamAt, 9)));
  EXPECT_FALSE(IsAccepted(With(body, kStreamAt, 255)));
}

TEST(DataTest, TakesTheReplyStreamForReceivedDeliveryOnly) {
  Record record = Alone();
  record.stream = kReplyStream;
  EXPECT_FALSE(IsAccepted(Body({record})));
  record.flags |= kReceived;
  EXPECT_TRUE(IsAccepted(Body({record})));
}

TEST(DataTest, RefusesSequenceNumberZero) {
  const Bytes body = Body({Alone()});
  EXPECT_FALSE(IsAccepted(WithNumber(body, kSeqAt, 8, 0)));
  EXPECT_TRUE(IsAccepted(WithNumber(body, kSeqAt, 8, UINT64_MAX)));
}

TEST(DataTest, TakesNoPayloadForAnEmptyMessageOnly) {
  Record record = Alone();
  record.payload = {};
  EXPECT_TRUE(IsAccepted(Body({record})));
  for (const uint8_t flags : {0, int{kInit}, int{kNoMore}}) {
    record.flags = flags;
    record.message_bytes = 10;
    EXPECT_FALSE(IsAccepted(Body({record}))) << int{flags};
  }
}

TEST(DataTest, WantsAMessageLongerThanItsFirstRecord) {
  const Bytes body = Body({First()});
  EXPECT_FALSE(IsAccepted(WithNumber(body, kMessageAt, 4, 0)));
  EXPECT_FALSE(IsAccepted(WithNumber(body, kMessageAt, 4, Payload().size())));
  EXPECT_TRUE(IsAccepted(WithNumber(body, kMessageAt, 4, Payload().size() + 1)));
  EXPECT_TRUE(IsAccepted(WithNumber(body, kMessageAt, 4, kMaxMessageBytes)));
  EXPECT_FALSE(IsAccepted(WithNumber(body, kMessageAt, 4, kMaxMessageBytes + 1)));
}

TEST(DataTest, GivesNoRecordsOfABodyThatWasRefused) {
  Bytes body = Body({Alone(), Alone()});
  body.pop_back();
  DataReader reader(body);
  EXPECT_EQ(reader.Check(), DecodeError::kMalformed);
  EXPECT_FALSE(reader.Next().has_value());
}

TEST(DataWriterTest, AddsNothingThatDoesNotFit) {
  const size_t room = kDataPrefixBytes + EncodedSize(Alone()) + EncodedSize(First()) - 1;
  Bytes buffer(room);
  ByteWriter out(buffer);
  DataWriter writer(out);
  EXPECT_TRUE(writer.Add(Alone()));
  EXPECT_FALSE(writer.Add(First()));
  EXPECT_TRUE(out.ok());
  EXPECT_EQ(writer.count(), 1);
  writer.Finish(0, 0);
  EXPECT_EQ(ToHex(out.written()), ToHex(Body({Alone()})));
}

TEST(DataWriterTest, AddsNoPayloadThatItsLengthFieldCannotTell) {
  const Bytes payload(65536);
  Bytes buffer(100000);
  ByteWriter out(buffer);
  DataWriter writer(out);
  Record record = Alone();
  record.payload = payload;
  EXPECT_FALSE(writer.Add(record));
  record.payload = ByteSpan(payload).first(65535);
  EXPECT_TRUE(writer.Add(record));
}

TEST(DataWriterTest, WritesBehindWhatIsThereAlready) {
  Bytes buffer(100);
  ByteWriter out(buffer);
  out.U32(0xdeadbeef);
  DataWriter writer(out);
  EXPECT_TRUE(writer.Add(Alone()));
  writer.Finish(kAckNow, 3);
  EXPECT_EQ(ToHex(out.written()), "deadbeef" + ToHex(Body({Alone()}, kAckNow, 3)));
}

}  // namespace
}  // namespace strata::multicast
