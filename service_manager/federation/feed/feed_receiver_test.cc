#include "service_manager/federation/feed/feed_receiver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "common/random.h"
#include "farm/content_identity.h"

namespace strata::manager::federation {
namespace {

using directory::Holder;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kChild[] = "cdn-one/dc-two";

constexpr farm::ContentKey Key(uint32_t range, uint64_t low = 1) {
  return {FirstKeyOf(range).high, low};
}
Introduction Engine(uint32_t number) {
  return {.holder = Holder(number),
          .name = {"cdn-one/dc-two/lan-a", "north-" + std::to_string(number)},
          .clients = {{.ip = IpAddress::V4(192, 0, 2, 1), .port = 80}}};
}
FeedChange There(const farm::ContentKey& key, uint32_t holder = 1) {
  return {.key = key, .holder = Holder(holder), .copy = FeedCopy{.flags = 2}};
}
FeedChange Gone(const farm::ContentKey& key, uint32_t holder = 1) {
  return {.key = key, .holder = Holder(holder)};
}
FeedItem Item(const farm::ContentKey& key, uint32_t holder = 1) {
  return {.key = key, .holder = Holder(holder), .copy = FeedCopy{.flags = 2}};
}

// A batch of the child.
class Batch {
 public:
  explicit Batch(FeedBatchHead head) : head_(head) {
    if (head_.epoch == 0) head_.epoch = 3;
  }
  template <class Record>
  Batch& With(const Record& record) {
    if (!std::is_same_v<Record, Introduction>) ++head_.records;
    return Append([&](ByteWriter& writer) { Encode(record, writer); });
  }
  Batch& Interval(const farm::ContentKey& first, const farm::ContentKey& last,
                  const std::vector<FeedItem>& items) {
    ++head_.records;
    return Append([&](ByteWriter& writer) { EncodeInterval(first, last, items, writer); });
  }
  Batch& Digests(uint32_t first, const std::vector<uint64_t>& digests) {
    ++head_.records;
    return Append([&](ByteWriter& writer) { EncodeDigests(first, digests, writer); });
  }
  Bytes bytes() const {
    Bytes bytes(kFeedBatchHeadBytes);
    ByteWriter writer(bytes);
    Encode(head_, writer);
    bytes.insert(bytes.end(), body_.begin(), body_.end());
    return bytes;
  }

 private:
  template <class Write>
  Batch& Append(const Write& write) {
    Bytes buffer(kFeedRecordBytesMax);
    ByteWriter writer(buffer);
    write(writer);
    body_.insert(body_.end(), writer.written().begin(), writer.written().end());
    return *this;
  }

  FeedBatchHead head_;
  Bytes body_;
};

Batch At(uint64_t sequence) { return Batch({.first_sequence = sequence}); }
Batch AnewAt(uint64_t sequence) { return Batch({.first_sequence = sequence, .anew = true}); }

class FeedReceiverTest : public testing::Test {
 protected:
  FeedReceiverTest()
      : random_(1), index_(random_), reader_(*directory::LocationReader::Register(index_)) {}

  void Start(FeedPosition position = {}, FeedCredit window = FeedReceiverOptions().window) {
    const KnownOfChild known{.position = position, .holders = {}, .digests = {}};
    receiver_ = std::make_unique<FeedReceiver>(
        FeedReceiverOptions{.child = kChild, .window = window}, index_, reader_, known);
  }
  // A child that told its first record, with engine 1 and 2.
  void StartWithEngines() {
    Start();
    ASSERT_TRUE(receiver_->Connected({.epoch = 3, .lowest = 1, .next = 1}).ok());
    ASSERT_EQ(Take(AnewAt(1).With(Engine(1)).With(Engine(2)).With(Gone(Key(0)))), "");
  }

