#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "farm/member/farm_member.h"
#include "service_engine/adapters/nginx/nginx_adapter.h"
#include "service_engine/app/purge_positions.h"
#include "service_engine/app/watchdog.h"
#include "service_engine/transfer/agent_server.h"

namespace strata::engine::app {

// Does at the server what the farm's ledger says: its sites, and every entry of their purge logs,
// in order, and tells the farm so. Opens the server once everything is done, and closes it while
// this engine may have missed something. On a thread of its own, which compares what the ledger
// says with what was done: whatever was missed, by whatever way, is caught up.
class ContentKeeper {
 public:
  struct Options {
    farm::EngineId self{};
    bool serve_alone = false;
    Duration fetch_patience = std::chrono::seconds(5);  // Until nginx has let go of a fetch.
    // The process is killed when for so long it should have closed the server and has not; 0:
    // never.
    Duration watchdog{};
  };

  // All must outlive it. The adapter is closed, and has `sites`.
  ContentKeeper(const Options& options, farm::FarmMember& member, NginxAdapter& adapter,
                transfer::AgentServer& agent, PurgePositions positions,
                const std::vector<farm::Site>& sites, MetricRegistry& metrics);
  ~ContentKeeper();

  // The ledger or the view may be another; from any thread. It looks by itself now and then too.
  void Wake();
  // The farm has removed a site: what is there of it goes, even if it is there again already when
  // the ledger is looked at. From any thread.
  void OnSiteRemoved(const std::string& site);
  // As the settings say; from any thread.
  void SetServeAlone(bool serve_alone) { serve_alone_ = serve_alone; }
  // The cached copy here is to go, since a client has changed what it is a copy of. Unlike a purge
  // it is no entry of a log, and only of this engine. `done`, on the keeper's thread, once it has
  // gone: never if there are kInvalidationsMax others to do. From any thread.
  void Invalidate(const farm::ContentKey& key, std::function<void()> done);
  // Up to which position of a site's purge log everything is gone here, or a little less. From any
  // thread.
  uint64_t PurgedUpTo(const std::string& site) const;
  // Puts a copy in its place that was made of what another engine had, when that one had purged up
  // to `position` of the site: not if it was purged since. Purges that come later find it. Aborted,
  // if it was, or may have been; else what `publish` says. From any thread.
  struct Publication {
    std::string site;
    farm::ContentKey key;
    uint64_t position = 0;
  };
  Status Publish(const Publication& copy, absl::FunctionRef<Status()> publish);
  // Whether clients are served; else why not.
  bool open() const { return open_; }
  std::string why_closed() const;

 private:
  struct Pending {
    std::string site;
    uint64_t forgotten = 0;  // Above this engine's position: more was purged than is known.
    std::vector<farm::SiteLedger::Purge> entries;
  };

  struct Invalidation {
    farm::ContentKey key;
    std::function<void()> done;
  };

  void StartWatchdog();
  void Loop();
  void InvalidateCopies();
  void Look();
  std::vector<Pending> PendingPurges() const;
  bool Purge(const Pending& pending);
  void NotePositions();
  void TellPurged(const Pending& pending, size_t dropped, const std::string& problem);
  void Tell(const farm::PurgeApplied& told);
  bool ApplySites();
  std::vector<std::string> GoneSites(const std::map<std::string, farm::Site>& wanted) const;
  bool TakeAway(const std::vector<std::string>& gone);
  void Change(const farm::Site& site);
  bool ApplyAll(const std::map<std::string, farm::Site>& wanted);
  void TellSite(const farm::Site& site, const std::string& problem);
  void SetOpen(bool open, const std::string& why);
  // Whether the server may be as it is at the moment, open or closed. Any thread.
  bool IsSafe() const { return !may_serve_ || serve_alone_ || member_.InTouch(); }
  void SavePositions();

  const Options options_;
  farm::FarmMember& member_;
  NginxAdapter& adapter_;
  transfer::AgentServer& agent_;
  Counter& purges_;
  Counter& purge_failures_;
  Counter& invalidation_failures_;

  // ---- The keeper's thread.
  PurgePositions positions_;
  Timestamp tried_to_save_;
  std::map<std::string, farm::Site> applied_;
  std::map<std::string, uint64_t> refused_;  // Versions that the server did not take.
  std::set<std::string> removed_;            // By the farm, and not taken away here yet.
  std::optional<uint64_t> applied_changes_;  // SiteLedger::site_changes() that was applied.

  absl::Mutex publish_mutex_;  // Held by Publish; a purge waits for it before it looks for files.

  std::atomic<bool> serve_alone_;
  std::atomic<bool> open_ = false;
  std::atomic<bool> may_serve_ = false;  // From before it opens until it is known to be closed.
  mutable absl::Mutex mutex_;
  std::string why_closed_ ABSL_GUARDED_BY(mutex_) = "starting";
  std::set<std::string> told_removed_ ABSL_GUARDED_BY(mutex_);
  bool wake_ ABSL_GUARDED_BY(mutex_) = true;
  std::map<std::string, uint64_t> purged_up_to_ ABSL_GUARDED_BY(mutex_);
  std::vector<Invalidation> invalid_ ABSL_GUARDED_BY(mutex_);
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<Watchdog> watchdog_;  // May be null.
  std::thread thread_;
};

}  // namespace strata::engine::app
