#include "service_engine/app/content_keeper.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/time/time.h"
#include "common/log.h"
#include "multicast/driver/clock.h"

namespace strata::engine::app {
namespace {

constexpr Duration kLookEvery = std::chrono::milliseconds(500);
constexpr Duration kSaveEvery = std::chrono::seconds(1);
constexpr size_t kInvalidationsMax = 1024;

const Logger& Log() {
  static const Logger logger("engine");
  return logger;
}

// What a message takes of a text.
std::string Short(const std::string& text) { return text.substr(0, farm::kMaxReason); }

}  // namespace

ContentKeeper::ContentKeeper(const Options& options, farm::FarmMember& member,
                             NginxAdapter& adapter, transfer::AgentServer& agent,
                             PurgePositions positions, const std::vector<farm::Site>& sites,
                             MetricRegistry& metrics)
    : options_(options),
      member_(member),
      adapter_(adapter),
      agent_(agent),
      purges_(metrics.AddCounter({.name = "strata_engine_ledger_purges_total",
                                  .help = "Entries of purge logs that were applied."})),
      purge_failures_(metrics.AddCounter({.name = "strata_engine_ledger_purge_failures_total",
                                          .help = "Attempts to apply entries that failed."})),
      invalidation_failures_(
          metrics.AddCounter({.name = "strata_engine_invalidation_failures_total",
                              .help = "Copies that a client's request made invalid, and that may "
                                      "be served still; or attempts to remove them that failed."})),
      positions_(std::move(positions)),
      serve_alone_(options.serve_alone) {
  for (const farm::Site& site : sites) applied_[site.name] = site;
  if (options_.watchdog > Duration::zero()) StartWatchdog();
  thread_ = std::thread([this] { Loop(); });
}

ContentKeeper::~ContentKeeper() {
  watchdog_.reset();  // From now on nobody closes the server: it ends.
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  thread_.join();
}

void ContentKeeper::StartWatchdog() {
  StatusOr<std::unique_ptr<Watchdog>> started =
      Watchdog::Start(options_.watchdog, [this] { return IsSafe(); });
  if (started.ok()) {
    watchdog_ = std::move(*started);
  } else {
    Log().Error("if this process is stopped, its server goes on",
                {{"error", MessageOf(started.status())}});
  }
}

void ContentKeeper::Wake() {
  absl::MutexLock lock(&mutex_);
  wake_ = true;
}

void ContentKeeper::OnSiteRemoved(const std::string& site) {
  absl::MutexLock lock(&mutex_);
  told_removed_.insert(site);
  wake_ = true;
}

void ContentKeeper::Invalidate(const farm::ContentKey& key, std::function<void()> done) {
  absl::MutexLock lock(&mutex_);
  if (invalid_.size() >= kInvalidationsMax) {
    invalidation_failures_.Add();
    return;
  }
  invalid_.push_back({key, std::move(done)});
  wake_ = true;
}

// What fails is tried again at the next look.
void ContentKeeper::InvalidateCopies() {
  std::vector<Invalidation> invalid;
  {
    absl::MutexLock lock(&mutex_);
    invalid.swap(invalid_);
  }
  if (invalid.empty()) return;
  std::vector<farm::ContentKey> keys;
  for (const Invalidation& one : invalid) keys.push_back(one.key);
  Status status = agent_.EndFetches(keys, options_.fetch_patience);
  if (status.ok()) status = adapter_.PurgeCache(keys).status();
  if (status.ok()) {
    for (const Invalidation& one : invalid) one.done();
    return;
  }
  invalidation_failures_.Add();
  Log().Error("copies that clients made invalid are still here; it is tried again",
              {{"copies", invalid.size()}, {"error", MessageOf(status)}});
  absl::MutexLock lock(&mutex_);
  const size_t room = kInvalidationsMax - std::min(kInvalidationsMax, invalid_.size());
  invalid.resize(std::min(invalid.size(), room));
  invalid_.insert(invalid_.end(), invalid.begin(), invalid.end());
}

std::string ContentKeeper::why_closed() const {
  absl::MutexLock lock(&mutex_);
  return why_closed_;
}

void ContentKeeper::Loop() {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      const auto ready = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stop_ || wake_; };
      mutex_.AwaitWithTimeout(absl::Condition(&ready), absl::FromChrono(kLookEvery));
      if (stop_) break;
      wake_ = false;
      removed_.merge(told_removed_);
      told_removed_.clear();
    }
    InvalidateCopies();
    Look();
    if (multicast::Now() - tried_to_save_ >= kSaveEvery) SavePositions();
  }
  SavePositions();
}

// Not before a purge is confirmed: the disk would take longer than all the rest.
void ContentKeeper::SavePositions() {
  if (positions_.saved()) return;
  tried_to_save_ = multicast::Now();
  const Status saved = positions_.Save();
  if (saved.ok()) return;
  Log().Error("after a restart, purges will be applied again", {{"error", MessageOf(saved)}});
}

