#include "service_engine/app/engine.h"

#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "absl/time/time.h"
#include "common/log.h"
#include "common/system_random.h"
#include "farm/member/group_place.h"
#include "multicast/driver/state_file.h"

namespace strata::engine::app {
namespace {

constexpr Duration kTick = std::chrono::seconds(1);
constexpr Duration kJoinPoll = std::chrono::milliseconds(50);
constexpr int kPollsPerRenewal = 20;
constexpr Duration kProbeEvery = std::chrono::seconds(2);
constexpr size_t kInstanceBytes = 16;
constexpr char kPositionsFile[] = "/purge_positions";
constexpr char kStateFile[] = "/group_state";
// Until the farm knows that this engine ends, and until the last clients that were sent here before
// have come: all of an end is to take less than 5 s.
constexpr Duration kGoodbyeLimit = std::chrono::milliseconds(500);
constexpr Duration kGoodbyeLinger = std::chrono::milliseconds(150);
// With the time without others after which an engine closes its server (3 s), less than what the
// answer to a purge waits for those who are away (5 s after they left the view).
constexpr Duration kWatchdogLimit = std::chrono::milliseconds(2500);

const Logger& Log() {
  static const Logger logger("engine");
  return logger;
}

Status MakeFolder(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return Ok();
  return Unavailable("%s: %s", path.c_str(), std::strerror(errno));
}

// nginx's workers, and nobody else, may talk to the agent.
Status GiveTo(const std::string& user, const std::string& path) {
  if (user.empty()) return Ok();
  const passwd* who = getpwnam(user.c_str());
  if (who == nullptr) return NotFound("nginx.user: there is no user %s", user.c_str());
  if (chown(path.c_str(), who->pw_uid, who->pw_gid) == 0) return Ok();
  return Unavailable("give %s to %s: %s", path.c_str(), user.c_str(), std::strerror(errno));
}

// What the machine has, as the load's shares are counted.
void SetCapacity(const std::string& folder, farm::Capacity& capacity) {
  struct statvfs disk {};
  if (statvfs(folder.c_str(), &disk) == 0) capacity.storage = disk.f_blocks * disk.f_frsize;
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page_bytes = sysconf(_SC_PAGESIZE);
  if (pages > 0 && page_bytes > 0) {
    capacity.memory = static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes);
  }
}

}  // namespace

StatusOr<std::unique_ptr<Engine>> Engine::Start(const Settings& settings,
                                                std::function<void(const Status&)> on_failure) {
  auto engine = std::unique_ptr<Engine>(new Engine(settings));
  engine->on_failure_ = std::move(on_failure);
  Logger::SetLevel(settings.log_level);
  STRATA_ASSIGN_OR_RETURN(engine->tls_, tls::TlsStore::Open(settings.tls));
  const tls::Identity own = engine->tls_->Current()->own;
  if (own.role != tls::Role::kEngine) {
    return FailedPrecondition("%s: the certificate is of %s, not of an engine",
                              settings.tls.certificate.c_str(), ToString(own).c_str());
  }
  engine->settings_.info.name = own.name;
  engine->settings_.nginx.engine = own.name;
  engine->settings_.agent.self_name = own.name;
  // nginx's workers go through it to their cache.
  STRATA_RETURN_IF_ERROR(MakeFolder(settings.data_folder, 0711));
  STRATA_RETURN_IF_ERROR(MakeFolder(settings.agent.spool_folder, 0700));
  STRATA_RETURN_IF_ERROR(MakeFolder(settings.nginx.library_folder, 0755));
  SetCapacity(settings.data_folder, engine->settings_.info.capacity);
  SystemRandom random;
  while (engine->instance_.size() < kInstanceBytes) {
    engine->instance_.push_back(static_cast<uint8_t>(random.Below(256)));
  }
  engine->tls_watch_ = std::make_unique<tls::TlsWatch>(
      engine->tls_, engine->metrics_, [](const tls::TlsMaterial&, const tls::TlsMaterial&) {});
  engine->client_ = std::make_unique<rpc::ManagerClient>(settings.managers, engine->tls_);
  engine->copy_client_ = std::make_unique<rpc::ManagerClient>(settings.managers, engine->tls_);
  Engine* self = engine.get();
  STRATA_ASSIGN_OR_RETURN(engine->status_server_,
                          StatusServer::Start(settings.status_listen, engine->metrics_,
                                              [self] { return self->Health(); }));
  engine->thread_ = std::thread([self] { self->Live(); });
  return engine;
}

