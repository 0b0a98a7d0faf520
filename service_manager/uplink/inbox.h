#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "service_manager/directory/location_reader.h"
#include "service_manager/federation/feed/range_reading.h"
#include "service_manager/federation/feed/range_set.h"
#include "service_manager/federation/policy/forwarding_matcher.h"
#include "service_manager/link/parent_link.h"
#include "service_manager/store/store.h"
#include "service_manager/uplink/directory_observer.h"
#include "service_manager/uplink/limits.h"
#include "service_manager/uplink/pending_changes.h"
#include "service_manager/uplink/recent_uris.h"

namespace strata::manager::uplink {

// What other threads have for the uplink's: the changes of the directory from the writer of the
// index, reads from the link, another policy, the end. Any thread, where nothing else is said.
class Inbox final : public DirectoryObserver {
 public:
  using Matcher = std::shared_ptr<const federation::ForwardingMatcher>;

  // `reader`: of the index, for this alone. `store` outlives this.
  Inbox(store::Store& store, directory::LocationReader reader, const UplinkLimits& limits,
        const federation::ForwardingMatcher& policy);

  // ---- The writer of the index.

  void OnChange(const DirectoryChange& change) override;
  void OnUri(const farm::ContentKey& key, std::string_view uri) override;
  void OnHolder(directory::Holder holder) override;
  uint64_t Mark() override;
  void OnStored(uint64_t mark, uint64_t batch) override;

  // ---- Others.

  void OnSynced();
  void SetPolicy(Matcher policy);
  // Waits until the uplink's thread has done it, or until the end: Unavailable.
  Status Read(const federation::FeedRead& read, link::ParentLink::Found found);
  void Stop();

  bool stopped() const;
  // Contents that wait, with those that the uplink's thread is at.
  size_t waiting() const;
  bool has_policy() const;

  // ---- The uplink's thread.

  // A read that the link waits for; EndRead says that it is done.
  struct LinkRead {
    federation::FeedRead read;
    link::ParentLink::Found found;
  };
  void EndRead(const Status& done);
  // All of a range was read.
  void OnRangeRead(uint32_t range);

  struct News {
    bool stop = false;
    std::optional<ChangeGroup> group;  // Durable.
    // Nothing that was forwarded by the policy before waits any more.
    Matcher policy;
    const LinkRead* read = nullptr;
    std::vector<directory::Holder> holders;
  };
  // Waits until there is something, or until `limit`. What was taken before is done with.
  News Await(Timestamp limit);
  // Until all that the index had at the beginning is in the store. False: it is to stop.
  bool AwaitStored();
  // For that time, or until it is to stop: false.
  bool Pause(Duration time);

  // As PendingChanges' functions. `visit` is short and calls nothing of this.
  void VisitFirsts(
      const farm::ContentKey& first, const farm::ContentKey& last,
      absl::FunctionRef<void(const farm::ContentKey&, const ContentChange&)> visit) const;
  std::string UriOf(const farm::ContentKey& key) const;
  bool has_forgotten() const;

  // Whose URIs are news when they come: of contents that are told without, or wait for theirs.
  // Those of a group that was taken are, if they are there without; and until Begun(), all.
  void Want(std::span<const farm::ContentKey> keys);
  void Unwant(std::span<const farm::ContentKey> keys);
  void Begun();

  // Whether any policy that holds for some contents, or will, looks at URIs.
  bool looks_at_uris() const { return looks_at_uris_; }
  // No policy but this holds any more, nor will.
  void OnlyPolicy(const federation::ForwardingMatcher& policy);

 private:
  Copies CopiesOf(const farm::ContentKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsNews(const farm::ContentKey& key) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteTaken(const ChangeGroup& group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of a content whose URI the store is about to forget, if anybody will ask for it.
  std::string UriToKeep(const DirectoryChange& change);
  bool IsPolicyDue() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasNews() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  store::Store& store_;
  std::atomic<bool> looks_at_uris_;
  std::atomic<bool> stop_ = false;  // Written under mutex_.

  mutable absl::Mutex mutex_;
  directory::LocationReader reader_ ABSL_GUARDED_BY(mutex_);
  std::vector<directory::Location> found_ ABSL_GUARDED_BY(mutex_);
  PendingChanges pending_ ABSL_GUARDED_BY(mutex_);
  RecentUris recent_ ABSL_GUARDED_BY(mutex_){kRecentUrisMax};
  absl::flat_hash_set<farm::ContentKey> wanted_ ABSL_GUARDED_BY(mutex_);
  // Ranges with changes that were forgotten, until they are read: whatever is there may be without.
  federation::RangeSet to_be_read_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<directory::Holder> holders_ ABSL_GUARDED_BY(mutex_);
  bool stored_ ABSL_GUARDED_BY(mutex_) = false;  // All that there was at the beginning.
  bool begun_ ABSL_GUARDED_BY(mutex_) = false;
  size_t taken_ ABSL_GUARDED_BY(mutex_) = 0;
  Matcher policy_ ABSL_GUARDED_BY(mutex_);
  uint64_t policy_behind_ ABSL_GUARDED_BY(mutex_) = 0;  // Its turn is when this mark was taken.
  const LinkRead* read_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool read_taken_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<Status> read_done_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::manager::uplink
