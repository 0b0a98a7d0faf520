#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "absl/functional/function_ref.h"
#include "common/bytes.h"
#include "common/status.h"
#include "common/time.h"
#include "service_manager/federation/feed/feed_position.h"
#include "service_manager/federation/feed/feed_records.h"
#include "service_manager/federation/feed/kept_records.h"
#include "service_manager/federation/feed/range_digests.h"
#include "service_manager/federation/feed/range_reading.h"
#include "service_manager/federation/feed/range_set.h"
#include "service_manager/federation/feed/sender_holders.h"

namespace strata::manager::federation {

struct FeedSenderOptions {
  // Of this manager, from when it began to lead: higher than any of its scope before. Not 0.
  uint64_t epoch = 0;

  // What is kept until the parent has it durably; what finds no room makes its range dirty.
  size_t kept_records_max = 1'000'000;
  size_t kept_bytes_max = size_t{256} << 20;

  // A batch goes out when it is so large, or its first record has waited so long.
  size_t batch_records = 2000;  // At most kFeedBatchRecordsMax.
  size_t batch_bytes = size_t{256} << 10;
  Duration batch_delay = std::chrono::milliseconds(10);

  // A range that is told anew is read in steps of so many copies.
  size_t read_items = 500;
  // In such a time each range is compared once; zero: none.
  Duration check_cycle = std::chrono::hours(1);

  // InvalidArgument names the option that makes no sense.
  static Status Check(const FeedSenderOptions& options);
};

// What happened so far, for metrics.
struct FeedSenderCounts {
  uint64_t told = 0;        // Changes that became records.
  uint64_t suppressed = 0;  // Changes of dirty ranges: an interval will say it.
  uint64_t overflows = 0;   // Changes that found no room.
  uint64_t dirtied = 0;     // Ranges that became dirty, for whatever cause.
  uint64_t refreshed = 0;   // Ranges that were told anew.
  uint64_t intervals = 0;   // Records for it, and the copies in them:
  uint64_t interval_items = 0;
  uint64_t checks = 0;      // Ranges whose digests were sent.
  uint64_t differing = 0;   // Ranges that the parent found to differ.
  uint64_t resumed = 0;     // Streams that went on where the one before ended,
  uint64_t begun_anew = 0;  // and those that could not.
};

// The child's side of a feed: numbers what its manager has to tell the parent, keeps it until it is
// durable there, and repairs what differs. docs/protocols/federation.md, 3.
//
// Belongs to whoever drives the link, under one lock or on one thread; never waits and never reads
// a clock. Memory is bounded by the options and by the holders that it is given.
//
// What its caller does:
//   - tells changes of the projection, in their order, once they are durable here;
//   - while a stream is there: takes batches while NextBatch gives some and the last one is
//     written, and does the reads that it asks for;
//   - asks again after any call, and at next_wakeup().
class FeedSender {
 public:
  // `told`: the digests of the projection as it is now. Changes are told from here on.
  FeedSender(const FeedSenderOptions& options, const RangeDigests& told);
  FeedSender(const FeedSender&) = delete;
  FeedSender& operator=(const FeedSender&) = delete;

  // ---- What there is to tell.

  // Who a number is: before the first change or item that has it, and again when an engine's
  // addresses change (the parent is told at once). ResourceExhausted beyond kFeedHoldersMax,
  // InvalidArgument for a name or addresses out of bounds or a number that is another's: no change
  // may then be told of this one.
  Status SetHolder(const Introduction& introduction);
  // No change will be told of it any more, and no copy of it is in the projection. Its number is
  // never another holder's.
  void ForgetHolder(directory::Holder holder);

  // A change of the projection; `before` are the flags of this copy in the projection before it.
  void Tell(const FeedChange& change, std::optional<directory::LocationFlags> before,
            Timestamp now);
  // Has a range told anew, as an operator may wish.
  void Refresh(uint32_t range);

  // ---- Reading what is to be told anew.

  // The read that is wanted, or nothing. Gives the same one until TakeRead, or until it is not
  // wanted any more; NextBatch and link changes may do that.
  std::optional<FeedRead> NextRead(Timestamp now);
  // What that read has found. It may be done anywhere and take its time, but sees all that was told
  // before NextRead gave it; and all that it may have seen is told before this call. What is told
  // in between is laid over it. A read that is not wanted any more is ignored.
  void TakeRead(const FeedRead& read, const FeedReadItems& found, Timestamp now);

