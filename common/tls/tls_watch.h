#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/status.h"
#include "common/time.h"
#include "common/tls/tls_files.h"

namespace strata::tls {

// Reads a process's TLS files again when one of them has changed, without being told, so that a
// certificate that is revoked, or renewed, counts about a second after its file is here. Files that
// are damaged, or do not fit each other, change nothing: that is logged, counted, and tried again
// when one of them changes, and now and then. Also says how long the own certificate, the authority
// and the revocation list are good for. Has a thread of its own.
class TlsWatch {
 public:
  struct Options {
    // A change is taken up when a second look finds nothing more: certificate and key are two
    // files.
    Duration look_every = std::chrono::milliseconds(500);
    // After files that could not be used, although none has changed: a certificate that was not
    // valid yet may be.
    Duration try_again = std::chrono::minutes(1);
    // Looks until a change is taken up although files keep on changing.
    int looks_max = 3;
  };
  // After what the store holds was replaced, as a whole or in part. On the watch's thread, or on
  // that of Reload(); one at a time.
  using OnChange = std::function<void(const TlsMaterial& before, const TlsMaterial& now)>;

  // The registry must outlive it.
  TlsWatch(std::shared_ptr<TlsStore> store, MetricRegistry& metrics, OnChange on_change)
      : TlsWatch(std::move(store), metrics, std::move(on_change), Options()) {}
  TlsWatch(std::shared_ptr<TlsStore> store, MetricRegistry& metrics, OnChange on_change,
           const Options& options);
  ~TlsWatch();

  // Reads everything now, for SIGHUP. Errors as of TlsStore::Reload(). Any thread.
  Status Reload();

 private:
  using Stamps =
      std::map<std::string, std::string>;  // What tells one state of a file from another.

  void Loop();
  void Look();
  Stamps StampsNow() const;
  bool IsDue(const Stamps& stamps, Timestamp now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(reload_mutex_);
  Status ReloadLocked(Stamps stamps) ABSL_EXCLUSIVE_LOCKS_REQUIRED(reload_mutex_);
  void TellExpiry();

  const std::shared_ptr<TlsStore> store_;
  const OnChange on_change_;
  const Options options_;
  Counter& reloads_;
  Counter& refused_;
  Gauge& certificate_left_;
  Gauge& authority_left_;
  Gauge& revocations_left_;

  absl::Mutex reload_mutex_;                      // Over a whole reload.
  Stamps taken_ ABSL_GUARDED_BY(reload_mutex_);   // Of the last reload, good or not.
  Stamps seen_ ABSL_GUARDED_BY(reload_mutex_);    // At the last look.
  int looks_ ABSL_GUARDED_BY(reload_mutex_) = 0;  // Since files are others than the taken ones.
  Timestamp try_again_at_ ABSL_GUARDED_BY(reload_mutex_) = Timestamp::Never();

  absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace strata::tls
