#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "common/bytes.h"
#include "common/status.h"
#include "common/time.h"
#include "service_manager/control/child_removal.h"
#include "service_manager/control/holder_book.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/directory/location_reader.h"
#include "service_manager/federation/feed/feed_receiver.h"
#include "service_manager/link/feed_changes.h"
#include "service_manager/link/silent_children.h"
#include "service_manager/store/store.h"
#include "service_manager/uplink/directory_observer.h"

namespace strata::manager::link {

// What a manager knows by feeds: turns what they say into what its index and its store have. The
// feeds of its children, if it leads; else one feed of the manager that does, by which a backup has
// the same directory. docs/protocols/federation.md, 3 and 3.6. The only writer of the index. Any
// thread; one batch at a time. Outlives the streams.
class ChildFeeds {
 public:
  // To be said to a child, in this order.
  struct Answers {
    std::vector<federation::FeedComparison> comparisons;
    std::optional<federation::FeedAcknowledgement> acknowledgement;
    // What is durable now and was not when it was last asked: copies that were told as there or
    // gone, and intervals, which tell parts of ranges anew.
    uint64_t changes = 0;
    uint64_t intervals = 0;
  };

  // `scope`: the own one, by whose name the feed of the manager that leads goes. `index` is filled
  // from `store`, and `holders` has read it; all outlive this. Reads the whole index once: for the
  // digests of what each feed has told. What the store says, if it cannot be read. Neither takes
  // children until Lead().
  static StatusOr<std::unique_ptr<ChildFeeds>> Open(const std::string& scope,
                                                    directory::LocationIndex& index,
                                                    store::Store& store,
                                                    control::HolderBook& holders);

  // This manager begins to lead: children are taken from now on, and the manager that led is not.
  // Reads `holders` anew, as others wrote, and if this was a backup the whole index: seconds, with
  // millions of copies.
  Status Lead();
  // It does not any more: no child is taken from now on. Does not wait for the disk.
  void Follow();

  // From now on `observer`, which outlives that, hears what the feeds change, until it is another;
  // null: nobody. When this returns, nobody else is being told.
  void SetObserver(uplink::DirectoryObserver* observer);

  // A new stream of the child of this scope; the one before has ended. As FeedReceiver::Connected;
  // ResourceExhausted: the store knows as many children as it takes. Unavailable: the child is
  // being forgotten, or comes to a backup. The own scope is the manager's that leads: what is known
  // of children's feeds is forgotten then, as copies come by this one.
  StatusOr<federation::FeedWelcome> Connect(const std::string& child,
                                            const federation::FeedGreeting& greeting);
  // Its stream has ended.
  void Disconnect(const std::string& child);
  // A batch of its stream, as FeedReceiver::Take, else what the store says. Waits for the disk if
  // there are new holders, or if it is far behind. Unavailable: it is not taken any more, or it is
  // of the manager that leads, with a holder whose number has not come here within kHolderWait.
  Status Take(const std::string& child, ByteSpan batch);
  // What there is to say since it was last asked, by what is durable now.
  Answers AnswersFor(const std::string& child);

  // Scopes of children that are known without a stream, in order: what they told may be no longer
  // so. None at a backup, which hears the manager that leads.
  std::vector<std::string> stale() const;
  // One step on the way of a child out of the directory whose stream is gone for `limit`, as far as
  // these calls saw it. True: there is another step to do at once. Holds up the feeds for
  // milliseconds; the last step waits for the disks of this manager's backups, too. One thread.
  StatusOr<bool> ForgetSilent(Duration limit, Timestamp now);

  // Applied, durable or not; {0, 0} if nothing is known of the child.
  federation::FeedPosition PositionOf(const std::string& child) const;
  // All feeds together.
  federation::FeedReceiverCounts counts() const;
  // Children that were forgotten, and their copies.
  uint64_t forgotten() const;
  uint64_t forgotten_copies() const;

 private:
  struct Feed {
    std::unique_ptr<federation::FeedReceiver> receiver;
    std::vector<federation::FeedComparison> comparisons;
    struct Applied {
      uint64_t batch = 0;  // The store's number.
      federation::FeedPosition position;
      uint64_t changes = 0;  // As in Answers.
      uint64_t intervals = 0;
    };
    std::deque<Applied> not_durable;
    federation::FeedPosition durable;
    bool connected = false;
  };
  // A child on its way out.
  struct Removal {
    std::string child;  // Empty: copies of numbers that are nobody's.
    absl::flat_hash_set<directory::Holder> holders;
    std::unique_ptr<control::ChildRemoval> steps;
  };

  using Known = std::map<std::string, federation::KnownOfChild>;  // By the child's scope.
  using Introductions = std::vector<federation::Introduction>;
  using Numbers = std::map<federation::HolderName, directory::Holder>;

  ChildFeeds(const std::string& scope, directory::LocationIndex& index, store::Store& store,
             control::HolderBook& holders, directory::LocationReader reader);

  bool IsLeader(const std::string& child) const { return child == scope_; }

  // What this manager hears: the feeds of children, or the one of the manager that leads.
  Status LoadFeeds() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Status HearOthers(bool leader) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountDigests(Known& known) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Status CheckComes(const std::string& child) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Feed& AddFeed(const std::string& child, const federation::KnownOfChild& known)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Feed* FindFeed(const std::string& child) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  static StatusOr<Introductions> IntroducedBy(ByteSpan batch);
  StatusOr<Numbers> Enroll(const std::string& child, const Introductions& introduced);
  Status AwaitNumbers(const Introductions& introduced);
  Status TakeIn(Feed& feed, const std::string& child, const Numbers& numbers, ByteSpan batch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool ApplyToIndex(const federation::ToldCopy& told) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Says to the observer what has just been applied to the index.
  void Observe(const federation::ToldCopy& told, const FeedChanges& changes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::vector<std::string> Silent() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void BeginRemoval(Duration limit, Timestamp now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string scope_;
  directory::LocationIndex& index_;
  store::Store& store_;
  control::HolderBook& holders_;

  mutable absl::Mutex mutex_;  // Held while the index is written.
  uplink::DirectoryObserver* observer_ ABSL_GUARDED_BY(mutex_) = nullptr;
  directory::LocationReader reader_ ABSL_GUARDED_BY(mutex_);
  bool leads_ ABSL_GUARDED_BY(mutex_) = false;
  bool hears_leader_ ABSL_GUARDED_BY(mutex_) = false;  // Else children, also those of before.
  std::map<std::string, Feed> feeds_ ABSL_GUARDED_BY(mutex_);  // By the child's scope.
  // Numbers in the index that were nobody's when it was read.
  absl::flat_hash_set<directory::Holder> nobodys_ ABSL_GUARDED_BY(mutex_);
  SilentChildren silent_ ABSL_GUARDED_BY(mutex_);
  std::optional<Removal> removal_ ABSL_GUARDED_BY(mutex_);
  uint64_t forgotten_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t forgotten_copies_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace strata::manager::link