  // ---- The link.

  FeedGreeting greeting() const;
  // A stream is there, and the parent has answered the greeting. FailedPrecondition: the parent has
  // heard more of this epoch than was told, or a higher epoch; this manager must not tell it
  // anything, and the stream is to be ended.
  Status Connected(const FeedWelcome& welcome, Timestamp now);
  void Disconnected();

  // Appends the next batch to `out` and counts it as sent; false if there is none to be sent now.
  bool NextBatch(Timestamp now, Bytes& out);

  // InvalidArgument says what cannot be: the stream is to be ended.
  Status OnAcknowledgement(const FeedAcknowledgement& acknowledgement);
  Status OnComparison(const FeedComparison& comparison);

  // When NextBatch or NextRead may have something that they have not now; Never() if only another
  // call can change it.
  Timestamp next_wakeup(Timestamp now) const;

  // Batches go out after this delay from now on: it belongs to the forwarding policy.
  void set_batch_delay(Duration delay) { options_.batch_delay = delay; }

  // ---- To be shown.

  bool connected() const { return connected_; }
  // What is durable at the parent, and what was sent, up to these numbers.
  uint64_t acknowledged() const { return kept_.first() - 1; }
  uint64_t sent() const { return sent_; }
  size_t kept_records() const { return kept_.size(); }
  size_t kept_bytes() const { return kept_.bytes(); }
  size_t dirty_ranges() const { return dirty_.size() + (IsTelling() ? 1 : 0); }
  // Nothing is to be told anew, and all that was told is durable at the parent.
  bool Quiet() const { return dirty_ranges() == 0 && kept_.size() == 0; }
  const FeedSenderCounts& counts() const { return counts_; }
  const RangeDigests& told() const { return told_; }

 private:
  // A digests record that is kept.
  struct Check {
    uint64_t sequence = 0;
    uint32_t first = 0;
    uint32_t count = 0;
    bool answered = false;
  };
  // A batch on its way into the caller's buffer.
  struct Packing {
    Bytes& out;
    const size_t start;
    const size_t bytes_max;
    size_t introductions = 0;

    size_t size() const { return out.size() - start; }
    bool Fits(size_t bytes) const { return size() + bytes <= bytes_max; }
  };

  bool IsTelling() const { return reading_ && reading_->purpose() == RangeReading::Purpose::kTell; }
  void Append(size_t bytes_max, Timestamp now, absl::FunctionRef<void(ByteWriter&)> write);
  void Account(const FeedChange& change, std::optional<directory::LocationFlags> before);
  void MarkDirty(uint32_t range);
  bool QueueDigests(uint32_t first, uint32_t count, Timestamp now);

  bool HasRoomToRead() const;
  void BeginReading(Timestamp now);
  bool TellStep(RangeReading::Step& step, Timestamp now);
  void FinishReading(Timestamp now);

  bool RepeatUnanswered(uint64_t position, Timestamp now);
  void BeginAnew(Timestamp now);
  bool IsBatchDue(Timestamp now) const { return BatchDueAt(now) <= now; }
  Timestamp BatchDueAt(Timestamp now) const;
  bool PackHolder(directory::Holder holder, Packing& packing);
  bool PackDueHolders(Packing& packing);
  bool PackHoldersOf(ByteSpan record, Packing& packing);
  uint16_t PackRecords(Packing& packing);
  Duration CheckInterval() const { return options_.check_cycle / directory::kRanges; }

  FeedSenderOptions options_;
  FeedSenderCounts counts_;

  // What was told, and what of it is kept.
  RangeDigests told_;
  KeptRecords kept_;
  SenderHolders holders_;
  std::deque<Check> checks_;

  // What is to be told anew.
  RangeSet dirty_;
  uint32_t next_dirty_ = 0;  // Where to look first.
  std::optional<RangeReading> reading_;
  uint64_t reads_ = 0;
  // Of each range the number of the record that came next when its last telling began.
  std::array<uint64_t, directory::kRanges> told_anew_from_{};
  Timestamp next_check_ = Timestamp::Never();
  uint32_t next_checked_ = 0;

  // Of the stream.
  bool connected_ = false;
  bool anew_ = false;     // The next batch begins anew.
  bool stalled_ = false;  // A batch is due, and there is no credit for it.
  FeedCredit credit_;
  uint64_t sent_ = 0;
  size_t unsent_bytes_ = 0;
};

}  // namespace strata::manager::federation
