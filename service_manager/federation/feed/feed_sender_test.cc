#include "service_manager/federation/feed/feed_sender.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace strata::manager::federation {
namespace {

using directory::Holder;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr FeedCredit kPlenty = {.records = 1'000'000, .bytes = uint64_t{1} << 30};

constexpr farm::ContentKey Key(uint32_t range, uint64_t low = 1) {
  return {FirstKeyOf(range).high, low};
}
FeedChange There(const farm::ContentKey& key, uint32_t holder = 1) {
  return {.key = key, .holder = Holder(holder), .copy = FeedCopy{.flags = 2}, .uri = "http://a/b"};
}
FeedItem Item(const farm::ContentKey& key, uint32_t holder = 1) {
  return {.key = key, .holder = Holder(holder), .copy = FeedCopy{.flags = 2}};
}

// A batch as words: "1 A 2 there 3 interval", with "introduces N" for holders.
std::vector<std::string> Words(const Bytes& bytes) {
  StatusOr<FeedBatch> batch = FeedBatch::Open(bytes);
  if (!batch.ok()) return {MessageOf(batch.status())};
  std::vector<std::string> words;
  if (batch->head().anew) words.emplace_back("anew");
  uint64_t sequence = batch->head().first_sequence;
  while (const std::optional<FeedRecord> record = batch->Next()) {
    if (const auto* introduction = std::get_if<Introduction>(&*record)) {
      words.push_back("introduces " + std::to_string(introduction->holder.value()));
      continue;
    }
    const std::string number = std::to_string(sequence++);
    if (const auto* change = std::get_if<FeedChange>(&*record)) {
      words.push_back(number + (change->copy ? " there" : " gone"));
    } else if (const auto* interval = std::get_if<FeedInterval>(&*record)) {
      words.push_back(number + " interval of " + std::to_string(interval->items.left()));
    } else if (const auto* digests = std::get_if<FeedDigests>(&*record)) {
      words.push_back(number + " digests of " + std::to_string(digests->count()));
    }
  }
  return words;
}
using Said = std::vector<std::string>;

class FeedSenderTest : public testing::Test {
 protected:
  static FeedSenderOptions Options() {
    FeedSenderOptions options;
    options.epoch = 3;
    options.batch_delay = milliseconds(10);
    options.check_cycle = Duration::zero();
    return options;
  }

  void Start(const FeedSenderOptions& options = Options(), const RangeDigests& told = {}) {
    sender_ = std::make_unique<FeedSender>(options, told);
    for (uint32_t i = 1; i < 4; ++i) {
      ASSERT_TRUE(sender_->SetHolder({.holder = Holder(i), .name = {"cdn", Name(i)}}).ok());
    }
  }
  static std::string Name(uint32_t holder) { return "engine-" + std::to_string(holder); }

  Status Connect(FeedPosition position = {}, FeedCredit credit = kPlenty) {
    return sender_->Connected({.position = position, .credit = credit}, now_);
  }
  // All that there is to be sent now.
  Said Sent() {
    Said said;
    for (;;) {
      Bytes batch;
      if (!sender_->NextBatch(now_, batch)) return said;
      for (std::string& word : Words(batch)) said.push_back(std::move(word));
    }
  }
  // A parent that has nothing yet, and has answered.
  void ConnectAnew(std::vector<uint32_t> differing = {}) {
    ASSERT_TRUE(Connect().ok());
    Sent();
    ASSERT_TRUE(sender_->OnComparison({.sequence = 1, .differing = std::move(differing)}).ok());
    Acknowledge(1);
  }
  void Acknowledge(uint64_t sequence) {
    const Status status = sender_->OnAcknowledgement({.sequence = sequence, .credit = {}});
    ASSERT_TRUE(status.ok()) << status;
  }
  void Tell(const farm::ContentKey& key) { sender_->Tell(There(key), std::nullopt, now_); }
  void Read(const std::vector<FeedItem>& items) {
    const std::optional<FeedRead> read = sender_->NextRead(now_);
    ASSERT_TRUE(read);
    sender_->TakeRead(*read, {.last = read->last, .items = items}, now_);
  }