  // Empty if it was taken, else why not.
  std::string Take(const Batch& batch) {
    const StatusOr<FeedReceiver::Received> received = receiver_->Take(
        batch.bytes(),
        [this](const Introduction& introduction) -> StatusOr<Holder> {
          if (numbers_full_) return ResourceExhausted("no more numbers");
          return Holder(introduction.holder.value() + 100);
        },
        [this](const ToldCopy& told) {
          if (told.copy == nullptr) {
            index_.Remove(told.key, told.holder);
          } else {
            remaining_ = told.copy->remaining;
            const directory::Location location{told.holder, told.copy->flags};
            return index_.Add(told.key, location) != directory::AddResult::kTooMany;
          }
          return true;
        });
    if (!received.ok()) return MessageOf(received.status());
    comparisons_ = received->comparisons;
    return "";
  }
  // The holders of a content, by the child's numbers.
  std::vector<uint32_t> HoldersOf(const farm::ContentKey& key) {
    std::array<directory::Location, 8> locations;
    std::vector<uint32_t> holders;
    for (size_t i = 0, count = index_.Find(key, locations); i < count; ++i) {
      holders.push_back(locations[i].holder.value() - 100);
    }
    std::sort(holders.begin(), holders.end());
    return holders;
  }
  using Holders = std::vector<uint32_t>;

