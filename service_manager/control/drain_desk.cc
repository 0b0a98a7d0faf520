#include "service_manager/control/drain_desk.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/log.h"
#include "farm/content_identity.h"
#include "multicast/driver/clock.h"

namespace strata::manager::control {
namespace {

constexpr Duration kLookEvery = std::chrono::milliseconds(500);
// A look at many copies takes a while: at most this share of the time.
constexpr int kRestAfterLook = 9;
constexpr size_t kKeysPerRead = 4096;  // The table is held for so long.
// Clients who were sent to an engine just before come within this.
constexpr Duration kQuiet = std::chrono::seconds(3);
constexpr Duration kStuck = std::chrono::seconds(10);  // Until it is told as an event.

const Logger& Log() {
  static const Logger logger("drain");
  return logger;
}

std::string Counted(uint64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// Whether `row` may be relied on for what it has when another engine is switched off.
bool Stays(const farm::Row& row) {
  return row.in_view && !row.draining && !row.telling && row.health != farm::Health::kDown;
}

bool HeldElsewhere(const farm::StateTable& table, const farm::ContentKey& key,
                   farm::EngineId engine, farm::AssetKind kind, Timestamp now) {
  const farm::StateTable::Holders* holders = table.FindHolders(key);
  if (holders == nullptr) return false;
  return std::any_of(holders->begin(), holders->end(), [&](farm::EngineId other) {
    if (other == engine || !Stays(*table.Find(other))) return false;
    const farm::Asset& asset = *table.FindAsset(other, key);
    // A cached copy goes when it likes: it does not replace one of a library.
    const bool as_good = asset.kind == farm::AssetKind::kLibrary || kind == asset.kind;
    return asset.complete && as_good && table.ExpiryOf(other, key) > now;
  });
}

}  // namespace

DrainDesk::DrainDesk(FarmControl& control, MetricRegistry& metrics)
    : control_(control),
      left_(metrics.AddGauge({.name = "strata_drain_contents_left",
                              .help = "Contents that only engines have that are drained."})),
      copies_(metrics.AddCounter({.name = "strata_drain_copies_total",
                                  .help = "Contents that were copied from engines that are "
                                          "drained."})),
      failures_(metrics.AddCounter({.name = "strata_drain_failures_total",
                                    .help = "Attempts to copy a content from an engine that is "
                                            "drained that failed."})) {}

StatusOr<DrainDesk::Work> DrainDesk::Exchange(const DrainPlan::Target& engine,
                                              const std::vector<Prepared>& prepared,
                                              const std::vector<Copied>& copied) {
  absl::MutexLock lock(&mutex_);
  if (!Leads()) return Unavailable("this manager does not lead its farm at the moment");
  const Timestamp now = multicast::Now();
  for (const Prepared& one : prepared) {
    if (one.problem.empty()) {
      plan_.OnPrepared(engine.engine, one.key, one.original);
    } else {
      failures_.Add();
      Log().Warning("a content cannot be copied from an engine that is drained",
                    {{"key", ToString(one.key)}, {"error", one.problem}});
      plan_.OnNotPrepared(engine.engine, one.key, one.problem, now);
    }
  }
  for (const Copied& one : copied) {
    const auto source = plan_.OnCopied(engine.engine, one.key, one.problem, now);
    if (!source) continue;
    if (one.problem.empty()) {
      copies_.Add();
      ++drains_[*source].copied;
      continue;
    }
    failures_.Add();
    Log().Warning("a content was not copied from an engine that is drained",
                  {{"key", ToString(one.key)}, {"error", one.problem}});
  }
  Look();
  Work work;
  work.copies = plan_.TakeOrders(engine, now);
  work.prepare = plan_.TakePreparations(engine.engine, now);
  return work;
}

std::optional<DrainDesk::Report> DrainDesk::Find(farm::EngineId engine) {
  absl::MutexLock lock(&mutex_);
  if (!Leads()) return std::nullopt;
  Look();
  const auto drain = drains_.find(engine);
  if (drain == drains_.end()) return std::nullopt;
  const Timestamp now = multicast::Now();
  Report report;
  report.progress = plan_.ProgressOf(engine, now);
  report.copied = drain->second.copied;
  report.safe =
      drain->second.quiet_since != Timestamp::Never() && now - drain->second.quiet_since >= kQuiet;
  return report;
}

void DrainDesk::LookNow() {
  absl::MutexLock lock(&mutex_);
  if (!Leads()) return;
  look_at_ = Timestamp();
  Look();
}

// Who leads again begins anew: others may have done something meanwhile.
bool DrainDesk::Leads() {
  if (control_.leads()) return true;
  plan_ = DrainPlan();
  drains_.clear();
  look_at_ = Timestamp();
  left_.Set(0);
  return false;
}

// ---- What is left.

void DrainDesk::Look() {
  const Timestamp now = multicast::Now();
  if (now < look_at_) return;
  std::vector<farm::EngineId> draining;
  std::vector<farm::EngineId> away;
  control_.member().Read([&](const farm::TableReplica& replica) {
    for (const auto& [id, row] : replica.table().rows()) {
      if (row.draining) draining.push_back(id);
      if (!row.in_view) away.push_back(id);
    }
  });
  for (const farm::EngineId engine : away) plan_.OnAway(engine);
  for (const farm::EngineId engine : plan_.sources()) {
    if (std::find(draining.begin(), draining.end(), engine) != draining.end()) continue;
    plan_.Forget(engine);
    drains_.erase(engine);
  }
  uint64_t left = 0;
  for (const farm::EngineId engine : draining) {
    SurveyEngine(engine, now);
    Judge(engine, now);
    left += plan_.ProgressOf(engine, now).contents_left;
  }
  left_.Set(static_cast<double>(left));
  const Timestamp end = multicast::Now();
  look_at_ = end + std::max(kLookEvery, (end - now) * kRestAfterLook);
}

// All copies of an engine that would be lost if nobody else had them, and expired ones.
std::vector<DrainPlan::Sole> DrainDesk::CandidatesOf(farm::EngineId engine) const {
  std::vector<DrainPlan::Sole> candidates;
  std::vector<DrainPlan::Sole> cached;
  farm::SiteTable sites;
  control_.member().Read([&](const farm::TableReplica& replica) {
    sites = replica.ledger().sites();
    const auto& all = sites.sites();
    // What came from an origin comes from there again; most farms have no site without one.
    const bool orphans = std::any_of(all.begin(), all.end(),
                                     [](const auto& site) { return site.second.origins.empty(); });
    // All at once, so nothing is looked up here.
    replica.table().VisitCopies(engine, [&](const farm::ContentKey& key, const farm::Asset& asset) {
      if (!asset.complete) return;
      if (asset.kind == farm::AssetKind::kLibrary) candidates.push_back({key, asset.size});
      if (asset.kind == farm::AssetKind::kCache && orphans) cached.push_back({key, asset.size});
    });
  });
  for (const DrainPlan::Sole& copy : cached) {
    if (IsOrphan(copy.key, sites)) candidates.push_back(copy);
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
  return candidates;
}

bool DrainDesk::IsOrphan(const farm::ContentKey& key, const farm::SiteTable& sites) const {
  const StatusOr<std::optional<std::string>> uri = control_.store().FindUri(key);
  if (!uri.ok() || !*uri) return false;
  const StatusOr<farm::UriParts> parts = farm::SplitUri(**uri);
  if (!parts.ok()) return false;
  for (const auto& [name, site] : sites.sites()) {
    if (site.hosts.front() == parts->host) return site.origins.empty();
  }
  return false;
}

void DrainDesk::SurveyEngine(farm::EngineId engine, Timestamp now) {
  const std::vector<DrainPlan::Sole> candidates = CandidatesOf(engine);
  std::vector<DrainPlan::Sole> sole;
  for (size_t at = 0; at < candidates.size(); at += kKeysPerRead) {
    const size_t end = std::min(candidates.size(), at + kKeysPerRead);
    control_.member().Read([&](const farm::TableReplica& replica) {
      for (size_t i = at; i < end; ++i) {
        const farm::StateTable& table = replica.table();
        const farm::Asset* own = table.FindAsset(engine, candidates[i].key);
        if (own == nullptr || table.ExpiryOf(engine, candidates[i].key) <= now) continue;
        if (HeldElsewhere(table, candidates[i].key, engine, own->kind, now)) continue;
        sole.push_back(candidates[i]);
      }
    });
  }
  plan_.SetSole(engine, std::move(sole), now);
}

// ---- May it be switched off?

void DrainDesk::Judge(farm::EngineId engine, Timestamp now) {
  std::string name;
  bool busy = true;
  control_.member().Read([&](const farm::TableReplica& replica) {
    const farm::Row* row = replica.table().Find(engine);
    if (row == nullptr) return;
    name = row->engine.name;
    const bool fresh = replica.table().StatusOf(*row, now) != farm::EngineStatus::kDown &&
                       now - row->load_at < std::chrono::seconds(5);
    // Who is off already serves nobody.
    busy = row->telling || (row->in_view && (!fresh || row->load.active_requests != 0));
  });
  if (name.empty()) return;
  Drain& drain = drains_[engine];
  const DrainPlan::Progress progress = plan_.ProgressOf(engine, now);
  if (busy || progress.contents_left != 0) {
    drain.quiet_since = Timestamp::Never();
  } else if (drain.quiet_since == Timestamp::Never()) {
    drain.quiet_since = now;
  }
  const bool safe = drain.quiet_since != Timestamp::Never() && now - drain.quiet_since >= kQuiet;
  Tell(name, drain, safe, progress);
}

void DrainDesk::Tell(const std::string& name, Drain& drain, bool safe,
                     const DrainPlan::Progress& progress) {
  if (safe && !std::exchange(drain.told_safe, true)) {
    control_.events().Add("engine", name + " is drained: it is safe to switch it off");
  }
  if (progress.contents_left != 0) drain.told_safe = false;
  // When it begins, nobody has asked for work yet.
  const bool stuck = progress.failing != 0 && progress.in_flight == 0;
  if (!stuck) drain.stuck_since = Timestamp::Never();
  if (stuck && drain.stuck_since == Timestamp::Never()) drain.stuck_since = multicast::Now();
  const bool tell = stuck && multicast::Now() - drain.stuck_since >= kStuck;
  if (tell && !drain.told_stuck && !progress.problems.empty()) {
    control_.events().Add("engine", Counted(progress.failing, "content") + " that only " + name +
                                        " has cannot be copied: " + progress.problems.front().text);
  }
  drain.told_stuck = tell;
}

}  // namespace strata::manager::control