  std::unique_ptr<FeedSender> sender_;
  Timestamp now_ = Timestamp::FromNanos(0) + seconds(1);
};

TEST_F(FeedSenderTest, BeginsAnewWithTheDigestsOfAllRanges) {
  Start();
  Tell(Key(5));
  ASSERT_TRUE(Connect().ok());
  EXPECT_EQ(Sent(),
            (Said{"anew", "introduces 1", "introduces 2", "introduces 3", "2 digests of 4096"}))
      << "the change is in the digests";
  EXPECT_EQ(sender_->counts().begun_anew, 1U);
}

TEST_F(FeedSenderTest, GoesOnBehindWhatTheParentHas) {
  Start();
  ConnectAnew();
  Tell(Key(5));
  Tell(Key(6));
  now_ += milliseconds(10);
  EXPECT_EQ(Sent(), (Said{"2 there", "3 there"}));
  sender_->Disconnected();
  Tell(Key(7));
  now_ += milliseconds(10);
  EXPECT_EQ(sender_->greeting(), (FeedGreeting{.epoch = 3, .lowest = 2, .next = 5}));
  ASSERT_TRUE(Connect({.epoch = 3, .sequence = 2}).ok());
  EXPECT_EQ(Sent(), (Said{"introduces 1", "3 there", "4 there"}));
  EXPECT_EQ(sender_->counts().resumed, 1U);
  EXPECT_EQ(sender_->dirty_ranges(), 0U);
}

TEST_F(FeedSenderTest, BeginsAnewWhereItHasForgottenWhatFollows) {
  Start();
  ConnectAnew();
  Tell(Key(5));
  now_ += milliseconds(10);
  Sent();
  Acknowledge(2);
  sender_->Disconnected();
  ASSERT_TRUE(Connect({.epoch = 3, .sequence = 0}).ok());
  EXPECT_EQ(Sent().back(), "3 digests of 4096");
}

TEST_F(FeedSenderTest, StopsWhereSomebodyElseSpeaksInItsName) {
  Start();
  EXPECT_EQ(Connect({.epoch = 4, .sequence = 1}).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(MessageOf(Connect({.epoch = 3, .sequence = 1})),
            "the parent has record 1 of epoch 3, and this manager has told 0: somebody else speaks "
            "in its name");
  EXPECT_FALSE(sender_->connected());
}

TEST_F(FeedSenderTest, WaitsForMoreBeforeItSendsABatch) {
  FeedSenderOptions options = Options();
  options.batch_records = 3;
  Start(options);
  ConnectAnew();
  EXPECT_EQ(sender_->next_wakeup(now_), Timestamp::Never());
  Tell(Key(1));
  EXPECT_TRUE(Sent().empty());
  EXPECT_EQ(sender_->next_wakeup(now_), now_ + milliseconds(10));
  Tell(Key(2));
  Tell(Key(3));
  EXPECT_EQ(sender_->next_wakeup(now_), now_) << "a batch is full";
  EXPECT_EQ(Sent(), (Said{"2 there", "3 there", "4 there"}));
}

TEST_F(FeedSenderTest, SendsNothingBeyondItsCredit) {
  Start();
  ASSERT_TRUE(Connect({}, {.records = 2, .bytes = uint64_t{1} << 20}).ok());
  Tell(Key(1));
  Tell(Key(2));
  now_ += milliseconds(10);
  EXPECT_EQ(Sent().back(), "2 there");
  EXPECT_EQ(sender_->next_wakeup(now_), Timestamp::Never()) << "only credit helps";
  ASSERT_TRUE(sender_->OnComparison({.sequence = 1, .differing = {}}).ok());
  const FeedAcknowledgement more{.sequence = 1, .credit = {.records = 1, .bytes = 0}};
  ASSERT_TRUE(sender_->OnAcknowledgement(more).ok());
  EXPECT_EQ(Sent(), Said{"3 there"});
}

TEST_F(FeedSenderTest, SendsNoBatchThatIsLargerThanItsCredit) {
  Start();
  ASSERT_TRUE(Connect({}, {.records = 10, .bytes = 1000}).ok());
  EXPECT_EQ(Sent(), (Said{"anew", "introduces 1", "introduces 2", "introduces 3"}));
  const FeedAcknowledgement more{.sequence = 0, .credit = {.records = 0, .bytes = 40'000}};
  ASSERT_TRUE(sender_->OnAcknowledgement(more).ok());
  now_ += milliseconds(10);
  EXPECT_EQ(Sent(), Said{"1 digests of 4096"});
}

TEST_F(FeedSenderTest, ARangeWithoutRoomForAChangeIsToldAnew) {
  FeedSenderOptions options = Options();
  options.kept_records_max = 2;
  Start(options);
  ConnectAnew();
  Tell(Key(5, 1));
  Tell(Key(5, 2));
  Tell(Key(5, 3));
  Tell(Key(5, 4));
  EXPECT_EQ(sender_->counts().overflows, 1U);
  EXPECT_EQ(sender_->counts().suppressed, 1U);
  now_ += milliseconds(10);
  EXPECT_EQ(Sent(), (Said{"2 there", "3 there"}));
  EXPECT_FALSE(sender_->NextRead(now_)) << "no room yet";
  Acknowledge(3);
  Read({Item(Key(5, 1)), Item(Key(5, 2)), Item(Key(5, 3)), Item(Key(5, 4))});
  now_ += milliseconds(10);
  EXPECT_EQ(Sent(), Said{"4 interval of 4"});
  EXPECT_FALSE(sender_->Quiet());
  Acknowledge(4);
  EXPECT_TRUE(sender_->Quiet());
}

TEST_F(FeedSenderTest, ChangesOfWhatWasToldAnewAreToldAgain) {
  Start();
  ConnectAnew({5});
  const std::optional<FeedRead> first = sender_->NextRead(now_);
  ASSERT_TRUE(first);
  sender_->TakeRead(*first, {.last = Key(5, 10), .items = {}}, now_);
  Tell(Key(5, 10));
  Tell(Key(5, 11));
  now_ += milliseconds(10);
  EXPECT_EQ(Sent(), (Said{"2 interval of 0", "3 there"}));
  Read({Item(Key(5, 11))});
  now_ += milliseconds(10);
  EXPECT_EQ(Sent(), Said{"4 interval of 1"});
  RangeDigests expected;
  expected.Add(Key(5, 10), IdentityOf({"cdn", Name(1)}), 2);
  expected.Add(Key(5, 11), IdentityOf({"cdn", Name(1)}), 2);
  EXPECT_EQ(sender_->told(), expected);
}

TEST_F(FeedSenderTest, AnAnswerFromBeforeARangeWasToldAnewCountsNoMore) {
  Start();
  ASSERT_TRUE(Connect().ok());
  Sent();
  sender_->Refresh(5);
  Read({});
  ASSERT_TRUE(sender_->OnComparison({.sequence = 1, .differing = {5, 6}}).ok());
  EXPECT_EQ(sender_->dirty_ranges(), 1U) << "6 only";
}

TEST_F(FeedSenderTest, AsksAgainForAnAnswerThatWasLost) {
  Start();
  ASSERT_TRUE(Connect().ok());
  Sent();
  sender_->Disconnected();
  ASSERT_TRUE(Connect({.epoch = 3, .sequence = 1}).ok());
  now_ += milliseconds(10);
  EXPECT_EQ(Sent(), Said{"2 digests of 4096"});
}

TEST_F(FeedSenderTest, ComparesEachRangeNowAndThen) {
  FeedSenderOptions options = Options();
  options.check_cycle = seconds(4096);
  Start(options);
  ConnectAnew();
  EXPECT_FALSE(sender_->NextRead(now_));
  EXPECT_EQ(sender_->next_wakeup(now_), now_ + seconds(1));
  now_ += seconds(1);
  Read({});
  now_ += milliseconds(10);
  EXPECT_EQ(Sent(), Said{"2 digests of 1"});
  EXPECT_FALSE(sender_->NextRead(now_));
  now_ += seconds(1);
  EXPECT_EQ(sender_->NextRead(now_)->first, FirstKeyOf(1));
}

TEST_F(FeedSenderTest, ARangeThatIsNotWhatWasToldIsToldAnew) {
  FeedSenderOptions options = Options();
  options.check_cycle = seconds(4096);
  Start(options);
  ConnectAnew();
  now_ += seconds(1);
  Read({Item(Key(0))});
  EXPECT_EQ(sender_->dirty_ranges(), 1U);
  Read({Item(Key(0))});
  now_ += milliseconds(10);
  EXPECT_EQ(Sent(), Said{"2 interval of 1"});
}

TEST_F(FeedSenderTest, ACheckSeesWhatChangesWhileItReads) {
  FeedSenderOptions options = Options();
  options.check_cycle = seconds(4096);
  Start(options);
  ConnectAnew();
  now_ += seconds(1);
  const std::optional<FeedRead> first = sender_->NextRead(now_);
  ASSERT_TRUE(first);
  Tell(Key(0, 1));
  sender_->TakeRead(*first, {.last = Key(0, 10), .items = {}}, now_);
  Tell(Key(0, 2));
  Tell(Key(0, 20));
  Read({Item(Key(0, 20))});
  EXPECT_EQ(sender_->dirty_ranges(), 0U);
}

TEST_F(FeedSenderTest, CutsWhatWasReadWhereARecordIsFull) {
  Start();
  ConnectAnew({5});
  std::vector<FeedItem> items;
  for (uint64_t i = 1; i <= kFeedItemsMax + 1; ++i) items.push_back(Item(Key(5, i)));
  Read(items);
  now_ += milliseconds(10);
  EXPECT_EQ(Sent(), (Said{"2 interval of 4096", "3 interval of 1"}));
}

TEST_F(FeedSenderTest, AReadMayNameAHolderThatIsForgottenMeanwhile) {
  Start();
  ConnectAnew({5});
  const std::optional<FeedRead> read = sender_->NextRead(now_);
  sender_->ForgetHolder(Holder(1));
  sender_->TakeRead(*read, {.last = read->last, .items = std::vector{Item(Key(5))}}, now_);
  Read({});
  now_ += milliseconds(10);
  EXPECT_EQ(Sent(), Said{"2 interval of 0"});
}

TEST_F(FeedSenderTest, RefusesWhatAParentCannotSay) {
  Start();
  ASSERT_TRUE(Connect().ok());
  Sent();
  EXPECT_EQ(MessageOf(sender_->OnAcknowledgement({.sequence = 2, .credit = {}})),
            "the parent acknowledged record 2, and was sent 1");
  EXPECT_EQ(MessageOf(sender_->OnAcknowledgement({.sequence = 1, .credit = {}})),
            "the parent acknowledged record 1, digests that it did not answer");
  EXPECT_EQ(MessageOf(sender_->OnComparison({.sequence = 2, .differing = {}})),
            "the parent compared record 2, which is no digests");
  EXPECT_EQ(MessageOf(sender_->OnComparison({.sequence = 1, .differing = {4096}})),
            "the parent compared range 4096, which record 1 has not");
}

TEST_F(FeedSenderTest, CreditNeverOverflows) {
  Start();
  ASSERT_TRUE(Connect().ok());
  const FeedCredit endless{.records = UINT64_MAX, .bytes = UINT64_MAX};
  EXPECT_TRUE(sender_->OnAcknowledgement({.sequence = 0, .credit = endless}).ok());
  EXPECT_EQ(Sent().back(), "1 digests of 4096");
}

TEST_F(FeedSenderTest, OptionsThatMakeNoSenseAreNamed) {
  FeedSenderOptions options = Options();
  options.epoch = 0;
  EXPECT_EQ(MessageOf(FeedSenderOptions::Check(options)), "epoch is 0");
  options = Options();
  options.batch_records = 5000;
  EXPECT_EQ(MessageOf(FeedSenderOptions::Check(options)),
            "batch_records is 5000, not from 1 to 4096");
}

}  // namespace
}  // namespace strata::manager::federation
