#include "multicast/wire/control.h"

#include <gtest/gtest.h>

#include "multicast/wire/test_values.h"

namespace strata::multicast {
namespace {

using testing::CannotEncode;
using testing::Encoded;
using testing::IsMalformed;
using testing::With;
using testing::WithNumber;

LogRecord Advance(std::vector<Position> positions) {
  LogRecord record;
  record.positions = std::move(positions);
  return record;
}

LogRecord Aborted(std::vector<Range> ranges) {
  LogRecord record;
  record.kind = LogRecord::Kind::kAborted;
  record.ranges = std::move(ranges);
  return record;
}

Bytes CommitOf(const LogRecord& record, uint64_t first = 1) {
  Commit commit;
  commit.first = first;
  commit.records = {record};
  return Encoded(commit);
}
constexpr size_t kRecordAt = 20;  // In a COMMIT: where the first log record starts.

TEST(AckTest, RefusesSlotsAndStreamsThatCannotBe) {
  Ack ack;
  ack.positions = {{.slot = 63, .stream = 8, .seq = 0}};
  ack.limits = {{.slot = 63, .records = 1}};
  const Bytes bytes = Encoded(ack);
  EXPECT_FALSE(IsMalformed(DecodeAck(bytes)));
  EXPECT_TRUE(IsMalformed(DecodeAck(With(bytes, 16, 64))));
  EXPECT_TRUE(IsMalformed(DecodeAck(With(bytes, 17, 9))));
  EXPECT_TRUE(IsMalformed(DecodeAck(With(bytes, 28, 64))));
}

TEST(AckTest, IgnoresUnknownFlagsAndBytesThatShouldBeZero) {
  const Ack ack = {
      .log_seen = 5, .nonce = 6, .synced = true, .positions = {{1, 2, 3}}, .limits = {}};
  Bytes bytes = With(Encoded(ack), 12, 0xff);
  bytes = With(bytes, 15, 0xff);
  bytes = WithNumber(bytes, 18, 2, 0xffff);
  EXPECT_TRUE(std::get<Ack>(DecodeAck(bytes)) == ack);
}

TEST(AckTest, CannotSayMoreThan255Positions) {
  Ack ack;
  ack.positions.resize(255);
  EXPECT_FALSE(CannotEncode(ack));
  ack.positions.resize(256);
  EXPECT_TRUE(CannotEncode(ack));
}

TEST(CommitTest, RefusesUnknownKindsAndViews) {
  const Bytes bytes = CommitOf(Advance({}));
  EXPECT_FALSE(IsMalformed(DecodeCommit(bytes)));
  EXPECT_TRUE(IsMalformed(DecodeCommit(With(bytes, kRecordAt, 0))));
  EXPECT_TRUE(IsMalformed(DecodeCommit(With(bytes, kRecordAt, 4))));
  LogRecord view;
  view.kind = LogRecord::Kind::kView;
  view.view = testing::Values(1).AnyView();
  EXPECT_TRUE(IsMalformed(DecodeCommit(CommitOf(view))));
}

TEST(CommitTest, TakesAdvancesInOrderOfSlotAndStream) {
  EXPECT_FALSE(IsMalformed(DecodeCommit(CommitOf(Advance({{0, 1, 9}, {0, 2, 1}, {1, 0, 1}})))));
  EXPECT_TRUE(IsMalformed(DecodeCommit(CommitOf(Advance({{1, 0, 1}, {0, 1, 1}})))));
  EXPECT_TRUE(IsMalformed(DecodeCommit(CommitOf(Advance({{1, 2, 1}, {1, 1, 1}})))));
  EXPECT_TRUE(IsMalformed(DecodeCommit(CommitOf(Advance({{1, 1, 1}, {1, 1, 2}})))));
}

TEST(CommitTest, WantsRangesThatAreRanges) {
  const Range range = {.slot = 1, .stream = 2, .reason = 3, .from = 4, .to = 4};
  EXPECT_FALSE(IsMalformed(DecodeCommit(CommitOf(Aborted({range})))));
  EXPECT_TRUE(IsMalformed(DecodeCommit(CommitOf(Aborted({})))));
  Range bad = range;
  bad.from = 0;
  EXPECT_TRUE(IsMalformed(DecodeCommit(CommitOf(Aborted({bad})))));
  bad = range;
  bad.from = 5;
  EXPECT_TRUE(IsMalformed(DecodeCommit(CommitOf(Aborted({range, bad})))));
}

TEST(CommitTest, NumbersItsRecordsFromOneWithoutOverflow) {
  EXPECT_TRUE(IsMalformed(DecodeCommit(CommitOf(Advance({}), 0))));
  EXPECT_FALSE(IsMalformed(DecodeCommit(CommitOf(Advance({}), UINT64_MAX))));
  Commit two;
  two.first = UINT64_MAX;
  two.records = {Advance({}), Advance({})};
  EXPECT_TRUE(IsMalformed(DecodeCommit(Encoded(two))));
  EXPECT_FALSE(IsMalformed(DecodeCommit(Encoded(Commit{}))));  // No records: any number.
}

TEST(CommitTest, CannotSayMoreThan255EntriesOfARecord) {
  Commit commit;
  commit.records = {Advance(std::vector<Position>(256))};
  EXPECT_TRUE(CannotEncode(commit));
  commit.records = {Aborted(std::vector<Range>(256))};
  EXPECT_TRUE(CannotEncode(commit));
}

TEST(ResendTest, WantsAskedRecordsThatCanBe) {
  Resend resend;
  resend.requests = {{.slot = 1, .stream = 2, .count = 3, .from = 4}};
  const Bytes bytes = Encoded(resend);
  EXPECT_FALSE(IsMalformed(DecodeResend(bytes)));
  EXPECT_TRUE(IsMalformed(DecodeResend(With(bytes, 20, 64))));
  EXPECT_TRUE(IsMalformed(DecodeResend(With(bytes, 21, 9))));
  EXPECT_TRUE(IsMalformed(DecodeResend(WithNumber(bytes, 22, 2, 0))));
  EXPECT_TRUE(IsMalformed(DecodeResend(WithNumber(bytes, 24, 8, 0))));
  EXPECT_FALSE(IsMalformed(DecodeResend(WithNumber(bytes, 24, 8, UINT64_MAX - 2))));
  EXPECT_TRUE(IsMalformed(DecodeResend(WithNumber(bytes, 24, 8, UINT64_MAX - 1))));
}

TEST(ResendTest, WantsBothEndsOfTheLogOrNeither) {
  const auto decode = [](uint64_t from, uint64_t to) {
    return DecodeResend(Encoded(Resend{.log_from = from, .log_to = to, .requests = {}}));
  };
  EXPECT_FALSE(IsMalformed(decode(0, 0)));
  EXPECT_FALSE(IsMalformed(decode(7, 7)));
  EXPECT_TRUE(IsMalformed(decode(0, 7)));
  EXPECT_TRUE(IsMalformed(decode(7, 0)));
  EXPECT_TRUE(IsMalformed(decode(8, 7)));
}

TEST(ResendTest, AsksForAtMost64Runs) {
  Resend resend;
  resend.requests.assign(65, {.slot = 0, .stream = 0, .count = 1, .from = 1});
  EXPECT_TRUE(CannotEncode(resend));
  resend.requests.pop_back();
  Bytes bytes = Encoded(resend);
  EXPECT_FALSE(IsMalformed(DecodeResend(bytes)));
  bytes.insert(bytes.end(), bytes.end() - 12, bytes.end());
  EXPECT_TRUE(IsMalformed(DecodeResend(With(bytes, 0, 65))));
}

TEST(HeartbeatTest, NamesEachStreamOnce) {
  Heartbeat heartbeat;
  heartbeat.tails = {{.stream = 8, .last = 5, .first_kept = 6}, {.stream = 0}};
  const Bytes bytes = Encoded(heartbeat);
  EXPECT_FALSE(IsMalformed(DecodeHeartbeat(bytes)));
  EXPECT_TRUE(IsMalformed(DecodeHeartbeat(With(bytes, 36, 9))));
  EXPECT_TRUE(IsMalformed(DecodeHeartbeat(With(bytes, 36, 0))));
  heartbeat.tails.resize(10);
  EXPECT_TRUE(CannotEncode(heartbeat));
}

TEST(RangesTest, NamesAtLeastOneRange) {
  EXPECT_TRUE(CannotEncode(Ranges{}));
  EXPECT_TRUE(IsMalformed(DecodeRanges(Bytes{0, 0, 0, 0})));
}

TEST(RangesTest, RefusesWhatIsNoRange) {
  Ranges ranges;
  ranges.ranges = {{.slot = 1, .stream = 2, .reason = 3, .from = 4, .to = 5}};
  const Bytes bytes = Encoded(ranges);
  EXPECT_FALSE(IsMalformed(DecodeRanges(bytes)));
  EXPECT_TRUE(IsMalformed(DecodeRanges(With(bytes, 4, 64))));
  EXPECT_TRUE(IsMalformed(DecodeRanges(With(bytes, 5, 9))));
  EXPECT_TRUE(IsMalformed(DecodeRanges(WithNumber(bytes, 8, 8, 0))));
  EXPECT_TRUE(IsMalformed(DecodeRanges(WithNumber(bytes, 8, 8, 6))));
}

}  // namespace
}  // namespace strata::multicast
