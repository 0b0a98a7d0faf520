#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/huge_pages.h"
#include "common/metrics.h"
#include "common/process/program.h"
#include "common/process/status_server.h"
#include "common/status.h"
#include "common/system_random.h"
#include "common/tls/tls_files.h"
#include "common/tls/tls_watch.h"
#include "service_manager/address/address_keeper.h"
#include "service_manager/address/claim_judge.h"
#include "service_manager/app/settings.h"
#include "service_manager/app/tree.h"
#include "service_manager/control/drain_desk.h"
#include "service_manager/control/farm_control.h"
#include "service_manager/control/orders.h"
#include "service_manager/frontend/federation_publisher.h"
#include "service_manager/frontend/front_end.h"
#include "service_manager/rpc/mirror_follower.h"
#include "service_manager/rpc/rpc_server.h"
#include "service_manager/store/mirrored_store.h"
#include "service_manager/store/rocks_store.h"

namespace strata::manager::app {

// A Service Manager: all its parts, in the order in which they need each other.
class Manager final : public Service {
 public:
  // Opens the store, loads the index, joins the farm's group and listens; each error says what to
  // look at.
  // A backup whose store is new does the rest when it has found the farm; `fail` hears of it if it
  // cannot.
  static StatusOr<std::unique_ptr<Manager>> Start(const Settings& settings, Program::Fail fail);
  // Ends within seconds; what was acknowledged is on disk. If it leads, a backup does before.
  ~Manager() override;

  // SIGHUP: reads certificates, revocations and the settings file again. What is wrong with one of
  // the two keeps the other from nothing. One thread.
  Status Reload() override;

 private:
  explicit Manager(const Settings& settings);

  Status OpenStore();
  Status StartMirror();
  // Takes all intent of the manager that leads, and starts then: on a thread of its own, since that
  // manager may not be there yet.
  void EnterFarm(const Program::Fail& fail);
  Status StartFarm();
  Status StartTree();
  Status StartFrontEnd();
  Status StartServers();
  std::vector<std::string> ManagersToFollow() const;
  Status StartAddresses();
  // A backup leads and has the floating addresses, if there is one: before this manager ends.
  void HandOver();
  // Where this manager stands in its farm. It leads for certain only while nobody else can.
  address::Standing AddressStanding() const;
  void WelcomeClients(address::Welcome welcome);
  // Where clients reach the front end, as far as this manager can know; none: there is none.
  std::vector<Endpoint> FrontEnds() const;
  frontend::FederationSources FederationSources();
  // Something that the front end above level 1 answers from is another. Quick; any thread.
  void OnFederationChange();
  bool SitesAreThere();  // Whether the group has told of all that the store has.
  // The farm's sites, the same object until one changes; null: not all are there yet.
  std::shared_ptr<const routing::SitesByHost> Sites();
  // Makes the snapshots that a farm's front end answers from.
  void PublishLoop();
  HealthReport Health() const;
  HealthReport HealthOfFarm() const;
  void OnCertificates(const tls::TlsMaterial& before, const tls::TlsMaterial& now);
  // An error names all that is wrong with the file; nothing has changed then.
  Status ReloadSettings();

  const Settings settings_;  // Those of the start; the parts have what was read since.
  MetricRegistry metrics_;
  Counter& reloads_;
  Counter& reloads_refused_;
  SystemRandom random_;        // Of the start, and of the farm's worker.
  SystemRandom order_random_;  // Under the lock of orders.
  std::shared_ptr<tls::TlsStore> tls_;
  std::unique_ptr<store::RocksStore> store_;
  std::unique_ptr<store::MirroredStore> mirrored_;
  std::unique_ptr<rpc::MirrorFollower> follower_;
  HugePageResource memory_;  // Of the index.
  std::unique_ptr<directory::LocationIndex> index_;
  std::unique_ptr<control::FarmControl> control_;
  std::atomic<control::FarmControl*> in_farm_ = nullptr;  // As the follower's thread may use it.
  std::unique_ptr<control::DrainDesk> drains_;
  std::unique_ptr<control::Orders> orders_;
  std::unique_ptr<rpc::Guard> guard_;
  std::unique_ptr<Tree> tree_;
  std::atomic<Tree*> in_tree_ = nullptr;  // As the store's threads may use it.
  std::unique_ptr<frontend::FrontEnd> front_end_;
  std::unique_ptr<address::AddressKeeper> addresses_;  // Before it does the front end end.
  std::atomic<bool> stop_ = false;
  // Of the publishers.
  std::shared_ptr<const routing::SitesByHost> sites_;
  uint64_t sites_of_ = 0;  // The ledger's changes when they were made.
  std::thread publisher_;  // At level 1; above, the other one.
  std::unique_ptr<frontend::FederationPublisher> federation_publisher_;
  std::atomic<frontend::FederationPublisher*> in_publisher_ = nullptr;
  std::unique_ptr<rpc::RegistrationService> registration_;
  std::unique_ptr<rpc::AdministrationService> administration_;
  std::unique_ptr<rpc::MirroringService> mirroring_;
  std::unique_ptr<rpc::RpcServer> rpc_;
  std::atomic<bool> started_ = false;  // All above is there.
  std::unique_ptr<tls::TlsWatch> tls_watch_;
  std::unique_ptr<StatusServer> status_server_;
  std::thread entry_;
};

}  // namespace strata::manager::app
