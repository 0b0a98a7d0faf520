#include "service_manager/site_flow/farm_side.h"

#include <chrono>
#include <utility>
#include <variant>
#include <vector>

#include "farm/table_replica.h"
#include "multicast/driver/clock.h"
#include "service_manager/site_flow/limits.h"

namespace strata::manager::site_flow {
namespace {

constexpr Duration kTellLimit = std::chrono::seconds(10);

}  // namespace

FarmSide::~FarmSide() { Stop(); }

void FarmSide::Start(std::function<void(const std::string& site)> changed) {
  changed_ = std::move(changed);
  looks_ = std::make_unique<control::WorkQueue>(kEnginesLookEvery, [this] { LookAtEngines(); });
  control_.Observe([this](const farm::Message* message) {
    if (message != nullptr) {
      OnMessage(*message);
    } else {
      looks_->Post([this] { LookAtEngines(); });
    }
  });
  looks_->Post([this] { LookAtEngines(); });
}

void FarmSide::Stop() {
  if (looks_ == nullptr) return;
  control_.Observe(nullptr);
  looks_->Stop();
  looks_.reset();
}

// ---- From the engines.

void FarmSide::OnMessage(const farm::Message& message) {
  std::string site;
  {
    absl::MutexLock lock(&mutex_);
    if (const auto* purge = std::get_if<farm::PurgeApplied>(&message)) {
      site = purge->site;
      progress_.OnPurged(purge->engine, site, purge->position, purge->problem);
    } else if (const auto* taken = std::get_if<farm::SiteTaken>(&message)) {
      site = taken->site;
      progress_.OnSite(taken->engine, site, taken->version, taken->problem);
    } else if (const auto* removed = std::get_if<farm::SiteRemoved>(&message)) {
      progress_.OnRemoved(removed->site);
    }
  }
  if (!site.empty()) changed_(site);
  if (std::holds_alternative<farm::EngineRegistered>(message) ||
      std::holds_alternative<farm::EngineRemoved>(message)) {
    looks_->Post([this] { LookAtEngines(); });
  }
}

void FarmSide::LookAtEngines() {
  std::vector<sites::EngineProgress::Engine> engines;
  States states;
  control_.member().Read([&](const farm::TableReplica& replica) {
    for (const auto& [id, row] : replica.table().rows()) {
      engines.push_back({.id = id, .name = row.engine.name, .away = !row.in_view});
    }
    for (const auto& [name, site] : replica.ledger().sites().sites()) {
      states[name] = {.home = "",
                      .version = site.version,
                      .position = replica.ledger().FindLog(name)->position};
    }
  });
  for (sites::EngineProgress::Engine& engine : engines) {
    engine.closed = engine.away && control_.AwayFor(engine.id) >= kCloses;
  }
  const bool assumed = AssumeOf(engines, states);
  {
    absl::MutexLock lock(&mutex_);
    if (engines == engines_ && !assumed) return;
    engines_ = engines;
    progress_.SetEngines(std::move(engines));
  }
  changed_("");
}

bool FarmSide::AssumeOf(const std::vector<sites::EngineProgress::Engine>& engines,
                        const States& states) {
  const Timestamp now = multicast::Now();
  const bool in_touch = control_.member().InTouch();
  std::shared_ptr<const States> shared;
  bool assumed = false;
  for (const sites::EngineProgress::Engine& engine : engines) {
    if (engine.away || !in_touch) {
      present_.erase(engine.id);
      continue;
    }
    const auto [it, came] = present_.try_emplace(engine.id);
    Present& present = it->second;
    if (came) {
      if (shared == nullptr) shared = std::make_shared<const States>(states);
      present = {.since = now, .states = shared};
    }
    if (present.states == nullptr || now - present.since < kSettles) continue;
    absl::MutexLock lock(&mutex_);
    for (const auto& [site, state] : *present.states) {
      progress_.Assume(engine.id, site, state.version, state.position);
    }
    present.states = nullptr;
    assumed = true;
  }
  return assumed;
}

void FarmSide::Fill(sites::SiteRow& row) const {
  absl::MutexLock lock(&mutex_);
  progress_.Fill(row);
}

// ---- To the engines.

void FarmSide::OnSite(const std::string&) { control_.Tell(); }

void FarmSide::OnSiteRemoved(const std::string& site) {
  if (!control_.member().SendAndWait(farm::SiteRemoved{site}, kTellLimit).ok()) control_.Tell();
}

void FarmSide::OnPurged(const farm::Purged& entry) {
  if (!control_.member().Send(entry).ok()) control_.Tell();
}

}  // namespace strata::manager::site_flow