void ContentKeeper::Look() {
  if (!member_.InTouch()) {
    if (serve_alone_ && open_) return;
    SetOpen(false, "no majority of the farm is in reach, so purges might be missed");
    return;
  }
  // Everything that was purged while this engine was closed goes before it opens. An entry that
  // comes while others are applied is taken in the next round, and then it is open already: nothing
  // was confirmed for it yet.
  for (const Pending& pending : PendingPurges()) {
    if (!Purge(pending)) return;
  }
  NotePositions();
  if (ApplySites()) SetOpen(true, "");
}

std::vector<ContentKeeper::Pending> ContentKeeper::PendingPurges() const {
  std::vector<Pending> all;
  member_.Read([&](const farm::TableReplica& replica) {
    for (const auto& [name, site] : replica.ledger().sites().sites()) {
      const farm::SiteLedger::PurgeLog& log = *replica.ledger().FindLog(name);
      const uint64_t position = positions_.Of(name);
      if (log.position <= position) continue;
      Pending pending{name, log.forgotten > position ? log.forgotten : 0, {}};
      // Newest first: what is new is at the end of a long log.
      for (auto it = log.kept.rbegin(); it != log.kept.rend() && it->position > position; ++it) {
        pending.entries.push_back(*it);
      }
      std::reverse(pending.entries.begin(), pending.entries.end());
      all.push_back(std::move(pending));
    }
  });
  return all;
}

bool ContentKeeper::Purge(const Pending& pending) {
  std::vector<farm::ContentKey> keys;
  for (const farm::SiteLedger::Purge& entry : pending.entries) {
    keys.insert(keys.end(), entry.keys.begin(), entry.keys.end());
  }
  Status status = agent_.EndFetches(keys);
  if (status.ok() && pending.forgotten != 0) {
    status = agent_.EndFetchesOf(pending.site, options_.fetch_patience);
  }
  {
    // What is published from here on sees these entries in the ledger.
    absl::MutexLock barrier(&publish_mutex_);
  }
  StatusOr<size_t> dropped = status.ok() ? adapter_.Purge(keys) : status;
  if (dropped.ok() && pending.forgotten != 0) {
    const StatusOr<size_t> more = adapter_.PurgeCacheOf(pending.site);
    dropped = more.ok() ? *dropped + *more : more;
  }
  status = dropped.status();
  const uint64_t last =
      pending.entries.empty() ? pending.forgotten : pending.entries.back().position;
  if (!status.ok()) {
    purge_failures_.Add();
    Log().Error("a purge failed; it is tried again",
                {{"site", pending.site}, {"position", last}, {"error", MessageOf(status)}});
    TellPurged(pending, 0, Short(MessageOf(status)));
    SetOpen(false, "a purge of " + pending.site + " failed: " + MessageOf(status));
    return false;
  }
  positions_.Set(pending.site, last);
  purges_.Add(pending.entries.size());
  TellPurged(pending, *dropped, "");
  return true;
}

// All that the ledger had was applied just now.
void ContentKeeper::NotePositions() {
  std::map<std::string, uint64_t> positions;
  member_.Read([&](const farm::TableReplica& replica) {
    for (const auto& [name, site] : replica.ledger().sites().sites()) {
      positions[name] = positions_.Of(name);
    }
  });
  absl::MutexLock lock(&mutex_);
  purged_up_to_ = std::move(positions);
}

uint64_t ContentKeeper::PurgedUpTo(const std::string& site) const {
  absl::MutexLock lock(&mutex_);
  const auto it = purged_up_to_.find(site);
  return it == purged_up_to_.end() ? 0 : it->second;
}

Status ContentKeeper::Publish(const Publication& copy, absl::FunctionRef<Status()> publish) {
  absl::MutexLock lock(&publish_mutex_);
  if (!open_) return MakeStatus(StatusCode::kAborted, "this engine does not serve at the moment");
  std::string why;
  member_.Read([&](const farm::TableReplica& replica) {
    const farm::SiteLedger::PurgeLog* log = replica.ledger().FindLog(copy.site);
    if (log == nullptr) {
      why = "its site was removed meanwhile";
    } else if (log->forgotten > copy.position) {
      why = "it may have been purged meanwhile";
    } else {
      for (auto it = log->kept.rbegin(); it != log->kept.rend() && it->position > copy.position;
           ++it) {
        if (std::find(it->keys.begin(), it->keys.end(), copy.key) == it->keys.end()) continue;
        why = "it was purged meanwhile";
      }
    }
  });
  if (!why.empty()) return MakeStatus(StatusCode::kAborted, why);
  return publish();
}

