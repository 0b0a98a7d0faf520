#include "multicast/core/stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "common/random.h"
#include "multicast/core/test_group.h"

namespace strata::multicast {
namespace {

using std::chrono::microseconds;
using testing::kStart;
using testing::WholeRecord;
using Insertion = Stream::Insertion;

constexpr uint32_t kRoom = 16384;
constexpr Stream::Patience kPatience = {microseconds(200), microseconds(1000), microseconds(3000)};

Record Piece(Seq seq, std::string_view text, uint8_t flags, uint32_t message_bytes = 0) {
  Record record;
  record.seq = seq;
  record.flags = flags;
  record.message_bytes = message_bytes;
  record.payload = AsBytes(text);
  return record;
}

struct Handed {
  Seq first;
  Seq last;
  bool aborted;
  friend bool operator==(const Handed&, const Handed&) = default;
};

class StreamTest : public ::testing::Test {
 protected:
  Insertion Insert(const Record& record, Timestamp now = kStart) {
    return stream_.Insert(record, kRoom, now).result;
  }
  void InsertWhole(Seq from, Seq to) {
    for (Seq seq = from; seq <= to; ++seq) {
      ASSERT_EQ(Insert(WholeRecord(seq, "x")), Insertion::kNew);
    }
  }
  // "abc", "de" as one message of two records from `seq`.
  void InsertTwo(Seq seq) {
    ASSERT_EQ(Insert(Piece(seq, "abc", kInit, 5)), Insertion::kNew);
    ASSERT_EQ(Insert(Piece(seq + 1, "de", kNoMore)), Insertion::kNew);
  }
  std::vector<Handed> Deliver(Seq to) {
    std::vector<Handed> handed;
    stream_.Deliver(to, [&](Seq first, Seq last, bool aborted) {
      handed.push_back({first, last, aborted});
    });
    return handed;
  }
  std::vector<ResendRequest> Collect(Timestamp now, size_t max = 64) {
    std::vector<ResendRequest> out;
    stream_.CollectMissing(kPatience, now, max, 2, 3, out);
    return out;
  }