Engine::~Engine() {
  ends_ = true;
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  // A manager that cannot be reached does not keep the process.
  if (client_ != nullptr) client_->Stop();
  if (copy_client_ != nullptr) copy_client_->Stop();
  if (thread_.joinable()) thread_.join();
  if (agent_ != nullptr) agent_->GiveUp();  // The keeper may wait for fetches to be let go.
  if (prober_.joinable()) prober_.join();
  status_server_.reset();
  link_.reset();
  copier_.reset();
  std::unique_ptr<ContentKeeper> keeper;
  std::unique_ptr<InventoryTeller> teller;
  {
    absl::MutexLock lock(&mutex_);
    keeper = std::move(keeper_);
    teller = std::move(teller_);
  }
  keeper.reset();
  SayGoodbye();
  if (adapter_ != nullptr) adapter_->Stop();
  if (finder_ != nullptr)
    finder_->Stop();  // Misses that wait for it go on while the agent is there.
  if (agent_ != nullptr) agent_->Stop();
  teller.reset();
  if (member_ != nullptr) member_->Leave();
}

// Nobody sends clients here any more before the server stops listening; without it the others would
// go on until they miss this engine.
void Engine::SayGoodbye() {
  if (adapter_ == nullptr || !member_->joined()) return;
  const farm::HealthChanged down{registration_.id, farm::Health::kDown, "it was told to end"};
  const Status told = member_->SendAndWait(down, kGoodbyeLimit);
  if (!told.ok()) {
    Log().Warning("the others were not told that this engine ends", {{"error", MessageOf(told)}});
    return;
  }
  // Those who were sent here just before are on their way.
  std::this_thread::sleep_for(kGoodbyeLinger);
}

Status Engine::Reload() {
  // What is wrong with one keeps the other from nothing.
  const Status certificates = tls_watch_->Reload();
  const Status file = ReloadSettings();
  if (certificates.ok()) return file;
  if (file.ok()) return certificates;
  return MakeStatus(certificates.code(), MessageOf(certificates) + "; " + MessageOf(file));
}

Status Engine::ReloadSettings() {
  STRATA_ASSIGN_OR_RETURN(const Settings now, LoadEngineSettings(started_with_.path));
  for (const std::string& change : ChangesAtRestart(started_with_, now)) {
    Log().Warning("a setting has changed that needs a restart", {{"key", change}});
  }
  serve_alone_ = now.serve_alone;
  {
    absl::MutexLock lock(&mutex_);
    if (keeper_ != nullptr) {
      keeper_->SetServeAlone(serve_alone_);
      keeper_->Wake();
    }
  }
  Log().Info("settings read again", {{"serve_alone", now.serve_alone}});
  Logger::SetLevel(now.log_level);
  return Ok();
}

// ---- The group's thread.

farm::EngineId Engine::Self() const {
  absl::MutexLock lock(&mutex_);
  return registration_.id;
}

