#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/distinct_log.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/status.h"
#include "common/time.h"
#include "common/tls/identity.h"
#include "proto/manager.grpc.pb.h"
#include "service_manager/control/drain_desk.h"
#include "service_manager/control/farm_control.h"
#include "service_manager/control/place_desk.h"
#include "service_manager/control/witness_book.h"
#include "service_manager/rpc/guard.h"

namespace strata::manager::rpc {

// What engine and manager have to agree on; this manager's is the number in the engine's client of
// the same version.
inline constexpr uint32_t kRegistrationProtocol = 1;
// The oldest protocol of engines that this manager understands still: managers are upgraded first.
inline constexpr uint32_t kRegistrationProtocolMin = 1;
inline constexpr int kUrisPerCallMax = 10'000;

// FailedPrecondition, saying what to do, unless an engine of this protocol fits this manager.
Status CheckProtocol(const std::string& engine, const std::string& version, uint32_t protocol);

// Where engines register (proto/manager.proto). Called on gRPC's threads.
class RegistrationService final : public v1::Registration::Service {
 public:
  RegistrationService(control::FarmControl& control, control::DrainDesk& drains, Guard& guard,
                      MetricRegistry& metrics)
      : control_(control),
        drains_(drains),
        guard_(guard),
        witnesses_(control.store()),
        places_(control, witnesses_, metrics) {}

  grpc::Status Register(grpc::ServerContext* context, const v1::RegisterRequest* request,
                        v1::RegisterReply* reply) override;
  grpc::Status Renew(grpc::ServerContext* context, const v1::RenewRequest* request,
                     v1::RenewReply* reply) override;
  grpc::Status TellUris(grpc::ServerContext* context, const v1::TellUrisRequest* request,
                        v1::TellUrisReply* reply) override;
  grpc::Status FindHolders(grpc::ServerContext* context, const v1::FindHoldersRequest* request,
                           v1::FindHoldersReply* reply) override;
  grpc::Status Attend(grpc::ServerContext* context, const v1::AttendRequest* request,
                      v1::AttendReply* reply) override;
  grpc::Status FindPlace(grpc::ServerContext* context, const v1::FindPlaceRequest* request,
                         v1::FindPlaceReply* reply) override;
  grpc::Status ExchangeCopies(grpc::ServerContext* context,
                              const v1::ExchangeCopiesRequest* request,
                              v1::ExchangeCopiesReply* reply) override;

 private:
  Status RegisterEngine(const std::string& name, const v1::RegisterRequest& request,
                        v1::RegisterReply* reply);
  Status AttendAs(const std::string& name, const v1::AttendRequest& request,
                  v1::AttendReply* reply);

  Status TellPlace(const tls::Identity& member, const v1::FindPlaceRequest& request,
                   v1::FindPlaceReply* reply);

  // How far the engine has purged: it may know of purges that this manager does not.
  Status TakePositions(const std::string& name, const v1::RegisterRequest& request);

  Status Exchange(const std::string& name, const v1::ExchangeCopiesRequest& request,
                  v1::ExchangeCopiesReply* reply);
  void NoteCertificate(const tls::Identity& engine);

  control::FarmControl& control_;
  control::DrainDesk& drains_;
  Guard& guard_;
  control::WitnessBook witnesses_;
  control::PlaceDesk places_;
  DistinctLog log_{Logger("rpc")};  // Of what members repeat each second.
  absl::Mutex mutex_;
  // Until when the engines' certificates are good, by name, as they showed them last.
  std::map<std::string, int64_t> good_until_s_ ABSL_GUARDED_BY(mutex_);
  Timestamp next_look_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::manager::rpc
