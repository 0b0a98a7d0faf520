#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/status.h"
#include "common/time.h"
#include "common/tls/tls_files.h"
#include "farm/content_key.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/federation/locate/locate_desk.h"
#include "service_manager/federation/locate/recent_purges.h"
#include "service_manager/locating/locate_metrics.h"
#include "service_manager/locating/neighbour_client.h"

namespace strata::manager::locating {

// Answers where copies of contents are, across managers: drives the LocateDesk with real time and
// real neighbours (docs/protocols/federation.md, 4). Nobody waits in it: thousands of questions may
// be open. Owned by the application; any thread, except that Stop and what removes a neighbour must
// not be called from a `done`.
class Locator {
 public:
  using Done = std::function<void(StatusOr<federation::LocateAnswer>)>;

  struct Options {
    federation::ScopeLevel own;
    federation::LocateSettings desk;  // `has_parent`: the settings name one.
    // The own directory: LocalDirectory::Look. Called under the locator's lock, one at a time;
    // `purges` is filled in by the locator.
    std::function<federation::LocalCopies(const farm::ContentKey&)> directory;
    // The name of the site that a canonical URI is of; empty: none. Short, any thread.
    std::function<std::string(std::string_view canonical_uri)> site_of;
    // Whether a scope has missed purges of that site: its copies are not named. Short, any thread.
    std::function<bool(const std::string& site, std::string_view scope)> missed =
        [](const std::string&, std::string_view) { return false; };
  };

  // `metrics` outlives it. The own scope and level are checked.
  Locator(Options options, std::shared_ptr<const tls::TlsStore> tls, MetricRegistry& metrics);
  ~Locator();
  Locator(const Locator&) = delete;
  Locator& operator=(const Locator&) = delete;

  // ---- Neighbours: those whose link is there; one call at a time. `managers`: HOST:PORT each,
  // those first who should be asked first; none: it may ask, and cannot be asked. The same scope
  // again: these are its managers now, what is open stays. FailedPrecondition, InvalidArgument: it
  // cannot be that neighbour, or has too many managers, or addresses that are none; nothing has
  // changed then.
  Status SetParent(const federation::ScopeLevel& parent, const std::vector<std::string>& managers);
  Status SetChild(const federation::ScopeLevel& child, const std::vector<std::string>& managers);
  // What was asked of it has no answer; what it asked needs none.
  void RemoveParent();
  void RemoveChild(const std::string& scope);

  // ---- Questions. `done` is called once, perhaps before this returns, unless Forget() was in
  // time; it is short. InvalidArgument: the question is out of bounds; ResourceExhausted: too many
  // are open; Unavailable: this manager ends. All else is an answer, perhaps with gaps.

  // Of the own front end and of people.
  federation::QuestionId Locate(federation::LocateQuestion question, Done done);
  // Of the neighbour with this scope. An error, and `done` is not called: PermissionDenied: no
  // neighbour can have that scope; Unavailable: it is none at the moment.
  StatusOr<federation::QuestionId> LocateFor(const std::string& scope,
                                             federation::LocateQuestion question, Done done);
  // Nobody waits for it any more. False: it is answered, or being answered.
  bool Forget(federation::QuestionId id);

  // ---- Purges. Called behind the change of the directory: what it says afterwards is not of
  // before the purge.
  // At the start, for each site: its log is applied up to there.
  void RestorePurges(std::string_view site, uint64_t position);
  // The next entry of a site's log is applied; without keys: all of the site is purged.
  void OnPurge(std::string_view site, uint64_t position, std::span<const farm::ContentKey> keys);
  // The site is no more.
  void RemoveSite(std::string_view site);

  // For ever: open questions end with Unavailable.
  void Stop();

  LocateMetrics& metrics() { return metrics_; }
  const federation::ScopeLevel& own() const { return options_.own; }

  // For people and tests.
  federation::LocateCounters counters() const;
  size_t open_questions() const;

 private:
  struct Peer {
    federation::NeighbourId id{};
    federation::ScopeLevel who;
    std::shared_ptr<NeighbourClient> client;
  };
  // What the desk wants done, outside of the lock.
  struct Work {
    std::vector<std::pair<std::shared_ptr<NeighbourClient>, federation::AskAction>> asks;
    std::vector<std::pair<Done, StatusOr<federation::LocateAnswer>>> answers;
  };
  struct Waiting {
    federation::NeighbourId from{};
    Done done;
  };
  using Use = absl::FunctionRef<void(federation::LocateDesk&, Timestamp now)>;

  // Lets `use` have the desk, under the lock, and does what comes of it.
  void Apply(Use use);
  Work TakeWork() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Execute(Work work);
  void Answer(federation::NeighbourId from, federation::AskNumber number,
              StatusOr<federation::LocateAnswer> answer);
  federation::QuestionId Open(federation::NeighbourId from, federation::LocateQuestion question,
                              Done done, Work& work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  federation::LocalCopies Look(const farm::ContentKey& key, std::string_view uri);
  Status SetPeer(const federation::ScopeLevel& who, const std::vector<std::string>& managers,
                 bool parent);
  void RemovePeer(const std::string& scope, bool parent);
  // Those that a neighbour asked, which has gone.
  std::vector<Done> TakeWaiting(federation::NeighbourId from) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<NeighbourClient> ClientOf(federation::NeighbourId id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunTimer();

  const Options options_;
  const std::shared_ptr<const tls::TlsStore> tls_;
  LocateMetrics metrics_;

  mutable absl::Mutex mutex_;
  absl::CondVar wake_;  // Of the timer.
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  Timestamp sleeps_until_ ABSL_GUARDED_BY(mutex_);
  federation::LocateDesk desk_ ABSL_GUARDED_BY(mutex_);
  federation::RecentPurges purges_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_question_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t last_neighbour_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<federation::QuestionId, Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
  std::optional<Peer> parent_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Peer> children_ ABSL_GUARDED_BY(mutex_);
  std::thread timer_;
};

}  // namespace strata::manager::locating
