#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "common/address.h"
#include "common/metrics.h"
#include "common/status.h"
#include "common/time.h"
#include "common/tls/tls_files.h"
#include "service_manager/app/farm_engines.h"
#include "service_manager/app/federation_settings.h"
#include "service_manager/app/purge_watch.h"
#include "service_manager/control/farm_control.h"
#include "service_manager/control/holder_book.h"
#include "service_manager/control/orders.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/hierarchy/attachments.h"
#include "service_manager/hierarchy/hierarchy_service.h"
#include "service_manager/hierarchy/own_tree.h"
#include "service_manager/hierarchy/parent_attachment.h"
#include "service_manager/link/child_feeds.h"
#include "service_manager/link/feed_service.h"
#include "service_manager/locating/local_directory.h"
#include "service_manager/locating/location_service.h"
#include "service_manager/locating/locator.h"
#include "service_manager/mirror/backup_tellers.h"
#include "service_manager/rpc/administration_service.h"
#include "service_manager/rpc/guard.h"
#include "service_manager/rpc/rpc_server.h"
#include "service_manager/site_flow/farm_side.h"
#include "service_manager/site_flow/flow_link.h"
#include "service_manager/site_flow/flow_service.h"
#include "service_manager/site_flow/flow_state.h"
#include "service_manager/site_flow/managers_side.h"
#include "service_manager/site_flow/purge_orders.h"
#include "service_manager/sites/report_book.h"
#include "service_manager/store/mirrored_store.h"
#include "service_manager/uplink/observers.h"
#include "service_manager/uplink/uplink.h"

namespace strata::manager::app {

// A manager's place in the tree of scopes: while it leads its scope it takes what its children
// tell, and tells its backups and its parent. docs/protocols/federation.md.
//
// Looks at who leads, and who is there, on a thread of its own. Owned by the application; any
// thread may call.
class Tree {
 public:
  // What a manager has; all of it outlives this.
  struct Parts {
    store::MirroredStore& store;
    directory::LocationIndex& index;  // As the store has it.
    control::FarmControl& control;
    control::Orders& orders;
    rpc::Guard& guard;
    std::shared_ptr<const tls::TlsStore> tls;
    MetricRegistry& metrics;
    Duration purge_wait{};
    // Where clients reach this manager's front end. Any thread.
    std::function<std::vector<Endpoint>()> front_ends;
    // A child came, went, or is another. Any thread; quick.
    std::function<void()> children_changed = [] {};
  };

  // What the store says if it cannot be read.
  static StatusOr<std::unique_ptr<Tree>> Start(const FederationSettings& settings, Parts parts);
  ~Tree();  // Stops.
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  // Its services, for the server that is to start.
  std::vector<rpc::RpcServer::AddService> services();
  // Purges of sites that are for more than this farm, for AdministrationService.
  rpc::TreePurges purges();
  void SetPurgeWait(Duration wait) { purge_orders_->SetWait(wait); }
  // Ends all that goes on with others, for ever: before the server ends.
  void Stop();

  // The store's SyncedUpTo() grew.
  void OnSynced();
  // What may change while it runs: the policy of the link up, and how silent children are treated.
  void Reload(const FederationSettings& settings);

  locating::Locator& locator() { return *locator_; }
  // Where purges were missed beneath: no client of the site is to be sent there.
  sites::ScopesOfSites Unpurged() const { return flow_->Unpurged(); }
  const hierarchy::Attachments& children() const { return *children_; }
  const control::HolderBook& holders() const { return holders_; }

  // For /healthz: what it is called, and how it is.
  std::vector<std::pair<std::string, std::string>> Facts() const;

 private:
  // What there is while this manager leads.
  struct Term {
    uint64_t number = 0;
    std::unique_ptr<mirror::BackupTellers> backups;  // Above level 1, as feeds.
    std::unique_ptr<uplink::Uplink> uplink;          // With a parent, as what follows.
    std::unique_ptr<hierarchy::ParentAttachment> attachment;
    std::unique_ptr<site_flow::FlowLink> flow;
  };
  using Matcher = std::shared_ptr<const federation::ForwardingMatcher>;

  Tree(const FederationSettings& settings, Parts parts);

  Status Open();
  Status OpenFeeds();
  void OpenHierarchy();
  Status OpenLocator();
  Status OpenPurgeWatch();
  void OpenFlow(Duration purge_wait);

  void Loop();
  StatusOr<std::unique_ptr<Term>> BeginTerm(uint64_t number);
  StatusOr<std::unique_ptr<uplink::Uplink>> StartUplink(uint64_t number);
  void EndTerm();
  void OnChildren();
  std::unique_ptr<Term> TakeTerm();
  // What may have changed since the last look.
  void Look();
  // Also what another manager has written.
  void LookAtPurges();
  void LookAtPolicy();
  void LookAtNeighbours();
  void ForgetSilent();

  Matcher MatcherNow() const;
  std::string HostOfSite(const std::string& site) const;
  std::optional<federation::Introduction> NameOf(directory::Holder holder) const;
  mirror::BackupTellers::Backups Backups() const;
  hierarchy::OwnPart OwnPartNow() const;
  std::vector<hierarchy::ScopeManager> ManagersNow() const;
  hierarchy::Above AboveNow() const;
  // What the locator asks often.
  struct Seen {
    std::vector<std::string> stale;   // Children without a feed.
    std::vector<std::string> untold;  // Those that hide copies.
    sites::ScopesOfSites unpurged;
  };
  std::shared_ptr<const Seen> SeenNow() const;
  FederationSettings settings() const;

  const Parts parts_;
  const federation::ScopeLevel own_;
  const std::vector<std::string> parents_;
  FarmEngines engines_;
  control::HolderBook holders_;
  mutable absl::Mutex mutex_;
  FederationSettings settings_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Term> term_ ABSL_GUARDED_BY(mutex_);
  mutable absl::Mutex seen_mutex_;
  std::shared_ptr<const Seen> seen_ ABSL_GUARDED_BY(seen_mutex_) = std::make_shared<const Seen>();

  std::unique_ptr<link::ChildFeeds> feeds_;  // Above level 1, as its service.
  std::unique_ptr<link::FeedService> feed_service_;
  std::unique_ptr<uplink::Observers> observers_;
  uplink::Observers::Observe parent_observes_;
  std::unique_ptr<hierarchy::Attachments> children_;
  std::unique_ptr<hierarchy::OwnTree> own_tree_;
  std::unique_ptr<hierarchy::HierarchyService> hierarchy_service_;
  std::unique_ptr<locating::LocalDirectory> local_directory_;
  std::unique_ptr<locating::Locator> locator_;
  std::unique_ptr<locating::LocationService> location_service_;
  std::unique_ptr<PurgeWatch> purge_watch_;
  std::unique_ptr<site_flow::FarmSide> farm_side_;          // At level 1,
  std::unique_ptr<site_flow::ManagersSide> managers_side_;  // and above.
  std::unique_ptr<site_flow::FlowState> flow_;
  std::unique_ptr<site_flow::PurgeOrders> purge_orders_;
  std::unique_ptr<site_flow::FlowService> flow_service_;

  // Of the thread.
  Matcher matcher_;
  Timestamp policy_looked_;
  Timestamp purges_looked_;
  store::MirrorPosition purges_position_;   // Where the store stood then.
  std::set<std::string> located_children_;  // As the locator has them.
  bool located_parent_ = false;
  std::atomic<bool> stop_ = false;
  absl::Notification looked_last_;
  std::thread thread_;
};

}  // namespace strata::manager::app