void Engine::OnMessage(const farm::Message& message, farm::EngineId) {
  if (const auto* asked = std::get_if<farm::DigestAsked>(&message)) {
    farm::DigestTold told{Self(), asked->number, {}};
    member_->Read([&told](const farm::TableReplica& replica) { told.digest = replica.digest(); });
    (void)member_->Send(told);
    return;
  }
  const auto* probed = std::get_if<farm::Probed>(&message);
  const bool ledger = std::holds_alternative<farm::SiteApplied>(message) ||
                      std::holds_alternative<farm::SiteRemoved>(message) ||
                      std::holds_alternative<farm::Purged>(message);
  if (!ledger && probed == nullptr) return;
  absl::MutexLock lock(&mutex_);
  if (keeper_ == nullptr) return;
  if (const auto* removed = std::get_if<farm::SiteRemoved>(&message)) {
    keeper_->OnSiteRemoved(removed->site);
  }
  if (ledger) keeper_->Wake();
  if (probed != nullptr && probed->engine == registration_.id) {
    adapter_->OnPeerProbe(probed->problem);
  }
}

void Engine::OnView(const multicast::View&, bool joined) {
  absl::MutexLock lock(&mutex_);
  ready_ = joined;
  if (keeper_ != nullptr) keeper_->Wake();
  if (teller_ != nullptr && !joined) teller_->TellAll();
}

void Engine::OnState() {
  absl::MutexLock lock(&mutex_);
  if (keeper_ != nullptr) keeper_->Wake();
  if (teller_ != nullptr) teller_->TellAll();
}

// ---- The engine's thread.

void Engine::Live() {
  Status status = Register();
  if (status.ok()) status = JoinFarm();
  if (status.ok()) status = StartServer();
  if (!status.ok()) {
    if (!ends_) Fail(status);  // What waited for something then is no failure.
    return;
  }
  while (Sleep(kTick)) Tick();
}

Status Engine::Register() {
  // The keeper tells by itself what is wrong with the file.
  const StatusOr<PurgePositions> positions =
      PurgePositions::Open(settings_.data_folder + kPositionsFile);
  const auto purged = positions.ok() ? positions->all() : std::map<std::string, uint64_t>();
  FarmEntry::Farm farm;
  farm.register_there = [&] {
    // Who votes there already is to be heard. The next one comes soon.
    if (member_ != nullptr) (void)member_->Send(farm::Present{});
    return client_->Register(settings_.info, instance_, purged);
  };
  farm.find_place = [this] { return FindPlace(); };
  farm.take_place = [this](const rpc::Registration& place) { return TakePlace(place); };
  farm.view = [this] { return member_ == nullptr ? 0 : member_->view().number; };
  farm.sleep = [this](Duration time) { return Sleep(time); };
  STRATA_ASSIGN_OR_RETURN(const rpc::Registration registered, FarmEntry(std::move(farm)).Enter());
  STRATA_RETURN_IF_ERROR(TakePlace(registered));
  settings_.info.id = registered.id;
  Log().Info("registered", {{"name", settings_.info.name},
                            {"id", registered.id.value()},
                            {"registration", registered.number},
                            {"scope", registered.scope}});
  return Ok();
}

StatusOr<rpc::Registration> Engine::FindPlace() {
  STRATA_ASSIGN_OR_RETURN(const std::optional<multicast::StateFile::Owner> owner,
                          multicast::StateFile::OwnerOf(settings_.data_folder + kStateFile));
  // Who has forgotten what it promised waits until somebody leads.
  if (!owner) return NotFound("this engine was in no group, or its disk is new");
  return client_->FindPlace(farm::EngineId(owner->member.value()), owner->group.value());
}

Status Engine::TakePlace(const rpc::Registration& place) {
  const bool registered = place.number != 0;
  if (member_ == nullptr) {
    absl::MutexLock lock(&mutex_);  // Callbacks wait until the member is here.
    registration_ = place;
    phase_ =
        registered ? "joining the farm's group" : "in the group, until somebody leads the farm";
    STRATA_ASSIGN_OR_RETURN(member_,
                            farm::FarmMember::Join(GroupOptionsOf(place), {}, *this, metrics_));
    return Ok();
  }
  if (place.id != registration_.id || place.group.group_id != registration_.group.group_id) {
    return FailedPrecondition(
        "the farm has another group now, or this engine another number in it: start it again");
  }
  STRATA_RETURN_IF_ERROR(member_->UseKeys(place.group.keys));
  absl::MutexLock lock(&mutex_);
  registration_ = place;
  if (registered) phase_ = "joining the farm's group";
  return Ok();
}

