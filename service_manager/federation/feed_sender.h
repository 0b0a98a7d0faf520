#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "absl/container/flat_hash_map.h"
#include "common/bytes.h"
#include "common/status.h"
#include "common/time.h"
#include "service_manager/federation/feed_position.h"
#include "service_manager/federation/feed_records.h"
#include "service_manager/federation/range_digests.h"
#include "service_manager/federation/range_set.h"

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

// What the sender wants to read of its own directory: the projection of the contents between two
// keys, both included, of one range.
struct FeedRead {
  uint64_t number = 0;
  farm::ContentKey first, last;
  size_t items = 0;  // A hint: about so many copies. More is fine, and less.
};

// What was read: all copies of the projection from the read's first key to `last`, in the order of
// their keys (holders in any), each content's URI with its first. Each content is whole.
struct FeedReadItems {
  farm::ContentKey last;  // Up to here; the read's own last key, if that was all.
  std::span<const FeedItem> items;
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
  ~FeedSender();
  FeedSender(const FeedSender&) = delete;
  FeedSender& operator=(const FeedSender&) = delete;

  // ---- What there is to tell.

  // Who a number is: before the first change or item that has it, and again when an engine's
  // addresses change (the parent is told at once). ResourceExhausted beyond kFeedHoldersMax; no
  // change may then be told of this one. InvalidArgument for a name or addresses out of bounds.
  Status SetHolder(const Introduction& introduction);
  // No change will be told of it any more, and no copy of it is in the projection. Its number may
  // be given to SetHolder again.
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
  // What that read has found. It may be done anywhere and take its time: before this call, all
  // changes that it may have seen are to be told; those told since NextRead are laid over it. A
  // read that is not wanted any more is ignored.
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

  // ---- To be shown.

  bool connected() const;
  // Behind what is durable at the parent, and behind what was sent.
  uint64_t acknowledged() const;
  uint64_t sent() const;
  size_t kept_records() const;
  size_t kept_bytes() const;
  size_t dirty_ranges() const;
  // Nothing is to be sent or told anew, and all is durable at the parent.
  bool Quiet() const;
  const FeedSenderCounts& counts() const;
  const RangeDigests& told() const;

  // Batches go out after this delay from now on: it belongs to the forwarding policy.
  void set_batch_delay(Duration delay);
};

}  // namespace strata::manager::federation
