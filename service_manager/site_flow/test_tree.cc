#include "service_manager/site_flow/test_tree.h"

#include <grpcpp/server_builder.h>

#include <chrono>
#include <utility>

#include "common/check.h"
#include "common/tls/grpc_credentials.h"

namespace strata::manager::site_flow::testing {
namespace {

constexpr Duration kWait = std::chrono::seconds(5);

}  // namespace

void FakeFarm::SetState(FlowState* state) {
  absl::MutexLock lock(&mutex_);
  state_ = state;
  std::vector<sites::EngineProgress::Engine> engines;
  for (uint32_t i = 1; i <= engines_; ++i) {
    engines.push_back({.id = farm::EngineId(i), .name = "e" + std::to_string(i)});
  }
  progress_.SetEngines(std::move(engines));
}

void FakeFarm::SetHeld(bool held) {
  std::vector<farm::Purged> entries;
  FlowState* state = nullptr;
  {
    absl::MutexLock lock(&mutex_);
    held_ = held;
    if (held) return;
    for (const farm::Purged& entry : purged_) Apply(entry);
    state = state_;
  }
  if (state != nullptr) state->OnEngines("");
}

void FakeFarm::SetProblem(const std::string& problem) {
  absl::MutexLock lock(&mutex_);
  problem_ = problem;
}

std::vector<farm::Purged> FakeFarm::purged() const {
  absl::MutexLock lock(&mutex_);
  return purged_;
}

std::vector<std::string> FakeFarm::removed() const {
  absl::MutexLock lock(&mutex_);
  return removed_;
}

void FakeFarm::Apply(const farm::Purged& entry) {
  for (uint32_t i = 1; i <= engines_; ++i) {
    progress_.OnPurged(farm::EngineId(i), entry.site, entry.position, i == 1 ? problem_ : "");
  }
}

void FakeFarm::OnSite(const std::string& site) {
  FlowState* state = nullptr;
  {
    absl::MutexLock lock(&mutex_);
    state = state_;
  }
  if (state == nullptr) return;
  const auto version = state->desk().Find(site, 0);
  if (!version.ok()) return;
  {
    absl::MutexLock lock(&mutex_);
    for (uint32_t i = 1; i <= engines_; ++i) {
      progress_.OnSite(farm::EngineId(i), site, version->site.version, "");
    }
  }
  state->OnEngines(site);
}

void FakeFarm::OnSiteRemoved(const std::string& site) {
  absl::MutexLock lock(&mutex_);
  removed_.push_back(site);
  progress_.OnRemoved(site);
}

void FakeFarm::OnPurged(const farm::Purged& entry) {
  FlowState* state = nullptr;
  {
    absl::MutexLock lock(&mutex_);
    purged_.push_back(entry);
    if (held_) return;
    Apply(entry);
    state = state_;
  }
  if (state != nullptr) state->OnEngines(entry.site);
}

void FakeFarm::Fill(sites::SiteRow& row) const {
  absl::MutexLock lock(&mutex_);
  progress_.Fill(row);
}

TestManager::TestManager(tls::TestAuthority& authority, const federation::ScopeLevel& own,
                         const std::string& folder, std::vector<std::string> parents,
                         uint64_t epoch)
    : own_(own),
      paths_(authority.Issue("strata://" + own.scope + "/manager/m")),
      tls_(*tls::TlsStore::Open(paths_)),
      store_(*store::RocksStore::Open({.folder = folder})),
      desk_(*control::SiteDesk::Open(*store_)),
      journal_(*store_),
      audit_(*store_),
      guard_(tls_, own.scope, audit_, metrics_, own.level == federation::kLevelMax) {
  const bool is_farm = own.level == federation::kLevelMin;
  FlowState::Options options;
  options.own = own;
  options.farm = is_farm ? &farm_ : nullptr;
  state_ = std::make_unique<FlowState>(std::move(options), *desk_, journal_);
  farm_.SetState(state_.get());
  state_->Lead();
  // Engines that went on meanwhile say so when their manager comes back.
  for (const control::SiteVersion& version : desk_->sites()) {
    if (!is_farm) break;
    farm_.OnSite(version.site.name);
    farm_.OnPurged({version.site.name, *journal_.Last(version.site.name), {}});
  }
  const auto to_parents = [parents] { return parents; };
  PurgeOrders::Options orders;
  orders.parents = to_parents;
  orders.wait = kWait;
  orders_ = std::make_unique<PurgeOrders>(std::move(orders), *state_, tls_);
  service_ = std::make_unique<FlowService>(
      [this] {
        absl::MutexLock lock(&mutex_);
        return leads_;
      },
      *state_, *orders_, guard_, metrics_);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", tls::MakeServerCredentials(tls_), &port);
  service_->AddTo(builder);
  server_ = builder.BuildAndStart();
  STRATA_CHECK(server_ != nullptr);
  endpoint_ = {IpAddress::V4(127, 0, 0, 1), static_cast<uint16_t>(port)};
  link_ = std::make_unique<FlowLink>(FlowLink::Options{.parents = to_parents, .epoch = epoch},
                                     *state_, tls_);
  if (!parents.empty()) link_->Start();
}

TestManager::~TestManager() {
  link_->Stop();
  service_->Stop();
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  server_->Wait();
  farm_.SetState(nullptr);
}

void TestManager::StopLeading(const std::string& leader) {
  const Status why = Unavailable("%s leads", leader.c_str());
  {
    absl::MutexLock lock(&mutex_);
    leads_ = why;
  }
  link_->Stop();
  service_->EndAll(why);
}

double TestManager::refused() const {
  for (const MetricSample& sample : metrics_.Samples()) {
    if (sample.name == "strata_site_flow_refused_total") return sample.value;
  }
  return -1;
}

}  // namespace strata::manager::site_flow::testing
