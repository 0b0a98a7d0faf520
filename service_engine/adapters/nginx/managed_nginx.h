#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/log.h"
#include "common/metrics.h"
#include "service_engine/adapters/nginx/access_log_tail.h"
#include "service_engine/adapters/nginx/config_files.h"
#include "service_engine/adapters/nginx/content_readers.h"
#include "service_engine/adapters/nginx/held_contents.h"
#include "service_engine/adapters/nginx/load_sampler.h"
#include "service_engine/adapters/nginx/nginx_adapter.h"
#include "service_engine/adapters/nginx/nginx_process.h"
#include "service_engine/adapters/nginx/operator_logs.h"
#include "service_engine/adapters/nginx/purger.h"
#include "service_engine/adapters/nginx/tree_watch.h"
#include "service_engine/core/nginx_status.h"

namespace strata::engine {

// NginxAdapter as it is: puts the parts of this room together, and runs two threads of its own: one
// that follows the log and one that probes and looks at the disk.
class ManagedNginx final : public NginxAdapter {
 public:
  ManagedNginx(const NginxAdapterOptions& options, NginxAdapterCallbacks callbacks,
               MetricRegistry& metrics);
  ~ManagedNginx() override;

  Status Begin(const std::vector<farm::Site>& sites);

  Status Check(const std::vector<farm::Site>& sites) override;
  Status Apply(const std::vector<farm::Site>& sites) override;
  Status SetClosed(bool closed) override;
  StatusOr<size_t> Purge(std::span<const farm::ContentKey> keys) override;
  StatusOr<size_t> PurgeCache(std::span<const farm::ContentKey> keys) override;
  StatusOr<size_t> PurgeCacheOf(const std::string& site) override;
  std::vector<farm::AssetsChanged::Change> TakeChanges(size_t max) override;
  void TellAll() override { held_.TellAll(); }
  bool ScanComplete() const override { return scan_complete_; }
  std::optional<std::string> UriOf(const farm::ContentKey& key) const override;
  std::optional<farm::Asset> Find(const farm::ContentKey& key) const override;
  bool ServesLibrary(const std::string& site) const override { return sites_.HasLibrary(site); }
  LoadSample Sample() override;
  HealthJudge::Verdict Judge() override;
  Status PeerProbe(const Endpoint& client_endpoint) override;
  void OnPeerProbe(const std::string& error) override;
  void Stop() override;

 private:
  StatusOr<std::shared_ptr<const farm::SiteTable>> TableOf(
      const std::vector<farm::Site>& sites) const;
  void FollowLog();
  // False: there is more.
  bool TakeLog(Timestamp now);
  void OnRequests(std::span<const FinishedRequest> requests, Timestamp now);
  void Look();
  void LookAtLibraries();
  void ProbeOnce();
  // Neither probe nor status for too long: nginx is killed.
  void EndWedged(bool answers);
  void CheckDisk();
  void KeepErrorLog();
  void OnDiskError(const Status& error);
  std::optional<NginxStatus> AskStatus();
  void CompareCounts(const NginxStatus& status);
  // False if the adapter is stopped meanwhile.
  bool Sleep(Duration time);

  const NginxAdapterOptions options_;
  const NginxAdapterCallbacks callbacks_;
  const Logger logger_{"nginx"};
  NginxProcess process_;
  ConfigFiles config_;
  SharedSites sites_;
  HeldContents held_;
  CacheReader cache_reader_;
  LibraryReader library_reader_;
  TreeWatch cache_watch_;
  std::unique_ptr<TreeWatch> library_watch_;  // Null: there is no library.
  Purger purger_;
  LoadSampler sampler_;
  Counter& probe_failures_;
  Counter& wedged_;
  Counter& error_log_rotations_;
  Gauge& held_files_;
  Gauge& held_bytes_;
  Gauge& log_difference_;
  std::atomic<bool> scan_complete_ = false;
  std::atomic<bool> libraries_changed_ = false;
  std::atomic<uint64_t> log_lines_ = 0;
  std::atomic<uint64_t> log_bytes_ = 0;

  absl::Mutex judge_mu_;
  HealthJudge judge_ ABSL_GUARDED_BY(judge_mu_);
  bool closed_ ABSL_GUARDED_BY(judge_mu_);
  OperatorLogs operator_logs_;          // Of the thread that follows the log.
  std::unique_ptr<AccessLogTail> log_;  // The same.
  Timestamp answered_at_;               // Of the thread that probes: when nginx was last heard.
  uint64_t answered_life_ = 0;          // In which of its lives.
  absl::Mutex mu_;
  absl::CondVar stop_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t counted_life_ ABSL_GUARDED_BY(mu_) = 0;  // Of nginx, that lines_before_ is for.
  int64_t lines_before_ ABSL_GUARDED_BY(mu_) = 0;   // Logged by earlier ones.
  std::thread log_thread_;
  std::thread look_thread_;
};

}  // namespace strata::engine