  Stream stream_;
};

// ---- Filling.

TEST_F(StreamTest, HoldsWhatArrivesInOrder) {
  InsertWhole(1, 5);
  EXPECT_EQ(stream_.held(), 5u);
  EXPECT_EQ(stream_.stored(), 5u);
  EXPECT_FALSE(stream_.HasGap());
}

TEST_F(StreamTest, AGapStopsTheHeldPosition) {
  InsertWhole(1, 2);
  InsertWhole(4, 5);
  EXPECT_EQ(stream_.held(), 2u);
  EXPECT_EQ(stream_.highest(), 5u);
  EXPECT_TRUE(stream_.HasGap());
}

TEST_F(StreamTest, TheMissingRecordMovesTheHeldPositionOverAllThatWaited) {
  InsertWhole(2, 5);
  InsertWhole(1, 1);
  EXPECT_EQ(stream_.held(), 5u);
}

TEST_F(StreamTest, ADuplicateChangesNothing) {
  InsertWhole(1, 1);
  InsertWhole(3, 3);
  EXPECT_EQ(Insert(WholeRecord(1, "other")), Insertion::kDuplicate);
  EXPECT_EQ(Insert(WholeRecord(3, "other")), Insertion::kDuplicate);
  EXPECT_EQ(stream_.stored(), 2u);
  EXPECT_EQ(AsText(stream_.RecordAt(3).payload), "x");
}

TEST_F(StreamTest, RefusesWhatIsBeyondTheRoom) {
  EXPECT_EQ(stream_.Insert(WholeRecord(101, "x"), 100, kStart).result, Insertion::kBeyond);
  EXPECT_EQ(stream_.highest(), 0u);
  EXPECT_EQ(stream_.Insert(WholeRecord(100, "x"), 100, kStart).result, Insertion::kNew);
}

TEST_F(StreamTest, TheRoomMovesWithDelivery) {
  InsertWhole(1, 10);
  Deliver(10);
  EXPECT_EQ(stream_.Insert(WholeRecord(110, "x"), 100, kStart).result, Insertion::kNew);
}

TEST_F(StreamTest, RefusesWhatExceedsTheCapacityWhateverTheRoom) {
  const Record far = WholeRecord(Stream::kCapacity + 1, "x");
  EXPECT_EQ(stream_.Insert(far, UINT32_MAX, kStart).result, Insertion::kBeyond);
}

TEST_F(StreamTest, ForgetsARecordThatStartsInsideAMessage) {
  Insert(Piece(1, "abc", kInit, 6));
  EXPECT_EQ(Insert(WholeRecord(2, "x")), Insertion::kBroken);
  EXPECT_EQ(stream_.held(), 1u);
  EXPECT_EQ(Insert(Piece(2, "def", kNoMore)), Insertion::kNew);
  EXPECT_EQ(stream_.held(), 2u);
}

TEST_F(StreamTest, ForgetsARecordThatGoesOnWithoutAStart) {
  InsertWhole(1, 1);
  EXPECT_EQ(Insert(Piece(2, "x", kNoMore)), Insertion::kBroken);
  EXPECT_EQ(stream_.held(), 1u);
  EXPECT_EQ(stream_.stored(), 1u);
}

TEST_F(StreamTest, LearnsOnceThatTheStreamReachesFurther) {
  EXPECT_TRUE(stream_.NoteExists(3, kRoom, kStart));
  EXPECT_FALSE(stream_.NoteExists(3, kRoom, kStart));
  EXPECT_EQ(stream_.highest(), 3u);
  EXPECT_EQ(stream_.held(), 0u);
}

TEST_F(StreamTest, LearnsOfNothingBeyondTheRoom) {
  EXPECT_TRUE(stream_.NoteExists(1'000'000, 50, kStart));
  EXPECT_EQ(stream_.highest(), 50u);
}

TEST_F(StreamTest, SkipsForwardAsIfDelivered) {
  InsertWhole(1, 3);
  InsertWhole(9, 9);
  stream_.SkipTo(8);
  EXPECT_EQ(stream_.delivered(), 8u);
  EXPECT_EQ(stream_.first_kept(), 9u);
  EXPECT_EQ(stream_.held(), 9u);
  EXPECT_EQ(stream_.stored(), 1u);
}

TEST_F(StreamTest, NeverSkipsBackward) {
  InsertWhole(1, 5);
  Deliver(5);
  stream_.SkipTo(2);
  EXPECT_EQ(stream_.delivered(), 5u);
  EXPECT_EQ(stream_.first_kept(), 1u);
}

TEST_F(StreamTest, NeverSkipsToWhereNoStreamGets) {
  stream_.SkipTo(UINT64_MAX - 1);
  EXPECT_EQ(stream_.delivered(), 0u);
}

// ---- Messages.

TEST_F(StreamTest, CutsAPositionDownToTheEndOfAMessage) {
  InsertWhole(1, 2);
  Insert(Piece(3, "abc", kInit, 9));
  Insert(Piece(4, "def", 0));
  EXPECT_EQ(stream_.CutToMessage(4), 2u);
  EXPECT_EQ(stream_.CutToMessage(3), 2u);
  EXPECT_EQ(stream_.CutToMessage(2), 2u);
  Insert(Piece(5, "ghi", kNoMore));
  EXPECT_EQ(stream_.CutToMessage(5), 5u);
  EXPECT_EQ(stream_.CutToMessage(4), 2u);
}

TEST_F(StreamTest, TellsTheFirstAndTheLastRecordOfAMessage) {
  InsertWhole(1, 1);
  Insert(Piece(2, "abc", kInit, 7));
  Insert(Piece(3, "def", 0));
  Insert(Piece(4, "g", kNoMore));
  EXPECT_EQ(stream_.LastOf(2), 4u);
  EXPECT_EQ(stream_.LastOf(1), 1u);
  EXPECT_EQ(stream_.InitOf(4), 2u);
  EXPECT_EQ(stream_.InitOf(1), 1u);
}

TEST_F(StreamTest, GathersAMessageOfSeveralRecords) {
  InsertTwo(1);
  std::string text(stream_.MessageBytes(1, 2), '?');
  stream_.Gather(1, 2, reinterpret_cast<uint8_t*>(text.data()));
  EXPECT_EQ(text, "abcde");
}

TEST_F(StreamTest, AMessageShorterThanDeclaredEndsInZeros) {
  Insert(Piece(1, "abc", kInit, 8));
  Insert(Piece(2, "d", kNoMore));
  std::string text(8, '?');
  stream_.Gather(1, 2, reinterpret_cast<uint8_t*>(text.data()));
  EXPECT_EQ(text, std::string("abcd\0\0\0\0", 8));
}

TEST_F(StreamTest, AMessageLongerThanDeclaredIsCutOff) {
  Insert(Piece(1, "abc", kInit, 4));
  Insert(Piece(2, "def", kNoMore));
  std::string text(5, '?');
  stream_.Gather(1, 2, reinterpret_cast<uint8_t*>(text.data()));
  EXPECT_EQ(text, "abcd?");
}

TEST_F(StreamTest, DeliversWholeMessagesInOrder) {
  InsertWhole(1, 1);
  InsertTwo(2);
  InsertWhole(4, 4);
  EXPECT_EQ(Deliver(3), (std::vector<Handed>{{1, 1, false}, {2, 3, false}}));
  EXPECT_EQ(Deliver(4), (std::vector<Handed>{{4, 4, false}}));
  EXPECT_EQ(stream_.delivered(), 4u);
}

TEST_F(StreamTest, DeliversNothingTwice) {
  InsertWhole(1, 2);
  Deliver(2);
  EXPECT_TRUE(Deliver(2).empty());
}

TEST_F(StreamTest, OnlyWholeMessagesAreDeliverable) {
  InsertWhole(1, 1);
  Insert(Piece(2, "abc", kInit, 5));
  EXPECT_EQ(stream_.Deliverable(), 1u);
  Insert(Piece(3, "de", kNoMore));
  EXPECT_EQ(stream_.Deliverable(), 3u);
}

TEST_F(StreamTest, AnAbortedMessageCountsAsHeld) {
  InsertWhole(1, 1);
  stream_.MarkAborted(2, 4);
  EXPECT_EQ(stream_.held(), 4u);
  InsertWhole(5, 5);
  EXPECT_EQ(stream_.held(), 5u);
  EXPECT_EQ(Deliver(5), (std::vector<Handed>{{1, 1, false}, {2, 4, true}, {5, 5, false}}));
}

TEST_F(StreamTest, AnAbortedMessageIsDiscarded) {
  InsertTwo(1);
  stream_.MarkAborted(1, 2);
  EXPECT_EQ(stream_.stored(), 0u);
  EXPECT_EQ(stream_.Find(1)->state, Stream::State::kAborted);
  EXPECT_EQ(Insert(Piece(1, "abc", kInit, 5)), Insertion::kDuplicate);
}

TEST_F(StreamTest, NothingDeliveredIsAborted) {
  InsertWhole(1, 2);
  Deliver(2);
  stream_.MarkAborted(1, 2);
  EXPECT_EQ(stream_.Find(2)->state, Stream::State::kPresent);
}

TEST_F(StreamTest, ReleasesWhatWasDelivered) {
  InsertWhole(1, 4);
  Deliver(3);
  stream_.Release(4);
  EXPECT_EQ(stream_.first_kept(), 4u);
  EXPECT_EQ(stream_.stored(), 1u);
  EXPECT_EQ(stream_.Find(3), nullptr);
  EXPECT_NE(stream_.Find(4), nullptr);
  EXPECT_EQ(stream_.Find(5), nullptr);
}

TEST_F(StreamTest, TheOwnersRecordsCountAsNeverSent) {
  stream_.Append(WholeRecord(1, "own"));
  EXPECT_EQ(stream_.held(), 1u);
  EXPECT_EQ(stream_.Find(1)->when, 0);
}

// ---- Requests.

TEST_F(StreamTest, AsksOnlyAfterTheReorderingDelay) {
  Insert(WholeRecord(3, "x"));
  EXPECT_EQ(stream_.NextRequest(kPatience), kStart + microseconds(200));
  EXPECT_TRUE(Collect(kStart + microseconds(199)).empty());
  EXPECT_EQ(Collect(kStart + microseconds(200)), (std::vector<ResendRequest>{{2, 3, 2, 1}}));
}

TEST_F(StreamTest, NothingMissingIsNeverDue) {
  InsertWhole(1, 3);
  EXPECT_EQ(stream_.NextRequest(kPatience), Timestamp::Never());
}

TEST_F(StreamTest, RepeatsARequestAfterDoublingTimesUpToTheMaximum) {
  stream_.NoteExists(1, kRoom, kStart);
  Timestamp now = kStart + microseconds(200);
  for (const int wait : {1000, 2000, 3000, 3000}) {
    ASSERT_EQ(Collect(now).size(), 1u);
    EXPECT_EQ(stream_.NextRequest(kPatience), now + microseconds(wait));
    EXPECT_TRUE(Collect(now + microseconds(wait - 1)).empty());
    now += microseconds(wait);
  }
}

TEST_F(StreamTest, AsksForSeparateGapsSeparately) {
  InsertWhole(1, 1);
  InsertWhole(3, 3);
  InsertWhole(6, 6);
  EXPECT_EQ(Collect(kStart + microseconds(200)),
            (std::vector<ResendRequest>{{2, 3, 1, 2}, {2, 3, 2, 4}}));
}

TEST_F(StreamTest, LeavesTheGapsThatDoNotFitForTheNextTime) {
  InsertWhole(2, 2);
  InsertWhole(4, 4);
  const Timestamp now = kStart + microseconds(200);
  EXPECT_EQ(Collect(now, 1), (std::vector<ResendRequest>{{2, 3, 1, 1}}));
  EXPECT_EQ(Collect(now, 1), (std::vector<ResendRequest>{{2, 3, 1, 3}}));
}

TEST_F(StreamTest, KeepsSilentForARepairTimerAfterAnothersRequest) {
  Insert(WholeRecord(2, "x"));
  const Timestamp heard = kStart + microseconds(100);
  EXPECT_EQ(stream_.HeardRequest(1, 1, heard), 1u);
  EXPECT_EQ(stream_.NextRequest(kPatience), heard + microseconds(1000));
  EXPECT_EQ(stream_.HeardRequest(1, 1, heard), 0u) << "silenced already";
}

TEST_F(StreamTest, AnothersRequestForWhatIsHereSilencesNothing) {
  InsertWhole(1, 3);
  EXPECT_EQ(stream_.HeardRequest(1, 3, kStart), 0u);
}

TEST_F(StreamTest, MeasuresARoundTripFromItsOnlyRequest) {
  Insert(WholeRecord(2, "x"));
  const Timestamp asked = kStart + microseconds(250);
  Collect(asked);
  const auto inserted = stream_.Insert(WholeRecord(1, "x"), kRoom, asked + microseconds(300));
  ASSERT_TRUE(inserted.round_trip.has_value());
  EXPECT_EQ(*inserted.round_trip, microseconds(300));
}

TEST_F(StreamTest, MeasuresNothingAfterASecondRequest) {
  Insert(WholeRecord(2, "x"));
  Collect(kStart + microseconds(250));
  Collect(kStart + microseconds(2000));
  EXPECT_FALSE(stream_.Insert(WholeRecord(1, "x"), kRoom, kStart + microseconds(2100)).round_trip);
}

TEST_F(StreamTest, MeasuresNothingWhenAnotherAsked) {
  Insert(WholeRecord(2, "x"));
  stream_.HeardRequest(1, 1, kStart);
  EXPECT_FALSE(stream_.Insert(WholeRecord(1, "x"), kRoom, kStart + microseconds(100)).round_trip);
}

TEST_F(StreamTest, HurryMakesWhatWasNotAskedForDueAtOnce) {
  Insert(WholeRecord(2, "x"));
  stream_.HurryRequests();
  EXPECT_EQ(Collect(kStart).size(), 1u);
  stream_.HurryRequests();
  EXPECT_TRUE(Collect(kStart).empty()) << "asked already: it waits for the repair timer";
}

// ---- A dumb twin: a map of everything.

struct Twin {
  std::map<Seq, Record> present;
  std::set<Seq> aborted;
  Seq Held() const {
    Seq held = 0;
    while (present.contains(held + 1) || aborted.contains(held + 1)) ++held;
    return held;
  }
};

TEST(StreamTwinTest, AgreesWithAMapOfAllRecordsInAnyOrder) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    SeededRandom random(seed);
    // Messages of 1 to 5 records of 4 bytes.
    const std::string text(4, 'y');
    std::vector<Record> records;
    std::vector<Handed> messages;
    while (records.size() < 300) {
      const uint64_t count = 1 + random.Below(5);
      const Seq first = records.size() + 1;
      for (uint64_t i = 0; i < count; ++i) {
        const auto flags =
            static_cast<uint8_t>((i == 0 ? kInit : 0) | (i + 1 == count ? kNoMore : 0));
        const uint32_t bytes = i == 0 ? static_cast<uint32_t>(4 * count) : 0;
        records.push_back(Piece(first + i, text, flags, bytes));
      }
      messages.push_back({first, first + count - 1, false});
    }
    for (size_t i = records.size(); i-- > 1;) {
      std::swap(records[i], records[std::max(random.Below(i + 1), i < 40 ? 0 : i - 40)]);
    }
    Stream stream;
    Twin twin;
    std::vector<Handed> handed;
    for (const Record& record : records) {
      const bool known = twin.present.contains(record.seq) || twin.aborted.contains(record.seq);
      EXPECT_EQ(stream.Insert(record, kRoom, kStart).result,
                known ? Insertion::kDuplicate : Insertion::kNew);
      if (!known) twin.present[record.seq] = record;
      if (random.Chance(0.02)) {
        Handed& victim = messages[random.Below(messages.size())];
        if (victim.first > stream.delivered()) {
          victim.aborted = true;
          stream.MarkAborted(victim.first, victim.last);
          for (Seq seq = victim.first; seq <= victim.last; ++seq) {
            twin.present.erase(seq);
            twin.aborted.insert(seq);
          }
        }
      }
      ASSERT_EQ(stream.held(), twin.Held());
      if (random.Chance(0.3)) {
        stream.Deliver(stream.Deliverable(), [&](Seq first, Seq last, bool aborted) {
          handed.push_back({first, last, aborted});
        });
      }
      if (random.Chance(0.1)) stream.Release(stream.delivered());
    }
    stream.Deliver(stream.Deliverable(), [&](Seq first, Seq last, bool aborted) {
      handed.push_back({first, last, aborted});
    });
    EXPECT_EQ(handed, messages);
    stream.Release(stream.delivered());
    EXPECT_EQ(stream.stored(), 0u);
  }
}

TEST(StreamTwinTest, WalksFarBeyondItsFirstRing) {
  Stream stream;
  for (Seq seq = 1; seq <= 200'000; ++seq) {
    ASSERT_EQ(stream.Insert(WholeRecord(seq, "x"), kRoom, kStart).result, Insertion::kNew);
    if (seq % 5000 == 0) {
      stream.Deliver(seq, [](Seq, Seq, bool) {});
      stream.Release(seq);
    }
  }
  EXPECT_EQ(stream.delivered(), 200'000u);
  EXPECT_EQ(stream.stored(), 0u);
}

}  // namespace
}  // namespace strata::multicast
