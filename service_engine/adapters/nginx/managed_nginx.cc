#include "service_engine/adapters/nginx/managed_nginx.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "common/unique_fd.h"
#include "service_engine/adapters/nginx/clock.h"
#include "service_engine/adapters/nginx/http_fetch.h"
#include "service_engine/adapters/nginx/limits.h"
#include "service_engine/adapters/nginx/metric_numbers.h"

namespace strata::engine {
namespace {

// Whom a probe asks: nobody connects to "any address".
Endpoint Reachable(const Endpoint& listening) {
  Endpoint endpoint = listening;
  if (!endpoint.ip.IsUnspecified()) return endpoint;
  endpoint.ip = endpoint.ip.IsV4()
                    ? IpAddress::V4(127, 0, 0, 1)
                    : IpAddress::V6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  return endpoint;
}

// An engine's probe path, by its public listener.
Status Probe(const Endpoint& endpoint, Duration limit, const std::function<bool()>& ending) {
  const StatusOr<HttpAnswer> answer =
      HttpGet(endpoint, ToString(endpoint), kProbePath, limit, ending);
  STRATA_RETURN_IF_ERROR(answer);
  if (answer->status == 200) return Ok();
  return Unavailable("status %d", answer->status);
}

// Writes, syncs and deletes a small file.
Status TryDisk(const std::string& folder) {
  const UniqueFd file(open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  const char bytes[512] = {};
  if (file.valid() && write(file.get(), bytes, sizeof(bytes)) == sizeof(bytes)) return Ok();
  if (errno == EOPNOTSUPP || errno == EISDIR) return Ok();  // This file system cannot.
  return Unavailable("write in %s: %s", folder.c_str(), strerror(errno));
}

NginxProcessOptions ProcessOptionsOf(const NginxAdapterOptions& options,
                                     const std::function<bool()>& ending) {
  NginxProcessOptions process;
  process.nginx = options.nginx;
  process.folder = options.folder;
  process.status_socket = options.folder + "/status.sock";
  process.error_log = options.log_folder + "/error.log";
  process.ending = ending;
  return process;
}

std::vector<TreeWatch*> Both(TreeWatch& one, TreeWatch* other) {
  std::vector<TreeWatch*> watches = {&one};
  if (other != nullptr) watches.push_back(other);
  return watches;
}

}  // namespace

ManagedNginx::ManagedNginx(const NginxAdapterOptions& options, NginxAdapterCallbacks callbacks,
                           MetricRegistry& metrics)
    : options_(options),
      callbacks_(std::move(callbacks)),
      process_(ProcessOptionsOf(options, callbacks_.ending), callbacks_.on_death, metrics),
      config_(options, process_),
      held_(callbacks_.on_changes),
      cache_reader_(sites_),
      library_reader_(sites_, options.library_folder),
      cache_watch_({.name = "cache",
                    .root = options.cache_folder,
                    .by_rename = true,
                    .on_top_folders = nullptr,
                    .on_disk_error = [this](const Status& error) { OnDiskError(error); },
                    .ending = callbacks_.ending},
                   cache_reader_, held_, metrics),
      library_watch_(
          options.library_folder.empty()
              ? nullptr
              : std::make_unique<TreeWatch>(
                    TreeWatchOptions{
                        .name = "library",
                        .root = options.library_folder,
                        .by_rename = false,
                        .on_top_folders = [this] { libraries_changed_ = true; },
                        .on_disk_error = [this](const Status& error) { OnDiskError(error); },
                        .ending = callbacks_.ending},
                    library_reader_, held_, metrics)),
      purger_(
          {.temp_folder = config_.paths().temp_folder, .library_folder = options.library_folder},
          sites_, held_, Both(cache_watch_, library_watch_.get()), metrics),
      sampler_(options.clients, options.cache_folder),
      probe_failures_(metrics.AddCounter({.name = "strata_engine_probe_failures_total",
                                          .help = "Probes of nginx by its own agent that failed.",
                                          .number = kMetricProbeFailures})),
      wedged_(metrics.AddCounter({.name = "strata_engine_nginx_wedged_total",
                                  .help = "Times that nginx was killed, since it answered nothing.",
                                  .number = kMetricNginxWedged})),
      error_log_rotations_(
          metrics.AddCounter({.name = "strata_engine_error_log_rotations_total",
                              .help = "Times that nginx's log of errors was rotated.",
                              .number = kMetricErrorLogRotations})),
      held_files_(metrics.AddGauge({.name = "strata_engine_held_files",
                                    .help = "Files of contents that are held.",
                                    .number = kMetricHeldFiles})),
      held_bytes_(metrics.AddGauge({.name = "strata_engine_held_bytes",
                                    .help = "Bytes of contents that are held.",
                                    .number = kMetricHeldBytes})),
      log_difference_(
          metrics.AddGauge({.name = "strata_engine_log_difference_requests",
                            .help = "Requests that nginx has counted and its log does not have; "
                                    "those that go on are among them.",
                            .number = kMetricLogDifference})),
      judge_(options.health),
      closed_(options.closed),
      operator_logs_(options.log_folder, options.operator_log, metrics) {
  log_ = std::make_unique<AccessLogTail>(
      AccessLogTailOptions{AccessLogPath(config_.paths()), options.log_bytes_max},
      [this] { return process_.ReopenLogs(); }, operator_logs_, metrics);
}

ManagedNginx::~ManagedNginx() { Stop(); }

Status ManagedNginx::Begin(const std::vector<farm::Site>& sites) {
  STRATA_ASSIGN_OR_RETURN(const std::shared_ptr<const farm::SiteTable> table, TableOf(sites));
  STRATA_RETURN_IF_ERROR(config_.Prepare());
  TakeLog(Now());  // What an earlier life has left.
  {
    absl::MutexLock lock(&mu_);
    lines_before_ = static_cast<int64_t>(log_lines_);
  }
  STRATA_RETURN_IF_ERROR(config_.StartWith(sites));
  sites_.Set(table);
  sites_.SetLibraries(config_.Libraries());
  STRATA_RETURN_IF_ERROR(cache_watch_.Start());
  if (library_watch_) STRATA_RETURN_IF_ERROR(library_watch_->Start());
  log_thread_ = std::thread([this] { FollowLog(); });
  look_thread_ = std::thread([this] { Look(); });
  return Ok();
}

void ManagedNginx::Stop() {
  {
    absl::MutexLock lock(&mu_);
    if (stopping_) return;
    stopping_ = true;
    stop_.SignalAll();
  }
  if (look_thread_.joinable()) look_thread_.join();
  process_.Stop();
  if (log_thread_.joinable()) log_thread_.join();
}

// ---- Sites.

StatusOr<std::shared_ptr<const farm::SiteTable>> ManagedNginx::TableOf(
    const std::vector<farm::Site>& sites) const {
  auto table = std::make_shared<farm::SiteTable>();
  for (const farm::Site& site : sites) STRATA_RETURN_IF_ERROR(table->Apply(site));
  return std::shared_ptr<const farm::SiteTable>(std::move(table));
}

Status ManagedNginx::Check(const std::vector<farm::Site>& sites) {
  STRATA_RETURN_IF_ERROR(TableOf(sites));
  return config_.Check(sites);
}

Status ManagedNginx::Apply(const std::vector<farm::Site>& sites) {
  STRATA_ASSIGN_OR_RETURN(const std::shared_ptr<const farm::SiteTable> table, TableOf(sites));
  STRATA_RETURN_IF_ERROR(config_.Apply(sites));
  sites_.Set(table);
  sites_.SetLibraries(config_.Libraries());
  cache_watch_.Rescan();
  if (library_watch_) library_watch_->Rescan();
  return Ok();
}

Status ManagedNginx::SetClosed(bool closed) {
  STRATA_RETURN_IF_ERROR(config_.SetClosed(closed));
  absl::MutexLock lock(&judge_mu_);
  // What probes found of a closed server says nothing about an open one.
  if (closed_ && !closed) judge_ = HealthJudge(options_.health);
  closed_ = closed;
  return Ok();
}

// ---- What is held.

StatusOr<size_t> ManagedNginx::Purge(std::span<const farm::ContentKey> keys) {
  return purger_.Purge(keys);
}

StatusOr<size_t> ManagedNginx::PurgeCache(std::span<const farm::ContentKey> keys) {
  return purger_.PurgeCache(keys);
}

StatusOr<size_t> ManagedNginx::PurgeCacheOf(const std::string& site) {
  const farm::Site* known = sites_.Get()->Find(site);
  if (known == nullptr) return NotFound("site %s is not applied here", site.c_str());
  return purger_.PurgeCacheOf(known->hosts.front());
}

std::vector<farm::AssetsChanged::Change> ManagedNginx::TakeChanges(size_t max) {
  return held_.TakeChanges(max, Now());
}

std::optional<std::string> ManagedNginx::UriOf(const farm::ContentKey& key) const {
  return held_.UriOf(key);
}

std::optional<farm::Asset> ManagedNginx::Find(const farm::ContentKey& key) const {
  return held_.Find(key, Now());
}

// ---- The log.

void ManagedNginx::FollowLog() {
  while (Sleep(kLogInterval)) TakeLog(Now());
  while (!TakeLog(Now())) {  // What nginx has written at its end.
  }
}

bool ManagedNginx::TakeLog(Timestamp now) {
  const bool at_end = log_->Turn(
      now, [&](std::span<const FinishedRequest> requests) { OnRequests(requests, now); });
  log_lines_ = log_->lines();
  log_bytes_ = log_->bytes();
  return at_end;
}

void ManagedNginx::OnRequests(std::span<const FinishedRequest> requests, Timestamp now) {
  {
    absl::MutexLock lock(&judge_mu_);
    for (const FinishedRequest& request : requests) {
      // Probes, hosts of no site, and whoever asked while it was closed say nothing of how it
      // serves; neither does a peer who was told that there is nothing here.
      const bool nothing_here = request.status == 504 && request.entry == kEntryPeer;
      if (!request.site.empty() && !nothing_here) judge_.OnRequest(request.status, now);
    }
  }
  if (callbacks_.on_requests) callbacks_.on_requests(requests);
}

// ---- How it is.

void ManagedNginx::Look() {
  Timestamp disk_at = Now();
  answered_at_ = Now();
  do {
    const bool settled = cache_watch_.settled() && (!library_watch_ || library_watch_->settled());
    if (settled && !scan_complete_.exchange(true) && callbacks_.on_scan_complete) {
      callbacks_.on_scan_complete();
    }
    if (libraries_changed_.exchange(false)) LookAtLibraries();
    ProbeOnce();
    if (Now() >= disk_at) {
      CheckDisk();
      KeepErrorLog();
      disk_at = Now() + kDiskInterval;
    }
    held_files_.Set(static_cast<double>(held_.files()));
    held_bytes_.Set(static_cast<double>(held_.bytes()));
  } while (Sleep(scan_complete_ ? options_.probe_interval : kLogInterval));
}

void ManagedNginx::LookAtLibraries() {
  const Status applied = config_.ApplyLibraries();
  if (!applied.ok()) {
    logger_.Error("library not served", {{"why", MessageOf(applied)}});
    libraries_changed_ = true;
    return;
  }
  if (sites_.SetLibraries(config_.Libraries())) library_watch_->Rescan();
}

void ManagedNginx::ProbeOnce() {
  std::string error;
  for (const Endpoint& endpoint : options_.clients) {
    const Status status = Probe(Reachable(endpoint), options_.probe_limit, callbacks_.ending);
    if (!status.ok()) error = ToString(endpoint) + ": " + MessageOf(status);
  }
  if (!error.empty()) probe_failures_.Add();
  {
    absl::MutexLock lock(&judge_mu_);
    judge_.OnOwnProbe(error);
  }
  EndWedged(error.empty() || process_.Ask(kStatusPath).ok());
}

// One that has died is started again by its supervisor: each life has its time.
void ManagedNginx::EndWedged(bool answers) {
  const uint64_t life = process_.asked().life;
  if (answers || life != answered_life_ || process_.pid() == 0) {
    answered_at_ = Now();
    answered_life_ = life;
    return;
  }
  if (Now() - answered_at_ < options_.wedged_limit) return;
  logger_.Error("nginx answers nothing: it is killed", {{"pid", process_.pid()}});
  wedged_.Add();
  answered_at_ = Now();
  process_.Kill();
}

void ManagedNginx::KeepErrorLog() {
  const std::string path = ErrorLogPath(config_.paths());
  struct stat info {};
  if (options_.error_log.bytes_max == 0 || stat(path.c_str(), &info) != 0) return;
  if (static_cast<uint64_t>(info.st_size) < options_.error_log.bytes_max) return;
  const Status rotated = RotateLog(path, options_.error_log.kept);
  if (!rotated.ok()) {
    logger_.Error("log of errors not rotated", {{"why", MessageOf(rotated)}});
    return;
  }
  error_log_rotations_.Add();
  process_.ReopenLogs().IgnoreError();  // No nginx: the next one opens the new name.
}

void ManagedNginx::CheckDisk() {
  struct statvfs disk {};
  if (statvfs(options_.cache_folder.c_str(), &disk) == 0) {
    const bool full = disk.f_bavail * disk.f_frsize < kDiskFullBytes;
    absl::MutexLock lock(&judge_mu_);
    judge_.OnDiskFull(full);
    if (full) return;  // The rest would say it again.
  }
  const Status tried = TryDisk(config_.paths().temp_folder);
  if (!tried.ok()) OnDiskError(tried);
}

void ManagedNginx::OnDiskError(const Status& error) {
  absl::MutexLock lock(&judge_mu_);
  judge_.OnDiskError(MessageOf(error), Now());
}

HealthJudge::Verdict ManagedNginx::Judge() {
  absl::MutexLock lock(&judge_mu_);
  return judge_.Judge(Now());
}

Status ManagedNginx::PeerProbe(const Endpoint& client_endpoint) {
  return Probe(client_endpoint, options_.probe_limit, callbacks_.ending);
}

void ManagedNginx::OnPeerProbe(const std::string& error) {
  absl::MutexLock lock(&judge_mu_);
  judge_.OnPeerProbe(error);
}

std::optional<NginxStatus> ManagedNginx::AskStatus() {
  const StatusOr<std::string> page = process_.Ask(kStatusPath);
  if (!page.ok()) return std::nullopt;
  const StatusOr<NginxStatus> status = ParseNginxStatus(*page);
  if (!status.ok()) return std::nullopt;
  CompareCounts(*status);
  return *status;
}

void ManagedNginx::CompareCounts(const NginxStatus& status) {
  const NginxProcess::Asked asked = process_.asked();
  const auto lines = static_cast<int64_t>(log_lines_);
  absl::MutexLock lock(&mu_);
  if (asked.life != counted_life_) {  // nginx counts from zero.
    counted_life_ = asked.life;
    lines_before_ = lines;
  }
  const auto counted = static_cast<int64_t>(status.requests - asked.times);
  log_difference_.Set(static_cast<double>(counted - (lines - lines_before_)));
}

LoadSample ManagedNginx::Sample() {
  const std::optional<NginxStatus> status = AskStatus();
  uint32_t active = 0;
  if (status) {
    // Our own question is one of them.
    const uint64_t busy = std::max<uint64_t>(status->reading + status->writing, 1) - 1;
    active = static_cast<uint32_t>(std::min<uint64_t>(busy, UINT32_MAX));
  }
  return sampler_.Sample(Now(), log_bytes_, active);
}

// ---- Threads.

bool ManagedNginx::Sleep(Duration time) {
  const Timestamp until = Now() + time;
  absl::MutexLock lock(&mu_);
  while (!stopping_ && !stop_.WaitWithTimeout(&mu_, absl::FromChrono(until - Now()))) {
  }
  return !stopping_;
}

}  // namespace strata::engine
