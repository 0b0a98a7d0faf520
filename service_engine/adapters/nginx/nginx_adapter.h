#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/metrics.h"
#include "common/status.h"
#include "common/time.h"
#include "farm/content_key.h"
#include "farm/messages.h"
#include "farm/site.h"
#include "service_engine/adapters/nginx/log_rotation.h"
#include "service_engine/core/access_log.h"
#include "service_engine/core/health_judge.h"
#include "service_engine/core/load_meter.h"

namespace strata::engine {

// Where a managed nginx lives, and what of the machine it may use. Folders are absolute paths;
// those that are not there are made.
struct NginxAdapterOptions {
  std::string engine;             // The engine's name: a label of a host name.
  std::vector<Endpoint> clients;  // Where clients come; ports are given.
  std::vector<Endpoint> peers;    // Where other engines come.
  std::string folder;             // Configuration, pid, sockets of nginx.
  std::string cache_folder;
  std::string temp_folder;     // On the cache's file system; empty: beside the cache.
  std::string library_folder;  // LIBRARY/SITE_NAME/path; empty: no libraries.
  std::string log_folder;
  std::string agent_socket;  // Where the agent listens.
  std::string user;          // Of nginx's workers; empty: as this process.
  std::string nginx = "/usr/sbin/nginx";
  uint32_t workers = 0;                      // 0: one for each core.
  uint64_t cache_bytes_max = 0;              // 0: what the disk has.
  uint64_t free_bytes_least = 256ull << 20;  // Of the cache's disk.
  uint64_t log_bytes_max = 64ull << 20;      // The log of requests: rotated beyond, not kept.
  LogLimits operator_log{.bytes_max = 256ull << 20, .kept = 8};  // Of each site.
  LogLimits error_log{.bytes_max = 16ull << 20, .kept = 4};
  bool closed = false;              // Starts closed: see SetClosed.
  std::string operator_log_format;  // nginx's log_format; empty: "combined".
  HealthSettings health;
  Duration probe_interval = std::chrono::seconds(1);
  Duration probe_limit = std::chrono::seconds(2);  // A probe that takes longer has failed.
  // An nginx that answers neither a probe nor its status socket for so long is killed and started
  // again.
  Duration wedged_limit = std::chrono::seconds(15);
};

// Called on the adapter's own threads, one call of a kind at a time; quick, and never back into
// Apply, Purge or Stop.
struct NginxAdapterCallbacks {
  std::function<void()> on_changes;        // TakeChanges has something again.
  std::function<void()> on_scan_complete;  // The first scans are done: ScanComplete() is true.
  std::function<void(std::span<const FinishedRequest>)> on_requests;  // What clients got.
  std::function<void(const std::string& why)> on_death;  // nginx died; it is being restarted.
  // Whether the engine is to end. Then nothing is waited for any more: what goes on fails with
  // Unavailable, and Stop comes soon. Any thread calls it, often; empty: never.
  std::function<bool()> ending = {};
};

// One nginx that the engine writes the configuration of, starts, reloads, restarts when it dies and
// stops; and what it holds, does and how it is. Everything of it is in this folder's README. Owned
// by the application; any thread may call any method.
class NginxAdapter {
 public:
  // Renders a configuration for `sites`, starts nginx and waits until it serves; watches and probes
  // from then on. An nginx that an earlier life of this engine left behind is stopped first.
  static StatusOr<std::unique_ptr<NginxAdapter>> Start(const NginxAdapterOptions& options,
                                                       const std::vector<farm::Site>& sites,
                                                       NginxAdapterCallbacks callbacks,
                                                       MetricRegistry& metrics);
  virtual ~NginxAdapter() = default;

  // ---- Sites.
  // InvalidArgument, with nginx's own message, for sites that nginx would refuse. Changes nothing.
  virtual Status Check(const std::vector<farm::Site>& sites) = 0;
  // These sites and no others, without dropping a request. On failure nginx stays as it is.
  virtual Status Apply(const std::vector<farm::Site>& sites) = 0;

  // Closed: nginx runs, but every request gets a 503, until it is opened again. For an engine that
  // may have missed a purge.
  virtual Status SetClosed(bool closed) = 0;

  // ---- What is held.
  // Section 6 of docs/protocols/agent.md, steps 2 and 3, after the agent has done step 1. How many
  // contents had something that went. Waits for a scan that goes on; Unavailable, with the reason,
  // if something may be left.
  virtual StatusOr<size_t> Purge(std::span<const farm::ContentKey> keys) = 0;
  // The same for what is cached of them; what the library has stays.
  virtual StatusOr<size_t> PurgeCache(std::span<const farm::ContentKey> keys) = 0;
  // All of a site's cache, not its library; the site is one of those applied. How many files went.
  virtual StatusOr<size_t> PurgeCacheOf(const std::string& site) = 0;
  // Up to `max` changes that were not taken yet.
  virtual std::vector<farm::AssetsChanged::Change> TakeChanges(size_t max) = 0;
  // Everything is a change again: after a new registration.
  virtual void TellAll() = 0;
  virtual bool ScanComplete() const = 0;
  // The canonical URI of a content that is held; nothing otherwise.
  virtual std::optional<std::string> UriOf(const farm::ContentKey& key) const = 0;
  // Whether files of this site's library are served; a folder that was made just now is soon.
  virtual bool ServesLibrary(const std::string& site) const = 0;
  // What is held of `key`; for one that is, its kind, size, lifetime.
  virtual std::optional<farm::Asset> Find(const farm::ContentKey& key) const = 0;

  // ---- How it is.
  virtual LoadSample Sample() = 0;
  virtual HealthJudge::Verdict Judge() = 0;
  // Fetches the probe of another engine; an error says why it does not serve. Waits for it.
  virtual Status PeerProbe(const Endpoint& client_endpoint) = 0;
  // What another member's probe of this engine found; empty: it serves.
  virtual void OnPeerProbe(const std::string& error) = 0;
  // nginx finishes what it has begun, for at most 5 s, and ends. Done by the destructor too.
  virtual void Stop() = 0;
};

}  // namespace strata::engine
