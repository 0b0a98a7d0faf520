#pragma once

#include <grpcpp/server.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/address.h"
#include "common/metrics.h"
#include "common/tls/test_authority.h"
#include "common/tls/tls_files.h"
#include "service_manager/control/audit_log.h"
#include "service_manager/control/purge_journal.h"
#include "service_manager/control/site_desk.h"
#include "service_manager/rpc/guard.h"
#include "service_manager/site_flow/flow_link.h"
#include "service_manager/site_flow/flow_service.h"
#include "service_manager/site_flow/flow_state.h"
#include "service_manager/site_flow/purge_orders.h"
#include "service_manager/sites/engine_progress.h"
#include "service_manager/store/rocks_store.h"

// Managers of a tree for tests, as far as sites and purges go: with real certificates, gRPC and
// stores, and engines that are a fake.
namespace strata::manager::site_flow::testing {

// Engines e1, e2, … that do at once what they are told, unless they are held.
class FakeFarm final : public LocalFarm {
 public:
  explicit FakeFarm(uint32_t engines) : engines_(engines) {}

  // Before the manager's state begins, and null when it ends.
  void SetState(FlowState* state);
  // From now on they apply nothing; or again, and at once what they have not.
  void SetHeld(bool held);
  // The first one answers purges with this from now on.
  void SetProblem(const std::string& problem);
  std::vector<farm::Purged> purged() const;
  std::vector<std::string> removed() const;

  void OnSite(const std::string& site) override;
  void OnSiteRemoved(const std::string& site) override;
  void OnPurged(const farm::Purged& entry) override;
  void Fill(sites::SiteRow& row) const override;

 private:
  void Apply(const farm::Purged& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const uint32_t engines_;
  mutable absl::Mutex mutex_;
  FlowState* state_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  std::string problem_ ABSL_GUARDED_BY(mutex_);
  std::vector<farm::Purged> purged_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> removed_ ABSL_GUARDED_BY(mutex_);
  sites::EngineProgress progress_ ABSL_GUARDED_BY(mutex_);
};

class TestManager {
 public:
  // `folder`: of its store, which may be there already. Leads until it is told otherwise. At level
  // 1 it has a farm of two engines. `parents`: addresses, asked in this order.
  TestManager(tls::TestAuthority& authority, const federation::ScopeLevel& own,
              const std::string& folder, std::vector<std::string> parents, uint64_t epoch = 1);
  ~TestManager();

  std::string address() const { return ToString(endpoint_); }
  const Endpoint& endpoint() const { return endpoint_; }
  void StopLeading(const std::string& leader);

  FlowState& state() { return *state_; }
  PurgeOrders& orders() { return *orders_; }
  FlowLink& link() { return *link_; }
  control::SiteDesk& desk() { return *desk_; }
  control::PurgeJournal& journal() { return journal_; }
  store::Store& store() { return *store_; }
  FakeFarm& farm() { return farm_; }
  double refused() const;
  const tls::TlsPaths& paths() const { return paths_; }

 private:
  const federation::ScopeLevel own_;
  const tls::TlsPaths paths_;
  const std::shared_ptr<tls::TlsStore> tls_;
  MetricRegistry metrics_;
  FakeFarm farm_{2};
  std::unique_ptr<store::RocksStore> store_;
  std::unique_ptr<control::SiteDesk> desk_;
  control::PurgeJournal journal_;
  control::AuditLog audit_;
  rpc::Guard guard_;
  absl::Mutex mutex_;
  Status leads_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<FlowState> state_;
  std::unique_ptr<PurgeOrders> orders_;
  std::unique_ptr<FlowService> service_;
  Endpoint endpoint_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<FlowLink> link_;
};

}  // namespace strata::manager::site_flow::testing