multicast::GroupOptions Engine::GroupOptionsOf(const rpc::Registration& place) const {
  multicast::GroupOptions options;
  options.member = multicast::MemberId(place.id.value());
  options.role = multicast::Role::kEngine;
  options.light = settings_.light;
  options.sockets = settings_.sockets;
  farm::SetPlace(place.group, options);
  options.state_file = settings_.data_folder + kStateFile;
  // A manager that was restored founds another one.
  options.may_change_group = place.number != 0;
  return options;
}

Status Engine::JoinFarm() {
  for (int polls = 0;;) {
    {
      absl::MutexLock lock(&mutex_);
      if (ready_) return Ok();
    }
    if (!Sleep(kJoinPoll)) return Unavailable("ended while it joined the farm's group");
    if (++polls % kPollsPerRenewal != 0) continue;
    // The group's key may have changed since.
    const StatusOr<rpc::Renewal> renewal = client_->Renew(instance_, registration_.number);
    if (renewal.ok()) STRATA_RETURN_IF_ERROR(member_->UseKeys(renewal->keys));
    if (rpc::IsRefusal(renewal.status())) return renewal.status();
  }
}

Status Engine::StartServer() {
  {
    absl::MutexLock lock(&mutex_);
    phase_ = "starting nginx";
  }
  if (settings_.light) {
    finder_ = std::make_unique<rpc::HolderFinder>(settings_.managers, tls_,
                                                  rpc::HolderFinder::Limits(), metrics_);
  }
  const auto invalidate = [this](const farm::ContentKey& key, std::function<void()> done) {
    absl::MutexLock lock(&mutex_);
    if (keeper_ != nullptr) keeper_->Invalidate(key, std::move(done));
  };
  table_ = std::make_unique<FarmTable>(*member_, registration_.weights, finder_.get(), invalidate,
                                       metrics_);
  settings_.agent.self = registration_.id;
  settings_.agent.loop_token = "strata-" + std::to_string(registration_.group.group_id);
  STRATA_ASSIGN_OR_RETURN(agent_, transfer::AgentServer::Start(settings_.agent, *table_, metrics_));
  STRATA_RETURN_IF_ERROR(GiveTo(settings_.nginx.user, settings_.agent.socket_path));
  STRATA_ASSIGN_OR_RETURN(PurgePositions positions,
                          PurgePositions::Open(settings_.data_folder + kPositionsFile));
  std::vector<farm::Site> sites;
  member_->Read([&sites](const farm::TableReplica& replica) {
    for (const auto& [name, site] : replica.ledger().sites().sites()) sites.push_back(site);
  });
  settings_.nginx.closed = true;
  NginxAdapterCallbacks callbacks;
  const auto changed = [this] {
    absl::MutexLock lock(&mutex_);
    if (teller_ != nullptr) teller_->OnChanges();
  };
  callbacks.on_changes = changed;
  callbacks.on_scan_complete = changed;
  callbacks.on_requests = [](std::span<const FinishedRequest>) {};
  callbacks.on_death = [](const std::string& why) {
    Log().Error("nginx died and is started again", {{"why", why}});
  };
  callbacks.ending = [this] { return ends_.load(); };
  STRATA_ASSIGN_OR_RETURN(
      adapter_, NginxAdapter::Start(settings_.nginx, sites, std::move(callbacks), metrics_));
  absl::MutexLock lock(&mutex_);
  teller_ = std::make_unique<InventoryTeller>(*member_, *adapter_, registration_.id,
                                              registration_.number);
  ContentKeeper::Options options;
  options.self = registration_.id;
  options.serve_alone = serve_alone_;
  options.watchdog = kWatchdogLimit;
  keeper_ = std::make_unique<ContentKeeper>(options, *member_, *adapter_, *agent_,
                                            std::move(positions), sites, metrics_);
  link_ =
      std::make_unique<ManagerLink>(*client_, *member_, *teller_, *table_, instance_,
                                    registration_.number, [this](const Status& why) { Fail(why); });
  StartCopier();
  prober_ = std::thread([this] { ProbeLoop(); });
  phase_.clear();
  return Ok();
}

