#include "common/tls/tls_watch.h"

#include <sys/stat.h>
#include <time.h>

#include <limits>
#include <utility>

#include "absl/time/time.h"
#include "common/log.h"
#include "common/wall_clock.h"

namespace strata::tls {
namespace {

const Logger& Log() {
  static const Logger logger("tls");
  return logger;
}

// Monotonic, as all waits.
Timestamp Now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return Timestamp::FromNanos(int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec);
}

std::string StampOf(const std::string& path) {
  struct stat about {};
  if (stat(path.c_str(), &about) != 0) return "none";
  std::string stamp;
  for (const int64_t part : {static_cast<int64_t>(about.st_dev), static_cast<int64_t>(about.st_ino),
                             static_cast<int64_t>(about.st_size), int64_t{about.st_mtim.tv_sec},
                             int64_t{about.st_mtim.tv_nsec}, int64_t{about.st_ctim.tv_sec},
                             int64_t{about.st_ctim.tv_nsec}}) {
    stamp += std::to_string(part) + " ";
  }
  return stamp;
}

double SecondsUntil(int64_t instant_s) {
  return static_cast<double>(instant_s - WallClockSeconds());
}

}  // namespace

TlsWatch::TlsWatch(std::shared_ptr<TlsStore> store, MetricRegistry& metrics, OnChange on_change,
                   const Options& options)
    : store_(std::move(store)),
      on_change_(std::move(on_change)),
      options_(options),
      reloads_(metrics.AddCounter(
          {.name = "strata_tls_reloads_total",
           .help = "Times that certificates, keys and revocations were read again."})),
      refused_(metrics.AddCounter(
          {.name = "strata_tls_reloads_refused_total",
           .help = "Of the times that certificates, keys and revocations were read again, those "
                   "where something was wrong."})),
      certificate_left_(metrics.AddGauge(
          {.name = "strata_tls_certificate_left_seconds",
           .help = "Until this process's own certificate expires; below 0: it has."})),
      authority_left_(
          metrics.AddGauge({.name = "strata_tls_authority_left_seconds",
                            .help = "Until the first of the authorities' certificates expires."})),
      revocations_left_(metrics.AddGauge(
          {.name = "strata_tls_revocations_left_seconds",
           .help = "Until the list of revoked certificates is to be replaced; +Inf: there is "
                   "none."})) {
  TellExpiry();
  {
    absl::MutexLock lock(&reload_mutex_);
    // What changed since the store was opened is found at the first look: that read is compared
    // with nothing.
    seen_ = StampsNow();
  }
  thread_ = std::thread([this] { Loop(); });
}

TlsWatch::~TlsWatch() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  thread_.join();
}

void TlsWatch::Loop() {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::FromChrono(options_.look_every))) {
        return;
      }
    }
    Look();
  }
}

void TlsWatch::Look() {
  {
    absl::MutexLock lock(&reload_mutex_);
    Stamps stamps = StampsNow();
    const bool due = IsDue(stamps, Now());
    seen_ = stamps;
    if (due) {
      const Status status = ReloadLocked(std::move(stamps));
      if (!status.ok()) {
        Log().Error("new TLS files cannot be used", {{"error", MessageOf(status)}});
      }
    }
  }
  TellExpiry();
}

bool TlsWatch::IsDue(const Stamps& stamps, Timestamp now) {
  if (stamps == taken_) {
    looks_ = 0;
    return now >= try_again_at_;
  }
  ++looks_;
  return stamps == seen_ || looks_ >= options_.looks_max;
}

TlsWatch::Stamps TlsWatch::StampsNow() const {
  const TlsPaths& paths = store_->paths();
  Stamps stamps;
  for (const std::string& path :
       {paths.authority, paths.certificate, paths.key, paths.revocations}) {
    if (!path.empty()) stamps[path] = StampOf(path);
  }
  return stamps;
}

Status TlsWatch::Reload() {
  absl::MutexLock lock(&reload_mutex_);
  return ReloadLocked(StampsNow());
}

// `stamps` are older than what is read: a change in between is found at the next look.
Status TlsWatch::ReloadLocked(Stamps stamps) {
  taken_ = std::move(stamps);
  looks_ = 0;
  reloads_.Add();
  const std::shared_ptr<const TlsMaterial> before = store_->Current();
  const Status status = store_->Reload();
  const std::shared_ptr<const TlsMaterial> now = store_->Current();
  if (!status.ok()) refused_.Add();
  try_again_at_ = status.ok() ? Timestamp::Never() : Now() + options_.try_again;
  if (now == before) return status;
  Log().Info("certificates read again", {{"name", ToString(now->own)},
                                         {"serial", now->own.serial},
                                         {"revoked", now->revoked.size()}});
  on_change_(*before, *now);
  return status;
}

void TlsWatch::TellExpiry() {
  const std::shared_ptr<const TlsMaterial> material = store_->Current();
  certificate_left_.Set(SecondsUntil(material->own.not_after_s));
  authority_left_.Set(SecondsUntil(material->authority_until_s));
  const std::optional<int64_t> until_s = material->revoked.until_s();
  revocations_left_.Set(until_s ? SecondsUntil(*until_s) : std::numeric_limits<double>::infinity());
}

}  // namespace strata::tls
