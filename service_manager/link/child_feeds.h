#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/bytes.h"
#include "common/status.h"
#include "service_manager/control/holder_book.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/directory/location_reader.h"
#include "service_manager/federation/feed/feed_receiver.h"
#include "service_manager/store/store.h"
#include "service_manager/uplink/directory_observer.h"

namespace strata::manager::link {

// What a parent knows by the feeds of its children: turns what they say into what its index and its
// store have. docs/protocols/federation.md, 3. The only writer of the index. Any thread; one batch
// at a time. Outlives the streams.
class ChildFeeds {
 public:
  // To be said to a child, in this order.
  struct Answers {
    std::vector<federation::FeedComparison> comparisons;
    std::optional<federation::FeedAcknowledgement> acknowledgement;
  };

  // `index` is filled from `store`, and `holders` has read it; all outlive this. Reads the whole
  // index once: for the digests of what each child has told. What the store says, if it cannot be
  // read.
  static StatusOr<std::unique_ptr<ChildFeeds>> Open(directory::LocationIndex& index,
                                                    store::Store& store,
                                                    control::HolderBook& holders);

  // From now on `observer`, which outlives that, hears what the feeds change, until it is another;
  // null: nobody. When this returns, nobody else is being told.
  void SetObserver(uplink::DirectoryObserver* observer);

  // A new stream of the child of this scope; the one before has ended. As FeedReceiver::Connected;
  // ResourceExhausted: the store knows as many children as it takes.
  StatusOr<federation::FeedWelcome> Connect(const std::string& child,
                                            const federation::FeedGreeting& greeting);
  // A batch of its stream, as FeedReceiver::Take, else what the store says. Waits for the disk if
  // there are new holders, or if it is far behind.
  Status Take(const std::string& child, ByteSpan batch);
  // What there is to say since it was last asked, by what is durable now.
  Answers AnswersFor(const std::string& child);

  // Applied, durable or not; {0, 0} if nothing is known of the child.
  federation::FeedPosition PositionOf(const std::string& child) const;
  // All feeds together.
  federation::FeedReceiverCounts counts() const;

 private:
  struct Feed {
    std::unique_ptr<federation::FeedReceiver> receiver;
    std::vector<federation::FeedComparison> comparisons;
    struct Applied {
      uint64_t batch = 0;  // The store's number.
      federation::FeedPosition position;
    };
    std::deque<Applied> not_durable;
    federation::FeedPosition durable;
  };
  class Changes;

  using Known = std::map<std::string, federation::KnownOfChild>;  // By the child's scope.
  using Numbers = std::map<federation::HolderName, directory::Holder>;

  ChildFeeds(directory::LocationIndex& index, store::Store& store, control::HolderBook& holders,
             directory::LocationReader reader);

  Status LoadFeeds() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountDigests(Known& known) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  StatusOr<Numbers> Enroll(const std::string& child, ByteSpan batch);
  Feed& AddFeed(const std::string& child, const federation::KnownOfChild& known)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool ApplyToIndex(const federation::ToldCopy& told) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Says to the observer what has just been applied to the index.
  void Observe(const federation::ToldCopy& told, const Changes& changes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsAsBefore(const federation::ToldCopy& told, const Changes& changes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  directory::LocationIndex& index_;
  store::Store& store_;
  control::HolderBook& holders_;

  mutable absl::Mutex mutex_;  // Held while the index is written.
  uplink::DirectoryObserver* observer_ ABSL_GUARDED_BY(mutex_) = nullptr;
  directory::LocationReader reader_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Feed> feeds_ ABSL_GUARDED_BY(mutex_);  // By the child's scope.
};

}  // namespace strata::manager::link
