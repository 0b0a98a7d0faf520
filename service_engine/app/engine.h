#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/process/status_server.h"
#include "common/status.h"
#include "common/tls/tls_files.h"
#include "common/tls/tls_watch.h"
#include "farm/member/farm_member.h"
#include "service_engine/app/content_keeper.h"
#include "service_engine/app/copier.h"
#include "service_engine/app/farm_entry.h"
#include "service_engine/app/farm_table.h"
#include "service_engine/app/inventory_teller.h"
#include "service_engine/app/manager_link.h"
#include "service_engine/app/settings.h"
#include "service_engine/core/load_meter.h"
#include "service_engine/rpc/holder_finder.h"

namespace strata::engine::app {

// A Service Engine: registers, joins its farm's group, then starts its agent and its nginx, and
// tells the farm how they are. All that happens on a thread of its own, since a manager may take
// long to come.
class Engine final : private farm::FarmListener {
 public:
  // `on_failure` is called once, by any thread, when the engine cannot go on: refused by its
  // manager, or its server does not start. The process is to end then.
  static StatusOr<std::unique_ptr<Engine>> Start(const Settings& settings,
                                                 std::function<void(const Status&)> on_failure);
  ~Engine() override;  // nginx ends before it does.

  // SIGHUP: certificates, the list of revoked ones and the settings file are read again; of that,
  // serve_alone and log_level change at once, and what needs a restart is logged.
  Status Reload();

 private:
  explicit Engine(const Settings& settings)
      : settings_(settings), started_with_(settings), serve_alone_(settings.serve_alone) {}

  Status ReloadSettings();

  // ---- The group's thread.
  void OnMessage(const farm::Message& message, farm::EngineId origin) override;
  void OnView(const multicast::View& view, bool joined) override;
  void OnState() override;
  farm::EngineId Self() const;

  // ---- The engine's thread.
  void Live();
  Status Register();
  // As FarmEntry has them. The group is joined by the first place; then the keys are those of each.
  StatusOr<rpc::Registration> FindPlace();
  Status TakePlace(const rpc::Registration& place);
  multicast::GroupOptions GroupOptionsOf(const rpc::Registration& place) const;
  Status JoinFarm();  // Until this engine is a full member.
  Status StartServer();
  void StartCopier() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Tick();
  void TellHealth();
  void TellLoad();
  void SayGoodbye();
  void ProbeLoop();
  std::optional<farm::EngineInfo> NextOne() const;  // Whom this engine probes.
  bool Sleep(Duration time);                        // False: the engine is to end.
  void Fail(const Status& status);
  Status Health() const;

  Settings settings_;
  const Settings started_with_;
  std::atomic<bool> serve_alone_;
  std::function<void(const Status&)> on_failure_;
  std::atomic<bool> failed_ = false;
  std::atomic<bool> ends_ = false;  // As stop_, for who must not wait for the lock.
  MetricRegistry metrics_;
  std::shared_ptr<tls::TlsStore> tls_;
  std::unique_ptr<tls::TlsWatch> tls_watch_;
  Bytes instance_;
  rpc::Registration registration_;  // Changed under the lock; read there by the group's thread.
  LoadMeter meter_;

  std::unique_ptr<rpc::ManagerClient> client_;
  std::unique_ptr<rpc::ManagerClient> copy_client_;  // Of the copier's thread.
  std::unique_ptr<farm::FarmMember> member_;
  std::unique_ptr<rpc::HolderFinder> finder_;  // Of a light engine.
  std::unique_ptr<FarmTable> table_;
  std::unique_ptr<transfer::AgentServer> agent_;
  std::unique_ptr<NginxAdapter> adapter_;

  mutable absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool ready_ ABSL_GUARDED_BY(mutex_) = false;  // The farm's state is here.
  std::string phase_ ABSL_GUARDED_BY(mutex_) = "registering at a manager";
  // Set once, under the lock, when they are there; callbacks look.
  std::unique_ptr<InventoryTeller> teller_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<ContentKeeper> keeper_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<ManagerLink> link_;
  std::unique_ptr<Copier> copier_;
  std::unique_ptr<StatusServer> status_server_;
  std::thread prober_;
  std::thread thread_;
};

}  // namespace strata::engine::app
