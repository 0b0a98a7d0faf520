#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/process/program.h"
#include "common/process/status_server.h"
#include "common/status.h"
#include "common/tls/tls_files.h"
#include "common/tls/tls_watch.h"
#include "farm/member/group_keys.h"
#include "multicast/driver/metrics.h"
#include "multicast/group.h"
#include "service_manager/rpc/witness_client.h"

namespace strata::manager::app {

// What a witness's settings file says (proto/witness_settings.proto).
struct WitnessOptions {
  std::string path;  // Of the file.
  std::string data_folder;
  tls::TlsPaths tls;
  multicast::SocketSettings sockets;  // Group and port come from a manager.
  std::vector<std::string> managers;
  Endpoint status_listen;
  LogLevel log_level = LogLevel::kInfo;
};

// Every error names file and place.
StatusOr<WitnessOptions> LoadWitnessSettings(const std::string& path);

// A member that votes and holds nothing: so two managers without engines have a majority when one
// of them is gone.
class Witness final : public Service, private multicast::GroupApplication {
 public:
  // `on_failure` is called once, by any thread, when it cannot go on: a manager refuses it.
  static StatusOr<std::unique_ptr<Witness>> Start(const WitnessOptions& options,
                                                  Program::Fail on_failure);
  ~Witness() override;

  // SIGHUP: certificates, revocations and the level of the log are read again.
  Status Reload() override;

 private:
  explicit Witness(const WitnessOptions& options) : options_(options) {}

  // ---- The group's thread.
  void OnDeliver(const multicast::DeliverAction&) override {}
  void OnViewChanged(const multicast::ViewChangedAction& change) override;
  void OnLeftView(const multicast::LeftViewAction& left) override;
  void OnStorageError(const std::string& error) override;

  // ---- The witness's thread.
  void Live();
  StatusOr<rpc::Attendance> Register();
  // As it had it, while nobody leads.
  StatusOr<rpc::Attendance> FindPlace();
  Status Join(const rpc::Attendance& attendance);
  Status Renew();
  void ShowMetrics();
  bool Sleep();  // False: the witness is to end.

  HealthReport Health() const;

  const WitnessOptions options_;
  Program::Fail on_failure_;
  MetricRegistry metrics_;
  std::shared_ptr<tls::TlsStore> tls_;
  std::unique_ptr<tls::TlsWatch> tls_watch_;
  Bytes instance_;
  std::unique_ptr<rpc::WitnessClient> client_;

  mutable absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::string phase_ ABSL_GUARDED_BY(mutex_) = "registering at a manager";
  multicast::View view_ ABSL_GUARDED_BY(mutex_);  // Number 0: none.

  // The witness's thread alone uses these.
  multicast::MemberId self_{};
  std::unique_ptr<multicast::GroupMetrics> group_metrics_;
  std::unique_ptr<farm::GroupKeys> keys_;
  uint64_t group_id_ = 0;
  std::unique_ptr<multicast::Group> group_;

  std::unique_ptr<StatusServer> status_server_;
  std::thread thread_;
};

}  // namespace strata::manager::app