void Engine::StartCopier() {
  Copier::Options options;
  options.self = registration_.id;
  options.own_peers = settings_.nginx.peers;
  options.library_folder = settings_.nginx.library_folder;
  options.bytes_per_second = settings_.copy_bytes_per_second;
  copier_ = std::make_unique<Copier>(
      options, *member_, *adapter_, *keeper_,
      [this](const rpc::CopyReport& report) {
        copy_client_->Learn(client_->named());
        return copy_client_->ExchangeCopies(report);
      },
      metrics_);
}

void Engine::Tick() {
  member_->RefreshMetrics();
  if (finder_ != nullptr) finder_->Learn(client_->named());
  TellHealth();
  TellLoad();
}

void Engine::TellHealth() {
  HealthJudge::Verdict verdict = adapter_->Judge();
  {
    absl::MutexLock lock(&mutex_);
    if (!keeper_->open()) {
      verdict.health = farm::Health::kDown;
      verdict.reason = keeper_->why_closed().substr(0, farm::kMaxReason);
    }
  }
  bool told = true;
  member_->Read([&](const farm::TableReplica& replica) {
    const farm::Row* row = replica.table().Find(registration_.id);
    told = row == nullptr || (row->health == verdict.health && row->reason == verdict.reason);
  });
  if (told) return;
  // What is not told now is told with the next tick.
  (void)member_->Send(farm::HealthChanged{registration_.id, verdict.health, verdict.reason});
}

void Engine::TellLoad() {
  std::optional<farm::Load> load = meter_.Take(adapter_->Sample());
  bool open = false;
  {
    absl::MutexLock lock(&mutex_);
    open = keeper_->open();
  }
  if (load && open) {
    (void)member_->Send(farm::LoadReport{registration_.id, registration_.number, *load});
  } else {
    (void)member_->Send(farm::Present{});
  }
}

std::optional<farm::EngineInfo> Engine::NextOne() const {
  std::optional<farm::EngineInfo> first;
  std::optional<farm::EngineInfo> next;
  member_->Read([&](const farm::TableReplica& replica) {
    for (const auto& [id, row] : replica.table().rows()) {
      if (id == registration_.id || !row.in_view || row.engine.clients.empty()) continue;
      if (!first) first = row.engine;
      if (!next && id > registration_.id) next = row.engine;
    }
  });
  return next ? next : first;
}

void Engine::ProbeLoop() {
  while (Sleep(kProbeEvery)) {
    const std::optional<farm::EngineInfo> other = NextOne();
    if (!other) continue;
    const Status probe = adapter_->PeerProbe(other->clients.front());
    const std::string problem =
        probe.ok() ? "" : "seen from " + settings_.info.name + ": " + MessageOf(probe);
    (void)member_->Send(farm::Probed{other->id, problem.substr(0, farm::kMaxReason)});
  }
}

bool Engine::Sleep(Duration time) {
  absl::MutexLock lock(&mutex_);
  return !mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::FromChrono(time));
}

void Engine::Fail(const Status& status) {
  if (!failed_.exchange(true)) on_failure_(status);
}

Status Engine::Health() const {
  absl::MutexLock lock(&mutex_);
  if (!phase_.empty()) return Unavailable("%s", phase_.c_str());
  if (keeper_ != nullptr && !keeper_->open()) {
    return Unavailable("not serving: %s", keeper_->why_closed().c_str());
  }
  const HealthJudge::Verdict verdict = adapter_->Judge();
  if (verdict.health == farm::Health::kDown) return Unavailable("%s", verdict.reason.c_str());
  return Ok();
}

}  // namespace strata::engine::app
