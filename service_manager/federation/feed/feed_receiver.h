#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "common/bytes.h"
#include "common/status.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/directory/location_reader.h"
#include "service_manager/federation/feed/child_contents.h"
#include "service_manager/federation/feed/feed_position.h"
#include "service_manager/federation/feed/feed_records.h"
#include "service_manager/federation/feed/range_digests.h"

namespace strata::manager::federation {

struct FeedReceiverOptions {
  std::string child;  // Its scope, as its certificate says. Holders lie in it, unless
  // it is the manager that leads the own scope, and this one its backup (3.6): number_of says which
  // holders there are.
  bool is_leader = false;
  // What may be under way and not yet durable here.
  FeedCredit window = {.records = 4 * kFeedBatchRecordsMax, .bytes = 4 * kFeedBatchBytesMax};

  // InvalidArgument: a window smaller than a batch.
  static Status Check(const FeedReceiverOptions& options);
};

// A holder of the child, by the own number.
struct KnownHolder {
  directory::Holder holder;
  HolderName name;
};

// What is known of a child from before: from the own store, at a start.
struct KnownOfChild {
  FeedPosition position;             // Durable, together with the locations.
  std::vector<KnownHolder> holders;  // All numbers whose copies came from this child.
  RangeDigests digests;              // Of those holders' copies in the index.
};

// What store and index have to do: this copy is there now like that, or gone.
struct ToldCopy {
  const farm::ContentKey& key;
  directory::Holder holder;                                       // The own number.
  std::optional<directory::LocationFlags> before = std::nullopt;  // What the index has.
  const FeedCopy* copy = nullptr;                                 // Null: gone.
  std::string_view uri = {};                                      // Empty: not told with this one.
  bool anew = false;  // With all of its range: it may be there like that.
};

struct FeedReceiverCounts {
  uint64_t batches = 0;
  uint64_t records = 0;
  uint64_t skipped = 0;  // Records that were there already.
  uint64_t copies = 0;   // Told as there, and as gone.
  uint64_t gone = 0;
  uint64_t intervals = 0;
  uint64_t not_taken = 0;  // The index had no room for another location of that content.
  uint64_t compared = 0;   // Ranges, and those of them that differ.
  uint64_t differing = 0;
};

// The parent's side of the feed of one child: checks what it says, and turns it into what store and
// index have to do. docs/protocols/federation.md, 3. Lives longer than the child's streams.
//
// Belongs to the thread that writes the index. Whatever it refuses leaves the index, the position
// and the digests as they were, and ends the stream; the Status names the child, the record and
// what is wrong with it.
class FeedReceiver {
 public:
  // Gives the own number of a holder; it has its name, and the addresses as last told. What it
  // refuses refuses the batch; it may be asked for holders of a batch that is refused afterwards.
  using NumberOf = absl::FunctionRef<StatusOr<directory::Holder>(const Introduction&)>;
  // Applies it to the index before it returns. False: the index did not take it (kTooMany).
  using Apply = absl::FunctionRef<bool(const ToldCopy&)>;

  // `index` is what Apply writes into, `reader` one of it for this thread; both outlive this.
  FeedReceiver(const FeedReceiverOptions& options, const directory::LocationIndex& index,
               directory::LocationReader& reader, const KnownOfChild& known);
  FeedReceiver(const FeedReceiver&) = delete;
  FeedReceiver& operator=(const FeedReceiver&) = delete;

  // A new stream of the child, which ends the one before. FailedPrecondition: its epoch is that of
  // a manager that was deposed. InvalidArgument: a greeting that makes no sense. Whoever is refused
  // changes nothing: a stream that is there goes on.
  StatusOr<FeedWelcome> Connected(const FeedGreeting& greeting);

  struct Received {
    // Where the feed is now: to be stored together with what `apply` was given.
    FeedPosition position;
    // To be sent before an acknowledgement of their numbers.
    std::vector<FeedComparison> comparisons = {};
  };
  // The bytes of a batch of the stream. InvalidArgument: bytes or records that are not as
  // specified, epoch or numbers that do not follow. PermissionDenied: a holder outside of the
  // child's scope. ResourceExhausted: more than there was credit for, or too many holders.
  // FailedPrecondition: no stream is there. Else what number_of said.
  StatusOr<Received> Take(ByteSpan bytes, NumberOf number_of, Apply apply);

  // All up to `position` is durable: what is to be told to the child, or nothing. To be called
  // after Connected and Take with what is durable then, and whenever that is more.
  std::optional<FeedAcknowledgement> OnDurable(const FeedPosition& position);

  // The caller begins to take all copies of this child out of the index: nothing is known of it any
  // more, and its stream is no more. The next one waits until they are out.
  void Forget();

  // ---- To be shown.

  const FeedPosition& position() const { return position_; }
  const RangeDigests& digests() const { return digests_; }
  const FeedReceiverCounts& counts() const { return counts_; }

 private:
  // Who a number of the sender is, in this stream.
  struct Introduced {
    HolderName name;
    directory::Holder holder;  // The own number.
    HolderIdentity identity;
  };
  // A batch that was applied and is not known to be durable.
  struct Waiting {
    uint64_t last = 0;
    FeedCredit credit;
  };

  Status Refusal(const Status& status) const;
  Status TakeBatch(FeedBatch& batch, NumberOf number_of, Apply apply, Received& received);

  // Looking at a batch before anything of it is applied.
  Status CheckPlace(const FeedBatch& batch) const;
  Status CheckRecords(FeedBatch& batch, NumberOf number_of);
  Status Introduce(const Introduction& introduction, NumberOf number_of);
  Status CheckChange(const FeedChange& change) const;
  Status CheckInterval(FeedInterval interval) const;
  StatusOr<HolderIdentity> IdentityOfNumber(directory::Holder number) const;

  // Applying it.
  void ApplyChange(const FeedChange& change, Duration age, Apply apply);
  void ApplyInterval(FeedInterval interval, Duration age, Apply apply);
  void ApplyCopy(ToldCopy told, Duration age, Apply apply);
  void ApplyGone(const farm::ContentKey& key, directory::Holder holder, Apply apply);
  FeedComparison Compare(const FeedDigests& digests, uint64_t sequence);

  const FeedReceiverOptions options_;
  const directory::LocationIndex& index_;
  FeedReceiverCounts counts_;

  // What is known of the child.
  FeedPosition position_;
  RangeDigests digests_;
  absl::flat_hash_map<directory::Holder, HolderIdentity> holders_;  // By the own number.
  ChildContents contents_;
  size_t counted_left_ = 0;  // Of the batch at hand.

  // Of the stream.
  bool connected_ = false;
  bool expects_anew_ = false;
  uint64_t epoch_ = 0;
  absl::flat_hash_map<directory::Holder, Introduced> introduced_;  // By the sender's number.
  FeedCredit credit_;
  std::deque<Waiting> waiting_;
  uint64_t acknowledged_ = 0;
};

}  // namespace strata::manager::federation