  SeededRandom random_;
  directory::LocationIndex index_;
  directory::LocationReader reader_;
  std::unique_ptr<FeedReceiver> receiver_;
  bool numbers_full_ = false;
  std::optional<Duration> remaining_;
  std::vector<FeedComparison> comparisons_;
};

TEST_F(FeedReceiverTest, TellsWhereItIs) {
  Start({.epoch = 3, .sequence = 7});
  const auto welcome = receiver_->Connected({.epoch = 3, .lowest = 5, .next = 10});
  ASSERT_TRUE(welcome.ok());
  EXPECT_EQ(welcome->position, (FeedPosition{.epoch = 3, .sequence = 7}));
  EXPECT_EQ(welcome->credit, FeedReceiverOptions().window);
}

TEST_F(FeedReceiverTest, RefusesAManagerThatWasDeposed) {
  Start({.epoch = 3, .sequence = 7});
  EXPECT_EQ(MessageOf(receiver_->Connected({.epoch = 2, .lowest = 1, .next = 1}).status()),
            "child cdn-one/dc-two: it greets with epoch 2, and a later manager of its scope has "
            "epoch 3");
  EXPECT_FALSE(receiver_->Connected({.epoch = 3, .lowest = 4, .next = 3}).ok());
}

TEST_F(FeedReceiverTest, ADeposedManagerDoesNotEndTheStreamOfTheOneThatLeads) {
  StartWithEngines();
  EXPECT_FALSE(receiver_->Connected({.epoch = 2, .lowest = 1, .next = 1}).ok());
  EXPECT_EQ(Take(At(2).With(There(Key(5)))), "");
  EXPECT_EQ(HoldersOf(Key(5)), Holders{1});
}

TEST_F(FeedReceiverTest, AppliesChanges) {
  StartWithEngines();
  EXPECT_EQ(Take(At(2).With(There(Key(5))).With(There(Key(5), 2)).With(There(Key(6)))), "");
  EXPECT_EQ(Take(At(5).With(Gone(Key(5))).With(Gone(Key(7)))), "");
  EXPECT_EQ(HoldersOf(Key(5)), Holders{2});
  EXPECT_EQ(HoldersOf(Key(6)), Holders{1});
  EXPECT_EQ(receiver_->position(), (FeedPosition{.epoch = 3, .sequence = 6}));
  RangeDigests expected;
  expected.Add(Key(5), IdentityOf(Engine(2).name), 2);
  expected.Add(Key(6), IdentityOf(Engine(1).name), 2);
  EXPECT_EQ(receiver_->digests(), expected);
}

// What was read of the index for the one does not reach to the other, in the next part of it.
TEST_F(FeedReceiverTest, AnIntervalBehindTheEndOfAPartTakesOutWhatIsNotInIt) {
  StartWithEngines();
  const uint32_t last_of_part = directory::kRangesPerPart - 1;
  const uint32_t behind = last_of_part + 3;
  EXPECT_EQ(Take(At(2).With(There(Key(behind)))), "");
  EXPECT_EQ(Take(At(3)
                     .Interval(FirstKeyOf(last_of_part), LastKeyOf(last_of_part), {})
                     .Interval(FirstKeyOf(behind), LastKeyOf(behind), {})),
            "");
  EXPECT_EQ(HoldersOf(Key(behind)), Holders{});
}

TEST_F(FeedReceiverTest, SkipsWhatItHasAndRefusesAGap) {
  StartWithEngines();
  EXPECT_EQ(Take(At(2).With(There(Key(5))).With(There(Key(6)))), "");
  EXPECT_EQ(Take(At(3).With(Gone(Key(6))).With(There(Key(7)))), "");
  EXPECT_EQ(HoldersOf(Key(6)), Holders{1});
  EXPECT_EQ(HoldersOf(Key(7)), Holders{1});
  EXPECT_EQ(receiver_->counts().skipped, 1U);
  EXPECT_EQ(Take(At(6).With(There(Key(8)))),
            "child cdn-one/dc-two: record 6 follows 4: there is a gap");
  EXPECT_EQ(Take(At(5).With(There(Key(8)))), "child cdn-one/dc-two: a batch without a stream");
}

TEST_F(FeedReceiverTest, RefusesWhatDoesNotBeginAnewWhereItHasTo) {
  Start({.epoch = 2, .sequence = 7});
  ASSERT_TRUE(receiver_->Connected({.epoch = 3, .lowest = 1, .next = 9}).ok());
  EXPECT_EQ(Take(At(8).With(Engine(1))),
            "child cdn-one/dc-two: it goes on where it has to begin anew");
  ASSERT_TRUE(receiver_->Connected({.epoch = 3, .lowest = 1, .next = 9}).ok());
  EXPECT_EQ(Take(AnewAt(8).With(Engine(1))), "");
  EXPECT_EQ(receiver_->position(), (FeedPosition{.epoch = 3, .sequence = 7}));
  EXPECT_EQ(Take(AnewAt(7).With(Engine(1))),
            "child cdn-one/dc-two: it begins anew with record 7, and 7 is known");
}

TEST_F(FeedReceiverTest, RefusesAnotherEpoch) {
  StartWithEngines();
  EXPECT_EQ(Take(Batch({.epoch = 4, .first_sequence = 2, .anew = true}).With(There(Key(5)))),
            "child cdn-one/dc-two: a batch of epoch 4 in a stream of epoch 3");
}

TEST_F(FeedReceiverTest, AChildSpeaksForItsOwnScopeOnly) {
  StartWithEngines();
  Introduction foreign = Engine(3);
  foreign.name.scope = "cdn-one/dc-twofold";
  EXPECT_EQ(Take(At(2).With(There(Key(5))).With(foreign)),
            "child cdn-one/dc-two: batch 3/2: record 2: engine north-3 of cdn-one/dc-twofold is "
            "outside of its scope");
  EXPECT_EQ(HoldersOf(Key(5)), Holders{}) << "nothing of the batch was applied";
  EXPECT_EQ(receiver_->position().sequence, 1U);
}

TEST_F(FeedReceiverTest, RefusesHoldersThatItWasNotTold) {
  StartWithEngines();
  EXPECT_EQ(Take(At(2).With(There(Key(5), 9))),
            "child cdn-one/dc-two: batch 3/2: record 1: holder 9 was not introduced");
  ASSERT_TRUE(receiver_->Connected({.epoch = 3, .lowest = 1, .next = 3}).ok());
  EXPECT_EQ(Take(At(2).Interval(Key(5), LastKeyOf(5), {Item(Key(5), 1)})),
            "child cdn-one/dc-two: batch 3/2: record 1: holder 1 was not introduced")
      << "numbers end with their stream";
}

TEST_F(FeedReceiverTest, RefusesANumberForTwoHolders) {
  StartWithEngines();
  Introduction other = Engine(1);
  other.name.engine = "south-1";
  EXPECT_EQ(Take(At(2).With(other)),
            "child cdn-one/dc-two: batch 3/2: record 1: number 1 is engine north-1 of "
            "cdn-one/dc-two/lan-a, and not engine south-1 of cdn-one/dc-two/lan-a");
}

TEST_F(FeedReceiverTest, RefusesAUriOfAnotherContent) {
  StartWithEngines();
  FeedChange change = There(farm::KeyOf("http://a/b"));
  change.uri = "http://a/b";
  EXPECT_EQ(Take(At(2).With(change)), "");
  change.uri = "http://a/c";
  EXPECT_NE(Take(At(3).With(change)).find("has another key"), std::string::npos);
}

TEST_F(FeedReceiverTest, RefusesHoldersOfAContentThatAreNotInOrder) {
  StartWithEngines();
  const bool first = IdentityOf(Engine(1).name) < IdentityOf(Engine(2).name);
  const uint32_t low = first ? 1 : 2;
  EXPECT_EQ(Take(At(2).Interval(Key(5), LastKeyOf(5), {Item(Key(5), low), Item(Key(5), 3 - low)})),
            "");
  EXPECT_NE(Take(At(3).Interval(Key(5), LastKeyOf(5), {Item(Key(5), 3 - low), Item(Key(5), low)}))
                .find("are not in order"),
            std::string::npos);
}

TEST_F(FeedReceiverTest, PassesOnWhyAHolderGetsNoNumber) {
  StartWithEngines();
  numbers_full_ = true;
  EXPECT_EQ(Take(At(2).With(Engine(3))),
            "child cdn-one/dc-two: batch 3/2: record 1: no more numbers");
}

TEST_F(FeedReceiverTest, AnIntervalIsAllThatThereIs) {
  StartWithEngines();
  EXPECT_EQ(Take(At(2).With(There(Key(5, 1))).With(There(Key(5, 2))).With(There(Key(5, 9)))), "");
  index_.Add(Key(5, 2), {.holder = Holder(7)});  // Another child's.
  EXPECT_EQ(Take(At(5).Interval(Key(5, 0), Key(5, 8), {Item(Key(5, 1), 2), Item(Key(5, 3))})), "");
  EXPECT_EQ(HoldersOf(Key(5, 1)), Holders{2});
  EXPECT_EQ(index_.Find(Key(5, 2), {}), 1U) << "what others have stays";
  EXPECT_EQ(HoldersOf(Key(5, 3)), Holders{1});
  EXPECT_EQ(HoldersOf(Key(5, 9)), Holders{1}) << "behind the interval";
}

TEST_F(FeedReceiverTest, ChangesBetweenIntervalsOfARangeCount) {
  StartWithEngines();
  EXPECT_EQ(Take(At(2)
                     .Interval(Key(5, 0), Key(5, 8), {})
                     .With(There(Key(5, 4)))
                     .With(There(Key(5, 12)))
                     .Interval(Key(5, 9), LastKeyOf(5), {Item(Key(5, 13))})),
            "");
  EXPECT_EQ(HoldersOf(Key(5, 4)), Holders{1});
  EXPECT_EQ(HoldersOf(Key(5, 12)), Holders{});
  EXPECT_EQ(HoldersOf(Key(5, 13)), Holders{1});
}

TEST_F(FeedReceiverTest, NamesTheRangesThatDiffer) {
  StartWithEngines();
  const uint64_t digest = FeedDigestOf(Key(5), IdentityOf(Engine(1).name), 2);
  EXPECT_EQ(Take(At(2).With(There(Key(5))).Digests(4, {0, digest, 1}).Digests(5, {digest})), "");
  ASSERT_EQ(comparisons_.size(), 2U);
  EXPECT_EQ(comparisons_[0], (FeedComparison{.sequence = 3, .differing = {6}}));
  EXPECT_EQ(comparisons_[1], (FeedComparison{.sequence = 4, .differing = {}}));
}

TEST_F(FeedReceiverTest, ComparesWhatTheIndexHas) {
  StartWithEngines();
  const uint64_t digest = FeedDigestOf(Key(5), IdentityOf(Engine(1).name), 2);
  EXPECT_EQ(Take(At(2).With(There(Key(5)))), "");
  index_.Add(Key(5), {.holder = Holder(101), .flags = 3});  // A bit turns.
  EXPECT_EQ(Take(At(3).Digests(5, {digest})), "");
  EXPECT_EQ(comparisons_[0].differing, Holders{5});
}

TEST_F(FeedReceiverTest, LifetimesAreLessByTheTimeThatABatchHasWaited) {
  StartWithEngines();
  FeedChange change = There(Key(5));
  change.copy->remaining = seconds(10);
  EXPECT_EQ(Take(Batch({.first_sequence = 2, .age = seconds(4)}).With(change)), "");
  EXPECT_EQ(remaining_, seconds(6));
  EXPECT_EQ(Take(Batch({.first_sequence = 3, .age = seconds(40)}).With(change)), "");
  EXPECT_EQ(remaining_, Duration::zero());
}

TEST_F(FeedReceiverTest, AcknowledgesWhatIsDurableAndGivesItsCreditBack) {
  StartWithEngines();
  const Batch batch = At(2).With(There(Key(5))).With(There(Key(6)));
  EXPECT_EQ(Take(batch), "");
  const auto first = receiver_->OnDurable({.epoch = 3, .sequence = 1});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->sequence, 1U);
  EXPECT_EQ(first->credit.records, 1U);
  EXPECT_FALSE(receiver_->OnDurable({.epoch = 3, .sequence = 1}));
  EXPECT_FALSE(receiver_->OnDurable({.epoch = 2, .sequence = 9})) << "of another manager";
  EXPECT_EQ(receiver_->OnDurable({.epoch = 3, .sequence = 3}),
            (FeedAcknowledgement{.sequence = 3,
                                 .credit = {.records = 2, .bytes = batch.bytes().size()}}));
}

TEST_F(FeedReceiverTest, RefusesMoreThanItGaveCreditFor) {
  Start({}, {.records = kFeedBatchRecordsMax, .bytes = kFeedBatchBytesMax});
  ASSERT_TRUE(receiver_->Connected({.epoch = 3, .lowest = 1, .next = 1}).ok());
  Batch full = AnewAt(1).With(Engine(1));
  for (size_t i = 0; i < kFeedBatchRecordsMax; ++i) full.With(Gone(Key(5)));
  EXPECT_EQ(Take(full), "");
  EXPECT_NE(Take(At(kFeedBatchRecordsMax + 1).With(Gone(Key(5)))).find("with credit for 0 and "),
            std::string::npos);
}

TEST_F(FeedReceiverTest, KnowsNothingOfAChildThatIsForgotten) {
  StartWithEngines();
  EXPECT_EQ(Take(At(2).With(There(Key(5)))), "");
  receiver_->Forget();
  EXPECT_EQ(receiver_->position(), FeedPosition());
  EXPECT_EQ(receiver_->digests(), RangeDigests());
  EXPECT_EQ(Take(At(3).With(There(Key(5)))), "child cdn-one/dc-two: a batch without a stream");
}

TEST_F(FeedReceiverTest, TheWindowHoldsABatchAtLeast) {
  EXPECT_EQ(MessageOf(FeedReceiverOptions::Check(
                {.child = kChild, .window = {.records = 1, .bytes = 1}})),
            "the window of 1 records and 1 bytes is smaller than a batch");
}

}  // namespace
}  // namespace strata::manager::federation
