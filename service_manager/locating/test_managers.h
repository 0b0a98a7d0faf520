#pragma once

#include <grpcpp/server.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/address.h"
#include "common/metrics.h"
#include "common/status.h"
#include "common/tls/test_authority.h"
#include "common/tls/tls_files.h"
#include "farm/content_key.h"
#include "service_manager/control/audit_log.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/federation/locate/locate_desk.h"
#include "service_manager/federation/locate/locate_plan.h"
#include "service_manager/locating/location_service.h"
#include "service_manager/locating/locator.h"
#include "service_manager/rpc/guard.h"

// Managers for tests and benchmarks, as far as they locate contents: real certificates and gRPC on
// the loopback interface, directories as they are told.
namespace strata::manager::locating::testing {

// What a question and its answer look like when one waits for it.
federation::LocateQuestion QuestionOf(const std::string& uri, Duration time_left);
StatusOr<federation::LocateAnswer> Ask(Locator& locator, federation::LocateQuestion question);
federation::LocatedCopy CopyOf(std::string scope, std::string engine = "");

class TestManager {
 public:
  struct Options {
    federation::ScopeLevel own;
    std::string name = "a";  // Of another one for each: the certificate's files have it.
    bool has_parent = true;
    std::string listen = "127.0.0.1:0";
    // Empty: the own one. Of its certificate.
    std::string certificate_scope = {};
    federation::LocateSettings desk = {};
  };

  TestManager(tls::TestAuthority& authority, control::AuditLog& audit, Options options);
  ~TestManager();

  Locator& locator() { return *locator_; }
  const federation::ScopeLevel& own() const { return options_.own; }
  std::string address() const { return ToString(endpoint_); }
  const Endpoint& endpoint() const { return endpoint_; }
  const std::shared_ptr<tls::TlsStore>& tls() const { return tls_; }
  const tls::TlsPaths& paths() const { return paths_; }

  // What its directory says of a content.
  void SetLocal(const std::string& uri, federation::LocalCopies local);
  // Of all that SetLocal was not told of.
  void SetOthers(federation::LocalCopies local);
  void SetLeads(const Status& leads);

  // The value of a metric; below 0: there is none.
  double Metric(std::string_view name) const;

  // Each becomes the other's neighbour.
  void Adopt(TestManager& child);
  // As Adopt, with other ways to each.
  void Adopt(TestManager& child, const std::vector<std::string>& to_child,
             const std::vector<std::string>& to_parent);

 private:
  federation::LocalCopies Look(const farm::ContentKey& key);

  const Options options_;
  const tls::TlsPaths paths_;
  const std::shared_ptr<tls::TlsStore> tls_;
  MetricRegistry metrics_;
  rpc::Guard guard_;
  absl::Mutex mutex_;
  Status leads_ ABSL_GUARDED_BY(mutex_);
  std::map<farm::ContentKey, federation::LocalCopies> local_ ABSL_GUARDED_BY(mutex_);
  federation::LocalCopies others_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Locator> locator_;
  std::unique_ptr<LocationService> service_;
  Endpoint endpoint_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace strata::manager::locating::testing