void ContentKeeper::TellPurged(const Pending& pending, size_t dropped, const std::string& problem) {
  for (const farm::SiteLedger::Purge& entry : pending.entries) {
    farm::PurgeApplied told{options_.self, pending.site, entry.position, 0, problem};
    // Of several entries at once nobody knows which one dropped what: it is told with the last.
    if (entry.position == pending.entries.back().position) {
      told.dropped = static_cast<uint32_t>(dropped);
    }
    Tell(told);
  }
  // All of the site, and nothing since.
  if (pending.entries.empty()) {
    Tell({options_.self, pending.site, pending.forgotten, static_cast<uint32_t>(dropped), problem});
  }
}

void ContentKeeper::Tell(const farm::PurgeApplied& told) {
  const Status sent = member_.Send(told);
  if (!sent.ok()) Log().Warning("a purge was not confirmed", {{"error", MessageOf(sent)}});
}

bool ContentKeeper::ApplySites() {
  uint64_t changes = 0;
  std::map<std::string, farm::Site> wanted;
  member_.Read([&](const farm::TableReplica& replica) {
    changes = replica.ledger().site_changes();
    if (changes == applied_changes_ && removed_.empty()) return;
    for (const auto& [name, site] : replica.ledger().sites().sites()) wanted[name] = site;
  });
  if (changes == applied_changes_ && removed_.empty()) return true;
  if (!TakeAway(GoneSites(wanted))) return false;
  removed_.clear();
  // One at a time: one that is refused must not keep the others away.
  for (const auto& [name, site] : wanted) {
    const auto it = applied_.find(name);
    const bool same = it != applied_.end() && it->second == site;
    const auto refused = refused_.find(name);
    if (!same && (refused == refused_.end() || refused->second != site.version)) Change(site);
  }
  applied_changes_ = changes;
  return true;
}

std::vector<std::string> ContentKeeper::GoneSites(
    const std::map<std::string, farm::Site>& wanted) const {
  std::vector<std::string> gone;
  for (const auto& [name, site] : applied_) {
    if (!wanted.contains(name) || removed_.contains(name)) gone.push_back(name);
  }
  return gone;
}

// A site of the same name that comes later must find nothing of what was: neither in the cache, nor
// on its way there. False: something may be left, so it is tried again.
bool ContentKeeper::TakeAway(const std::vector<std::string>& gone) {
  if (gone.empty()) return true;
  std::map<std::string, farm::Site> rest = applied_;
  for (const std::string& name : gone) {
    Status status = agent_.EndFetchesOf(name, options_.fetch_patience);
    if (status.ok()) status = adapter_.PurgeCacheOf(name).status();
    if (!status.ok()) {
      Log().Error("a site that was removed cannot be taken away yet",
                  {{"site", name}, {"error", MessageOf(status)}});
      return false;
    }
    rest.erase(name);
  }
  if (!ApplyAll(rest)) return false;
  for (const std::string& name : gone) {
    refused_.erase(name);
    (void)positions_.Forget(name);
    Log().Info("site removed", {{"site", name}});
  }
  return true;
}

void ContentKeeper::Change(const farm::Site& site) {
  std::map<std::string, farm::Site> next = applied_;
  next[site.name] = site;
  std::vector<farm::Site> sites;
  for (const auto& [name, each] : next) sites.push_back(each);
  const Status applied = adapter_.Apply(sites);
  if (applied.ok()) {
    applied_ = std::move(next);
    refused_.erase(site.name);
  } else {
    refused_[site.name] = site.version;
  }
  TellSite(site, applied.ok() ? "" : MessageOf(applied));
}

bool ContentKeeper::ApplyAll(const std::map<std::string, farm::Site>& wanted) {
  std::vector<farm::Site> sites;
  for (const auto& [name, site] : wanted) sites.push_back(site);
  const Status applied = adapter_.Apply(sites);
  if (applied.ok()) {
    applied_ = wanted;
    return true;
  }
  Log().Error("sites could not be taken away", {{"error", MessageOf(applied)}});
  return false;
}

void ContentKeeper::TellSite(const farm::Site& site, const std::string& problem) {
  if (problem.empty()) {
    Log().Info("site applied", {{"site", site.name}, {"version", site.version}});
  } else {
    Log().Error("the server refuses a site",
                {{"site", site.name}, {"version", site.version}, {"error", problem}});
  }
  (void)member_.Send(farm::SiteTaken{options_.self, site.name, site.version, Short(problem)});
}

void ContentKeeper::SetOpen(bool open, const std::string& why) {
  {
    absl::MutexLock lock(&mutex_);
    why_closed_ = why;
  }
  if (open == open_) return;
  if (open) may_serve_ = true;
  const Status status = adapter_.SetClosed(!open);
  if (!status.ok()) {
    Log().Error("the server was not opened or closed", {{"error", MessageOf(status)}});
    return;
  }
  open_ = open;
  may_serve_ = open;
  if (open) {
    Log().Info("serving");
  } else {
    Log().Warning("not serving", {{"why", why}});
  }
}

}  // namespace strata::engine::app
