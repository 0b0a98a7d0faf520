#include "service_manager/app/tree.h"

#include <algorithm>
#include <chrono>
#include <span>

#include "absl/time/time.h"
#include "common/log.h"
#include "common/tls/identity.h"
#include "farm/content_key.h"
#include "multicast/driver/clock.h"
#include "service_manager/site_flow/tree_purges.h"

namespace strata::manager::app {
namespace {

// So often it looks who leads and who is there.
constexpr std::chrono::milliseconds kLookEvery(50);
// And whether the policy means something else, since sites have changed.
constexpr std::chrono::milliseconds kPolicyEvery(500);
// And what was purged, if this manager has not written it itself.
constexpr std::chrono::milliseconds kPurgesEvery(500);
// Orders that hold up its end wait no longer after that.
constexpr std::chrono::milliseconds kStopWithin(200);
// A term that could not begin is begun again.
constexpr std::chrono::seconds kBeginAgainAfter(1);

const Logger& Log() {
  static const Logger logger("tree");
  return logger;
}

void LogPurgeWatch(const Status& looked) {
  if (looked.ok()) return;
  Log().Warning("cannot read what was purged; it is looked for again with the next order",
                {{"error", MessageOf(looked)}});
}

}  // namespace

Tree::Tree(const FederationSettings& settings, Parts parts)
    : parts_(std::move(parts)),
      own_{parts_.control.options().scope, settings.level},
      parents_(settings.parents),
      engines_(parts_.control),
      holders_(parts_.store),
      settings_(settings) {}

StatusOr<std::unique_ptr<Tree>> Tree::Start(const FederationSettings& settings, Parts parts) {
  auto tree = std::unique_ptr<Tree>(new Tree(settings, std::move(parts)));
  STRATA_RETURN_IF_ERROR(tree->Open());
  tree->thread_ = std::thread([self = tree.get()] { self->Loop(); });
  return tree;
}

Tree::~Tree() { Stop(); }

Status Tree::Open() {
  STRATA_RETURN_IF_ERROR(holders_.Load());
  if (own_.level > 1) STRATA_RETURN_IF_ERROR(OpenFeeds());
  observers_ = std::make_unique<uplink::Observers>([this](uplink::DirectoryObserver* observer) {
    if (feeds_ != nullptr) {
      feeds_->SetObserver(observer);
    } else {
      parts_.control.feed().SetObserver(observer);
    }
  });
  parent_observes_ = observers_->Slot();
  OpenHierarchy();
  STRATA_RETURN_IF_ERROR(OpenLocator());
  STRATA_RETURN_IF_ERROR(OpenPurgeWatch());
  OpenFlow(parts_.purge_wait);
  return Ok();
}

Status Tree::OpenFeeds() {
  STRATA_ASSIGN_OR_RETURN(feeds_,
                          link::ChildFeeds::Open(own_.scope, parts_.index, parts_.store, holders_));
  link::FeedService::Options options;
  options.own = own_;
  options.leads = [this] { return parts_.control.CheckLeads(); };
  options.follows = [this](const std::string& manager) -> Status {
    const std::string leader = parts_.control.leader();
    if (manager == leader && !parts_.control.leads()) return Ok();
    return Unavailable("%s does not lead this manager: %s does", manager.c_str(),
                       leader.empty() ? "nobody" : leader.c_str());
  };
  feed_service_ = std::make_unique<link::FeedService>(std::move(options), parts_.guard, *feeds_,
                                                      parts_.metrics);
  return Ok();
}

void Tree::OpenHierarchy() {
  children_ = std::make_unique<hierarchy::Attachments>([this] { OnChildren(); });
  own_tree_ = std::make_unique<hierarchy::OwnTree>(
      own_, [this] { return OwnPartNow(); }, *children_);
  hierarchy::HierarchyService::Options options;
  options.leads = [this] { return parts_.control.CheckLeads(); };
  options.above = [this] { return AboveNow(); };
  options.canonical = [this](const std::string& uri) -> StatusOr<std::string> {
    STRATA_ASSIGN_OR_RETURN(const control::Orders::Named named, parts_.orders.Name(uri));
    return named.canonical;
  };
  hierarchy_service_ = std::make_unique<hierarchy::HierarchyService>(
      std::move(options), parts_.guard, *own_tree_, *children_, parts_.metrics);
}

Status Tree::OpenLocator() {
  locating::LocalDirectory::Options local;
  local.scope = own_.scope;
  local.engine =
      [this](directory::Holder holder) -> std::optional<locating::LocalDirectory::Engine> {
    std::optional<FarmEngines::Engine> engine = engines_.Find(holder);
    if (!engine) return std::nullopt;
    return locating::LocalDirectory::Engine{.name = std::move(engine->name),
                                            .clients = std::move(engine->clients),
                                            .heard_of = !engine->down};
  };
  local.stale = [this](std::string_view scope) {
    const std::shared_ptr<const Seen> seen = SeenNow();
    return std::any_of(seen->stale.begin(), seen->stale.end(), [scope](const std::string& child) {
      return tls::ScopeCovers(child, scope);
    });
  };
  local.untold = [this] { return SeenNow()->untold; };
  STRATA_ASSIGN_OR_RETURN(
      local_directory_,
      locating::LocalDirectory::Open(std::move(local), parts_.index, holders_, parts_.store));
  locating::Locator::Options options;
  options.own = own_;
  options.desk.has_parent = !parents_.empty();
  options.directory = [this](const farm::ContentKey& key) { return local_directory_->Look(key); };
  options.site_of = [this](std::string_view uri) -> std::string {
    const auto named = parts_.orders.Name(std::string(uri));
    return named.ok() ? named->site.name : "";
  };
  options.missed = [this](const std::string& site, std::string_view scope) {
    const std::shared_ptr<const Seen> seen = SeenNow();
    const auto scopes = seen->unpurged.find(site);
    return scopes != seen->unpurged.end() &&
           std::any_of(scopes->second.begin(), scopes->second.end(),
                       [scope](const std::string& one) { return tls::ScopeCovers(one, scope); });
  };
  locator_ = std::make_unique<locating::Locator>(std::move(options), parts_.tls, parts_.metrics);
  locating::LocationService::Options service;
  service.leads = [this] { return parts_.control.CheckLeads(); };
  service.name = [this](const std::string& uri) -> StatusOr<locating::LocationService::Named> {
    STRATA_ASSIGN_OR_RETURN(const control::Orders::Named named, parts_.orders.Name(uri));
    return locating::LocationService::Named{named.site.name, named.canonical, named.key};
  };
  location_service_ =
      std::make_unique<locating::LocationService>(std::move(service), parts_.guard, *locator_);
  return Ok();
}

Status Tree::OpenPurgeWatch() {
  PurgeWatch::Listener locator;
  locator.restored = [this](const std::string& site, uint64_t position) {
    locator_->RestorePurges(site, position);
  };
  locator.purged = [this](const std::string& site, uint64_t position,
                          std::span<const farm::ContentKey> keys) {
    locator_->OnPurge(site, position, keys);
  };
  locator.removed = [this](const std::string& site) { locator_->RemoveSite(site); };
  purges_position_ = parts_.store.position();
  STRATA_ASSIGN_OR_RETURN(
      purge_watch_,
      PurgeWatch::Open(parts_.control.sites(), parts_.control.purges(), std::move(locator)));
  parts_.control.purges().Observe([this](const std::string& site) {
    LogPurgeWatch(purge_watch_->Look(site));
    parts_.children_changed();  // Who does not hear of it gets no clients of the site.
  });
  return Ok();
}

void Tree::OpenFlow(Duration purge_wait) {
  if (own_.level == federation::kLevelMin) {
    farm_side_ = std::make_unique<site_flow::FarmSide>(parts_.control);
  } else {
    managers_side_ = std::make_unique<site_flow::ManagersSide>(parts_.control);
  }
  site_flow::FlowState::Options options;
  options.own = own_;
  options.farm = farm_side_.get();
  if (managers_side_ != nullptr) options.farm = managers_side_.get();
  options.on_purged_up_to = [this](const std::string& child, const std::string& site,
                                   uint64_t position) {
    return parts_.control.OnPurgedUpTo(child, site, position);
  };
  flow_ = std::make_unique<site_flow::FlowState>(std::move(options), parts_.control.sites(),
                                                 parts_.control.purges());
  if (farm_side_ != nullptr) {
    farm_side_->Start([this](const std::string& site) { flow_->OnEngines(site); });
  }
  site_flow::PurgeOrders::Options orders;
  orders.parents = [this] { return parents_; };
  orders.wait = purge_wait;
  purge_orders_ = std::make_unique<site_flow::PurgeOrders>(std::move(orders), *flow_, parts_.tls);
  flow_service_ = std::make_unique<site_flow::FlowService>(
      [this] { return parts_.control.CheckLeads(); }, *flow_, *purge_orders_, parts_.guard,
      parts_.metrics);
}

rpc::TreePurges Tree::purges() { return site_flow::TreePurgesOf(*purge_orders_); }

std::vector<rpc::RpcServer::AddService> Tree::services() {
  std::vector<rpc::RpcServer::AddService> services = {
      [this](grpc::ServerBuilder& builder) { hierarchy_service_->AddTo(builder); },
      [this](grpc::ServerBuilder& builder) { location_service_->AddTo(builder); },
      [this](grpc::ServerBuilder& builder) { flow_service_->AddTo(builder); }};
  if (feed_service_ != nullptr) {
    services.push_back([this](grpc::ServerBuilder& builder) { feed_service_->AddTo(builder); });
  }
  return services;
}

void Tree::Stop() {
  stop_ = true;
  if (thread_.joinable()) {
    // It may look at sites, which are locked while an order waits for backups.
    if (!looked_last_.WaitForNotificationWithTimeout(absl::FromChrono(kStopWithin))) {
      parts_.control.GiveUp();
    }
    thread_.join();
  }
  parts_.control.purges().Observe(nullptr);
  TakeTerm().reset();
  if (feed_service_ != nullptr) feed_service_->Stop();
  if (hierarchy_service_ != nullptr) hierarchy_service_->Stop();
  if (flow_ != nullptr) flow_->GiveUp();
  if (flow_service_ != nullptr) flow_service_->Stop();
  if (farm_side_ != nullptr) farm_side_->Stop();
  if (locator_ != nullptr) locator_->Stop();
}

void Tree::OnChildren() {
  parts_.children_changed();
  absl::MutexLock lock(&mutex_);
  if (term_ != nullptr && term_->attachment != nullptr) term_->attachment->TellSoon();
}

void Tree::OnSynced() {
  if (feed_service_ != nullptr) feed_service_->OnSynced();
  absl::MutexLock lock(&mutex_);
  if (term_ == nullptr) return;
  if (term_->backups != nullptr) term_->backups->OnSynced();
  if (term_->uplink != nullptr) term_->uplink->OnSynced();
}

void Tree::Reload(const FederationSettings& settings) {
  absl::MutexLock lock(&mutex_);
  settings_ = settings;
}

FederationSettings Tree::settings() const {
  absl::MutexLock lock(&mutex_);
  return settings_;
}

// ---- Terms.

void Tree::Loop() {
  uint64_t number = 0;  // Of the term that there is; 0: there is none.
  Timestamp begin_at;
  while (!stop_) {
    const uint64_t leads_in = parts_.control.term().value_or(0);
    if (number != leads_in && number != 0) {
      EndTerm();
      number = 0;
    }
    if (number == 0 && leads_in != 0 && begin_at <= multicast::Now()) {
      StatusOr<std::unique_ptr<Term>> term = BeginTerm(leads_in);
      if (term.ok()) {
        number = leads_in;
        absl::MutexLock lock(&mutex_);
        term_ = *std::move(term);
      } else {
        Log().Error("cannot take this scope's place in the tree; it is tried again",
                    {{"error", MessageOf(term.status())}});
        EndTerm();
        begin_at = multicast::Now() + kBeginAgainAfter;
      }
    }
    if (number != 0) Look();
    LookAtPurges();
    std::this_thread::sleep_for(kLookEvery);
  }
  looked_last_.Notify();
}

StatusOr<std::unique_ptr<Tree::Term>> Tree::BeginTerm(uint64_t number) {
  auto term = std::make_unique<Term>();
  term->number = number;
  flow_->Lead();
  if (feed_service_ != nullptr) {
    STRATA_RETURN_IF_ERROR(feed_service_->Lead());
    term->backups = std::make_unique<mirror::BackupTellers>(
        mirror::BackupTellers::Options{
            .own = own_, .term = number, .backups = [this] { return Backups(); }},
        *observers_, parts_.store, parts_.index, holders_, parts_.tls);
    for (const std::string& child : feeds_->stale()) flow_->KnowChild(child, own_.level - 1);
  }
  if (parents_.empty()) return term;
  STRATA_ASSIGN_OR_RETURN(term->uplink, StartUplink(number));
  term->attachment = std::make_unique<hierarchy::ParentAttachment>(
      hierarchy::ParentAttachment::Options{
          .own = own_,
          .epoch = number,
          .parents = [this] { return parents_; },
          .changed = [this] { hierarchy_service_->TellChildren(); }},
      *own_tree_, parts_.tls);
  term->attachment->Start();
  term->flow = std::make_unique<site_flow::FlowLink>(
      site_flow::FlowLink::Options{.parents = [this] { return parents_; }, .epoch = number}, *flow_,
      parts_.tls);
  term->flow->Start();
  return term;
}

StatusOr<std::unique_ptr<uplink::Uplink>> Tree::StartUplink(uint64_t number) {
  matcher_ = MatcherNow();
  policy_looked_ = multicast::Now();
  uplink::Uplink::Options options;
  options.own = own_;
  options.parents = [this] { return parents_; };
  options.feed.epoch = number;
  options.feed.batch_delay = matcher_->policy().batching_delay;
  options.policy = matcher_;
  options.observe = parent_observes_;
  options.name_of = [this](directory::Holder holder) { return NameOf(holder); };
  return uplink::Uplink::Start(std::move(options), parts_.store, parts_.index, parts_.tls);
}

std::unique_ptr<Tree::Term> Tree::TakeTerm() {
  absl::MutexLock lock(&mutex_);
  return std::move(term_);
}

void Tree::EndTerm() {
  Status why = parts_.control.CheckLeads();
  if (why.ok()) why = Unavailable("this manager leads in another term");
  std::unique_ptr<Term> term = TakeTerm();
  if (feed_service_ != nullptr) feed_service_->Follow(why);
  hierarchy_service_->EndAll(why);
  flow_service_->EndAll(why);
  term.reset();
  flow_->Rest();
  LookAtNeighbours();
}

// ---- What changes.

void Tree::Look() {
  LookAtPolicy();
  LookAtNeighbours();
  ForgetSilent();
}

void Tree::LookAtPurges() {
  if (multicast::Now() - purges_looked_ < kPurgesEvery) return;
  purges_looked_ = multicast::Now();
  const store::MirrorPosition position = parts_.store.position();
  if (position == purges_position_) return;
  purges_position_ = position;
  LogPurgeWatch(purge_watch_->LookAtAll());
}

void Tree::LookAtPolicy() {
  const std::vector<directory::Holder> changed = engines_.TakeChanged();
  const bool due = multicast::Now() - policy_looked_ >= kPolicyEvery;
  const Matcher now = due ? MatcherNow() : matcher_;
  if (due) policy_looked_ = multicast::Now();
  absl::MutexLock lock(&mutex_);
  if (term_ == nullptr || term_->uplink == nullptr) return;
  for (const directory::Holder holder : changed) term_->uplink->OnHolder(holder);
  if (now == matcher_ || (now->policy() == matcher_->policy() && now->TreatsAlike(*matcher_))) {
    return;
  }
  matcher_ = now;
  term_->uplink->SetPolicy(now);
  term_->attachment->TellSoon();
}

// Those who can be asked where contents are, and may ask: whose links are there.
void Tree::LookAtNeighbours() {
  std::set<std::string> there;
  auto seen = std::make_shared<Seen>();
  if (feeds_ != nullptr) seen->stale = feeds_->stale();
  seen->unpurged = flow_->Unpurged();
  for (const hierarchy::ChildNow& child : children_->children()) {
    if (child.hides_copies) seen->untold.push_back(child.hello.child.scope);
    if (!child.connected) continue;
    std::vector<std::string> managers;
    for (const hierarchy::ScopeManager& manager : child.part.managers) {
      if (!manager.address.empty()) managers.push_back(manager.address);
    }
    const Status set = locator_->SetChild(child.hello.child, managers);
    if (set.ok()) there.insert(child.hello.child.scope);
  }
  for (const std::string& scope : located_children_) {
    if (!there.contains(scope)) locator_->RemoveChild(scope);
  }
  located_children_ = std::move(there);
  {
    absl::MutexLock lock(&seen_mutex_);
    seen_ = std::move(seen);
  }
  const hierarchy::Above above = AboveNow();
  if (above && above->connected && !above->above.empty()) {
    // Whoever took the attachment leads; the others are asked if it does not any more.
    std::vector<std::string> managers = parents_;
    std::stable_partition(managers.begin(), managers.end(), [&above](const std::string& address) {
      return address == above->parent;
    });
    located_parent_ = locator_->SetParent(above->above.front().place, managers).ok();
  } else if (located_parent_) {
    locator_->RemoveParent();
    located_parent_ = false;
  }
}

void Tree::ForgetSilent() {
  if (feed_service_ == nullptr) return;
  const Duration limit = settings().forget_after;
  const Timestamp now = multicast::Now();
  const StatusOr<bool> more = feed_service_->ForgetSilent(limit, now);
  if (!more.ok()) {
    Log().Warning("a silent child cannot be forgotten", {{"error", MessageOf(more.status())}});
  }
  for (const hierarchy::ChildNow& child : children_->children()) {
    if (child.connected || now - child.heard <= limit) continue;
    children_->Forget(child.hello.child.scope);
    flow_->ForgetChild(child.hello.child.scope);
  }
}

}  // namespace strata::manager::app
