#include "service_manager/mirror/backup_tellers.h"

#include <utility>

#include "absl/time/time.h"
#include "common/log.h"
#include "service_manager/mirror/limits.h"

namespace strata::manager::mirror {
namespace {

const Logger& Log() {
  static const Logger logger("mirror");
  return logger;
}

}  // namespace

BackupTellers::BackupTellers(Options options, uplink::Observers& observers, store::Store& store,
                             directory::LocationIndex& index, const control::HolderBook& holders,
                             std::shared_ptr<const tls::TlsStore> tls)
    : options_(std::move(options)),
      observers_(observers),
      store_(store),
      index_(index),
      holders_(holders),
      tls_(std::move(tls)),
      thread_([this] { Loop(); }) {}

BackupTellers::~BackupTellers() { Stop(); }

void BackupTellers::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
  std::map<std::string, std::unique_ptr<uplink::Uplink>> tellers;
  {
    absl::MutexLock lock(&mutex_);
    tellers.swap(tellers_);
  }
  tellers.clear();  // Not under the lock: they ask for addresses until they end.
}

void BackupTellers::Loop() {
  while (true) {
    Look();
    absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::FromChrono(kLookEvery))) return;
  }
}

void BackupTellers::Look() {
  const Backups backups = options_.backups();
  std::vector<std::string> to_begin;
  {
    absl::MutexLock lock(&mutex_);
    backups_ = backups;
    for (const auto& [name, _] : backups) {
      if (!tellers_.contains(name)) to_begin.push_back(name);
    }
  }
  for (const std::string& name : to_begin) Begin(name);
}

void BackupTellers::Begin(const std::string& name) {
  uplink::Uplink::Options options;
  options.own = options_.own;
  options.parents = [this, name] { return AddressOf(name); };
  options.to_backup = true;
  options.feed.epoch = options_.term;
  options.feed.kept_records_max = kKeptRecordsMax;
  options.feed.kept_bytes_max = kKeptBytesMax;
  options.compress = options_.compress;
  options.observe = observers_.Slot();
  options.name_of = [this](directory::Holder holder) { return NameOf(holder); };
  auto begun = uplink::Uplink::Start(std::move(options), store_, index_, tls_);
  if (!begun.ok()) {
    Log().Warning("a backup cannot be told", {{"name", name}, {"why", MessageOf(begun.status())}});
    return;
  }
  absl::MutexLock lock(&mutex_);
  tellers_[name] = *std::move(begun);
}

std::vector<std::string> BackupTellers::AddressOf(const std::string& name) const {
  absl::MutexLock lock(&mutex_);
  const auto backup = backups_.find(name);
  if (backup == backups_.end()) return {};
  return {backup->second};
}

std::optional<federation::Introduction> BackupTellers::NameOf(directory::Holder holder) const {
  const control::HolderBook::EntryPtr entry = holders_.Find(holder);
  if (entry == nullptr) return std::nullopt;
  return federation::Introduction{.holder = holder, .name = entry->name, .clients = entry->clients};
}

void BackupTellers::OnSynced() {
  absl::MutexLock lock(&mutex_);
  for (const auto& [_, uplink] : tellers_) uplink->OnSynced();
}

std::vector<BackupTellers::State> BackupTellers::states() const {
  absl::MutexLock lock(&mutex_);
  std::vector<State> states;
  for (const auto& [name, uplink] : tellers_) {
    const auto backup = backups_.find(name);
    states.push_back({.name = name,
                      .address = backup == backups_.end() ? "" : backup->second,
                      .feed = uplink->state()});
  }
  return states;
}

}  // namespace strata::manager::mirror
