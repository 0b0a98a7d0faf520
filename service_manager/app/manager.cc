#include "service_manager/app/manager.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "common/log.h"
#include "common/settings/settings_change.h"
#include "multicast/driver/clock.h"
#include "service_manager/routing/routing_snapshot.h"
#include "service_manager/store/load_index.h"

namespace strata::manager::app {
namespace {

// How old what the front end knows of engines may be. Copies it knows at once.
constexpr std::chrono::milliseconds kPublishEvery(50);
// A manager that is out of the group sees no engine in it. When it was cut off, and comes back,
// that is for a moment, and what it knew before is better.
constexpr std::chrono::seconds kKnewBetterFor(5);
// How long an order waits for the other managers to have it on their disks. A dead one leaves the
// farm's group sooner.
constexpr std::chrono::seconds kMirrorWait(5);
constexpr std::chrono::milliseconds kEntryLook(200);
// How long a manager that is told to end waits for a backup to lead in its place, and then for the
// floating addresses to be there. Both take milliseconds, and it ends in any case.
constexpr std::chrono::seconds kHandOverWithin(2);
constexpr std::chrono::seconds kDropWithin(1);

const Logger& Log() {
  static const Logger logger("manager");
  return logger;
}

std::string Joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

}  // namespace

Manager::Manager(const Settings& settings)
    : settings_(settings),
      reloads_(metrics_.AddCounter({.name = "strata_manager_reloads_total",
                                    .help = "Times that settings and certificates were read "
                                            "again."})),
      reloads_refused_(metrics_.AddCounter(
          {.name = "strata_manager_reloads_refused_total",
           .help = "Of the times that settings and certificates were read again, "
                   "those where something was wrong."})) {}

StatusOr<std::unique_ptr<Manager>> Manager::Start(const Settings& settings, Program::Fail fail) {
  Logger::SetLevel(settings.log_level);
  auto manager = std::unique_ptr<Manager>(new Manager(settings));
  STRATA_ASSIGN_OR_RETURN(manager->tls_, tls::TlsStore::Open(settings.tls));
  const tls::Identity own = manager->tls_->Current()->own;
  if (own.role != tls::Role::kManager) {
    return FailedPrecondition("%s: the certificate is of %s, not of a manager",
                              settings.tls.certificate.c_str(), ToString(own).c_str());
  }
  STRATA_RETURN_IF_ERROR(manager->OpenStore());
  STRATA_RETURN_IF_ERROR(manager->StartMirror());
  STRATA_ASSIGN_OR_RETURN(const bool known, control::Registrar::IsOfAFarm(*manager->mirrored_));
  if (known || settings.backup_of.empty()) {
    STRATA_RETURN_IF_ERROR(manager->StartFarm());
    STRATA_RETURN_IF_ERROR(manager->StartServers());
  }
  Manager* self = manager.get();
  manager->tls_watch_ = std::make_unique<tls::TlsWatch>(
      manager->tls_, manager->metrics_,
      [self](const tls::TlsMaterial& before, const tls::TlsMaterial& now) {
        self->OnCertificates(before, now);
      });
  STRATA_ASSIGN_OR_RETURN(manager->status_server_,
                          StatusServer::Start(settings.status_listen, manager->metrics_,
                                              [self] { return self->Health(); }));
  if (!manager->started_) {
    manager->entry_ = std::thread([self, fail = std::move(fail)] { self->EnterFarm(fail); });
  }
  return manager;
}

void Manager::EnterFarm(const Program::Fail& fail) {
  Log().Info("waits for a manager that leads", {{"backup_of", Joined(settings_.backup_of)}});
  follower_->Enable(true);
  while (!follower_->WaitInStep(kEntryLook).ok()) {
    if (stop_) return;
  }
  Status started = StartFarm();
  if (started.ok() && !stop_) started = StartServers();
  if (!started.ok()) fail(started);
}

Manager::~Manager() {
  HandOver();
  stop_ = true;
  tls_watch_.reset();
  if (entry_.joinable()) entry_.join();
  if (follower_ != nullptr)
    follower_->Stop();  // The farm may still tell it something, until it is gone itself.
  // Nobody asks any more, then nobody is told any more, then what waits is stored.
  if (tree_ != nullptr) tree_->Stop();
  rpc_.reset();
  status_server_.reset();
  addresses_.reset();
  if (publisher_.joinable()) publisher_.join();
  if (federation_publisher_ != nullptr) control_->Observe(nullptr);
  in_publisher_ = nullptr;
  federation_publisher_.reset();
  front_end_.reset();
  in_tree_ = nullptr;
  tree_.reset();
  orders_.reset();
  drains_.reset();
  control_.reset();
}

void Manager::HandOver() {
  if (!started_) return;
  const StatusOr<std::string> heir = control_->succession().HandOver(kHandOverWithin);
  if (!heir.ok()) {
    Log().Info("ends without a hand-over", {{"why", MessageOf(heir.status())}});
    return;
  }
  const bool dropped = addresses_->AwaitDropped(kDropWithin);
  Log().Info("handed over", {{"to", *heir}, {"addresses dropped", dropped}});
}

Status Manager::OpenStore() {
  if (mkdir(settings_.data_folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return Unavailable("%s: %s", settings_.data_folder.c_str(), std::strerror(errno));
  }
  store::RocksStore::Options options;
  options.folder = settings_.data_folder + "/store";
  options.on_synced = [this] {
    if (Tree* tree = in_tree_) tree->OnSynced();
  };
  STRATA_ASSIGN_OR_RETURN(store_, store::RocksStore::Open(std::move(options)));
  index_ = std::make_unique<directory::LocationIndex>(random_, memory_);
  STRATA_ASSIGN_OR_RETURN(const store::LoadedIndex loaded, store::LoadIndex(*store_, *index_));
  STRATA_ASSIGN_OR_RETURN(mirrored_, store::MirroredStore::Open(*store_, kMirrorWait));
  if (loaded.refused != 0) {
    Log().Warning("locations beyond the index's limits", {{"refused", loaded.refused}});
  }
  return Ok();
}

Status Manager::StartMirror() {
  rpc::MirrorFollower::Options options;
  options.managers = [this] { return ManagersToFollow(); };
  STRATA_ASSIGN_OR_RETURN(options.own_address, RpcAddressOf(settings_));
  options.on_taken = [this] {
    if (control::FarmControl* farm = in_farm_) farm->OnIntentTaken();
  };
  options.on_counts = [this](const std::string& leader) {
    if (control::FarmControl* farm = in_farm_) farm->OnCounts(leader);
  };
  options.on_lead_offered = [this] {
    if (control::FarmControl* farm = in_farm_) farm->OnLeadOffered();
  };
  follower_ = std::make_unique<rpc::MirrorFollower>(std::move(options), *mirrored_, tls_);
  return Ok();
}

std::vector<std::string> Manager::ManagersToFollow() const {
  std::vector<std::string> managers;
  if (const control::FarmControl* farm = in_farm_) managers = farm->OtherManagers();
  for (const std::string& named : settings_.backup_of) {
    if (std::find(managers.begin(), managers.end(), named) == managers.end()) {
      managers.push_back(named);
    }
  }
  return managers;
}

Status Manager::StartFarm() {
  control::FarmControlOptions options;
  options.scope = tls_->Current()->own.scope;
  options.name = tls_->Current()->own.name;
  STRATA_ASSIGN_OR_RETURN(options.address, RpcAddressOf(settings_));
  options.founds = settings_.backup_of.empty();
  options.level = settings_.federation.level;
  options.follow = [this](bool follow) {
    if (follow) {
      follower_->Restart();
    } else {
      follower_->Enable(false);
    }
  };
  options.group = settings_.group;
  options.encrypted = settings_.encrypted;
  options.director = settings_.director;
  STRATA_ASSIGN_OR_RETURN(control_, control::FarmControl::Start(std::move(options), *mirrored_,
                                                                *index_, random_, metrics_));
  in_farm_ = control_.get();
  drains_ = std::make_unique<control::DrainDesk>(*control_, metrics_);
  control::Orders::Limits limits;
  limits.purge = settings_.purge_wait;
  orders_ = std::make_unique<control::Orders>(*control_, order_random_, limits);
  return Ok();
}

Status Manager::StartTree() {
  const bool exchange = settings_.federation.level == federation::kLevelMax;
  guard_ = std::make_unique<rpc::Guard>(tls_, control_->options().scope, control_->audit(),
                                        metrics_, exchange);
  Tree::Parts parts{.store = *mirrored_,
                    .index = *index_,
                    .control = *control_,
                    .orders = *orders_,
                    .guard = *guard_,
                    .tls = tls_,
                    .metrics = metrics_,
                    .purge_wait = settings_.purge_wait,
                    .front_ends = [this] { return FrontEnds(); },
                    .children_changed = [this] { OnFederationChange(); }};
  STRATA_ASSIGN_OR_RETURN(tree_, Tree::Start(settings_.federation, std::move(parts)));
  in_tree_ = tree_.get();
  return Ok();
}

Status Manager::StartFrontEnd() {
  if (settings_.front_end.listen.empty() && settings_.front_end.floating.empty()) return Ok();
  frontend::FrontEndOptions options = settings_.front_end;
  options.scope = control_->options().scope;
  if (settings_.federation.level > 1 || !settings_.federation.parents.empty()) {
    options.locate = [this](federation::LocateQuestion question, frontend::LocateDone done) {
      tree_->locator().Locate(std::move(question), std::move(done));
    };
  }
  STRATA_ASSIGN_OR_RETURN(front_end_, frontend::FrontEnd::Start(options, *index_, metrics_));
  if (settings_.federation.level == 1) {
    publisher_ = std::thread([this] { PublishLoop(); });
    return Ok();
  }
  frontend::FederationPublisherOptions publisher;
  publisher.choice = settings_.federation.choice;
  publisher.region_file = settings_.federation.regions_file;
  STRATA_ASSIGN_OR_RETURN(federation_publisher_,
                          frontend::FederationPublisher::Start(
                              std::move(publisher), FederationSources(),
                              [this](std::shared_ptr<const routing::FederationSnapshot> snapshot) {
                                front_end_->Publish(std::move(snapshot));
                              },
                              metrics_));
  in_publisher_ = federation_publisher_.get();
  control_->Observe([this](const farm::Message* message) {
    if (message == nullptr) return;
    const bool site = std::holds_alternative<farm::SiteApplied>(*message) ||
                      std::holds_alternative<farm::SiteRemoved>(*message);
    if (site) OnFederationChange();
  });
  return Ok();
}

void Manager::OnFederationChange() {
  if (frontend::FederationPublisher* publisher = in_publisher_) publisher->OnChange();
}

frontend::FederationSources Manager::FederationSources() {
  frontend::FederationSources sources;
  sources.sites = [this] { return Sites(); };
  sources.holders = [this] {
    std::vector<routing::RoutedHolder> holders;
    for (const control::HolderBook::EntryPtr& entry : tree_->holders().all()) {
      holders.push_back({entry->number, entry->name, entry->clients});
    }
    return holders;
  };
  sources.holder_changes = [this] { return tree_->holders().changes(); };
  sources.children = [this] { return tree_->children().routed_children(); };
  sources.unpurged = [this] { return tree_->Unpurged(); };
  sources.loads = [this](frontend::FederationSources::ReadLoads read) {
    tree_->children().WithLoads(read);
  };
  return sources;
}

std::vector<Endpoint> Manager::FrontEnds() const {
  if (front_end_ == nullptr) return {};
  const std::vector<Endpoint> all = front_end_->endpoints();
  std::vector<Endpoint> known;
  for (const Endpoint& endpoint : all) {
    const bool floats =
        std::find(settings_.floating.addresses.begin(), settings_.floating.addresses.end(),
                  endpoint.ip) != settings_.floating.addresses.end();
    // Floating addresses stay when another manager leads.
    if (settings_.floating.addresses.empty() ? !endpoint.ip.IsUnspecified() : floats) {
      known.push_back(endpoint);
    }
  }
  if (!known.empty()) return known;
  // On all of the machine's: then where others reach its RPC.
  const StatusOr<std::string> rpc = RpcAddressOf(settings_);
  const StatusOr<Endpoint> own = rpc.ok() ? Endpoint::Parse(*rpc) : rpc.status();
  if (own.ok() && !all.empty()) known.push_back({own->ip, all.front().port});
  return known;
}

Status Manager::StartServers() {
  STRATA_RETURN_IF_ERROR(StartTree());
  STRATA_RETURN_IF_ERROR(StartFrontEnd());
  STRATA_RETURN_IF_ERROR(StartAddresses());
  registration_ =
      std::make_unique<rpc::RegistrationService>(*control_, *drains_, *guard_, metrics_);
  administration_ =
      std::make_unique<rpc::AdministrationService>(*control_, *orders_, *drains_, *index_, *guard_);
  administration_->SetTree(tree_->purges());
  mirroring_ =
      std::make_unique<rpc::MirroringService>(*mirrored_, control_->managers(), *guard_, [this] {
        return rpc::MirroringService::Leader{control_->options().name,
                                             control_->registrar().group_id()};
      });
  STRATA_ASSIGN_OR_RETURN(
      rpc_, rpc::RpcServer::Start(settings_.rpc_listen, tls_, *registration_, *administration_,
                                  *mirroring_, tree_->services()));
  started_ = true;
  Log().Info("serving", {{"scope", control_->options().scope},
                         {"name", control_->options().name},
                         {"rpc", settings_.rpc_listen},
                         {"locations", index_->locations()}});
  return Ok();
}

Status Manager::StartAddresses() {
  address::AddressKeeper::Callbacks callbacks;
  callbacks.claim = [this, judge = address::ClaimJudge()]() mutable {
    return judge.Judge(AddressStanding());
  };
  callbacks.on_welcome = [this](address::Welcome welcome) { WelcomeClients(welcome); };
  STRATA_ASSIGN_OR_RETURN(addresses_,
                          address::AddressKeeper::Start(settings_.floating, callbacks, metrics_));
  return Ok();
}

address::Standing Manager::AddressStanding() const {
  // The others choose anew when they have heard nothing for all of it.
  const Duration within = settings_.group.core.detection_timeout * 3 / 4;
  address::Standing standing;
  standing.certain = multicast::Now() - control_->member().majority_heard() < within;
  standing.leads = control_->leads();
  const multicast::View view = control_->member().view();
  for (const multicast::MemberInfo& member : view.members) {
    standing.members.push_back(member.id.value());
  }
  if (!view.members.empty()) standing.leader = view.members.front().id.value();
  return standing;
}

void Manager::WelcomeClients(address::Welcome welcome) {
  if (front_end_ == nullptr) return;
  front_end_->SetLastRequests(welcome != address::Welcome::kOpen);
  front_end_->SetDeaf(welcome == address::Welcome::kNone);
}

bool Manager::SitesAreThere() {
  const std::vector<control::SiteVersion> stored = control_->sites().sites();
  bool all = true;
  control_->member().Read([&](const farm::TableReplica& replica) {
    for (const control::SiteVersion& version : stored) {
      all &= replica.ledger().sites().Find(version.site.name) != nullptr;
    }
  });
  return all;
}

std::shared_ptr<const routing::SitesByHost> Manager::Sites() {
  // A client who comes earlier is told to come again, not that there is no such site.
  if (sites_ == nullptr && !SitesAreThere()) return nullptr;
  control_->member().Read([this](const farm::TableReplica& replica) {
    const uint64_t changes = replica.ledger().site_changes();
    if (sites_ != nullptr && changes == sites_of_) return;
    sites_ = std::make_shared<routing::SitesByHost>(replica.ledger().sites());
    sites_of_ = changes;
  });
  return sites_;
}

void Manager::PublishLoop() {
  while (!stop_ && Sites() == nullptr) std::this_thread::sleep_for(kPublishEvery);
  Timestamp joined_at;
  while (!stop_) {
    if (control_->joined()) {
      joined_at = multicast::Now();
    } else if (multicast::Now() - joined_at < kKnewBetterFor) {
      std::this_thread::sleep_for(kPublishEvery);
      continue;
    }
    const auto sites = Sites();
    const auto director = control_->director();
    std::shared_ptr<const routing::RoutingSnapshot> snapshot;
    control_->member().Read([&](const farm::TableReplica& replica) {
      snapshot = routing::RoutingSnapshot::Of(replica.table(), sites, *director, multicast::Now());
    });
    front_end_->Publish(std::move(snapshot));
    std::this_thread::sleep_for(kPublishEvery);
  }
}

HealthReport Manager::Health() const {
  if (started_) return HealthOfFarm();
  const StatusOr<rpc::MirrorFollower::Greeting> found =
      follower_->WaitInStep(std::chrono::milliseconds(0));
  HealthReport report(found.ok() ? Unavailable("enters the farm") : found.status());
  report.facts.emplace_back("role", "waits for a manager that leads");
  report.facts.emplace_back("backup of", Joined(settings_.backup_of));
  return report;
}

HealthReport Manager::HealthOfFarm() const {
  HealthReport report(control_->Health());
  const bool joined = control_->joined();
  const multicast::View view = control_->member().view();
  report.facts.emplace_back("role", control_->leads() ? "leads the farm"
                                    : joined          ? "backup, in step"
                                                      : "not in step with the farm's group");
  const std::string leader = control_->leader();
  report.facts.emplace_back("leader", leader.empty() ? "nobody" : leader);
  if (control_->leads()) {
    const std::vector<std::string> behind = mirrored_->Behind();
    report.facts.emplace_back("backups",
                              behind.empty() ? "none is behind" : "behind: " + Joined(behind));
  }
  const bool in_touch = control_->member().InTouch();
  report.facts.emplace_back("majority of voters", in_touch ? "in reach" : "not in reach");
  report.facts.emplace_back("view", std::to_string(view.number));
  report.facts.emplace_back("members", std::to_string(view.members.size()));
  control_->member().Read([&report](const farm::TableReplica& replica) {
    report.facts.emplace_back("commit number", std::to_string(replica.commit_number()));
    report.facts.emplace_back("contents", std::to_string(replica.table().contents()));
  });
  const std::vector<std::string> differing = control_->Differing();
  report.facts.emplace_back(
      "states", differing.empty() ? "no difference found" : "another one at " + Joined(differing));
  const Status store = control_->feed().store_status();
  report.facts.emplace_back("store", store.ok() ? "ok" : MessageOf(store));
  report.facts.emplace_back("locations", std::to_string(index_->locations()));
  std::vector<std::string> endpoints;
  if (front_end_ != nullptr) {
    for (const Endpoint& endpoint : front_end_->endpoints())
      endpoints.push_back(ToString(endpoint));
  }
  report.facts.emplace_back("front end", endpoints.empty() ? "none" : Joined(endpoints));
  report.facts.emplace_back("floating addresses", addresses_->state());
  report.facts.emplace_back("calls", settings_.rpc_listen);
  for (auto& fact : tree_->Facts()) report.facts.push_back(std::move(fact));
  return report;
}

Status Manager::Reload() {
  reloads_.Add();
  const Status certificates = tls_watch_->Reload();
  const Status settings = ReloadSettings();
  if (certificates.ok() && settings.ok()) return Ok();
  reloads_refused_.Add();
  if (settings.ok()) return certificates;
  if (certificates.ok()) return settings;
  return MakeStatus(settings.code(), MessageOf(certificates) + "; " + MessageOf(settings));
}

void Manager::OnCertificates(const tls::TlsMaterial& before, const tls::TlsMaterial& now) {
  // Whose certificate is void knows the group's key: it changes, and he does not get the new one.
  if (started_ && now.revoked != before.revoked) control_->RotateKeyAtOnce();
}

Status Manager::ReloadSettings() {
  STRATA_ASSIGN_OR_RETURN(const Settings now, LoadManagerSettings(settings_.path));
  if (!started_) return FailedPrecondition("this manager has not found its farm yet");
  // What needs a restart is compared with what runs, each time.
  const SettingsChange change = CompareSettings(*settings_.file, *now.file);
  if (!change.at_restart.empty()) {
    Log().Warning("settings that need a restart differ", {{"keys", Joined(change.at_restart)}});
  }
  if (front_end_ != nullptr) {
    STRATA_RETURN_IF_ERROR(
        front_end_->SetClientLimit(now.front_end.client_rate, now.front_end.client_burst));
  }
  if (federation_publisher_ != nullptr) {
    STRATA_RETURN_IF_ERROR(
        federation_publisher_->Reload(now.federation.choice, now.federation.regions_file));
  }
  tree_->Reload(now.federation);
  control_->SetDirector(now.director);
  orders_->SetPurgeWait(now.purge_wait);
  tree_->SetPurgeWait(now.purge_wait);
  Log().Info("settings read again", {{"differ from the start", Joined(change.at_once)}});
  Logger::SetLevel(now.log_level);
  return Ok();
}

}  // namespace strata::manager::app
