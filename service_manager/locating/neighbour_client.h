#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "common/time.h"
#include "common/tls/manager_channel.h"
#include "common/tls/tls_files.h"
#include "service_manager/federation/locate/locate_messages.h"
#include "service_manager/locating/locate_metrics.h"
#include "service_manager/locating/location_grpc.h"

namespace strata::manager::locating {

namespace v1 = strata::manager::locate::v1;

// Asks one neighbour where contents are: the manager of it that answered last, and within the time
// that is left the next one, if that one does not lead, cannot be reached, or shows a certificate
// of another scope. Waits for nobody: answers come on gRPC's threads. Any thread.
class NeighbourClient : public std::enable_shared_from_this<NeighbourClient> {
 public:
  using Done = std::function<void(StatusOr<federation::LocateAnswer>)>;

  // `metrics` outlives it.
  NeighbourClient(std::string scope, std::shared_ptr<const tls::TlsStore> tls,
                  LocateMetrics& metrics);
  ~NeighbourClient();

  // HOST:PORT of its managers, in the order in which they are asked at first. Those that stay keep
  // their connections.
  void SetManagers(const std::vector<std::string>& addresses);

  // `done` is called once, perhaps before this returns. Unavailable: none of its managers could be
  // asked; DeadlineExceeded: none answered; else what it said.
  void Ask(const federation::LocateQuestion& question, Done done);

  // Ends what was asked, and returns when every `done` has returned; later questions are refused.
  // Not from a `done`.
  void Stop();

 private:
  using Stub = v1::Location::Stub;

  struct Manager {
    tls::ManagerChannel channel;
    std::shared_ptr<grpc::Channel> of;  // The stub's.
    std::shared_ptr<Stub> stub;
  };
  using Managers = std::list<Manager>;

  // A question on its way, to one manager at a time.
  struct Call {
    v1::LocateRequest request;
    v1::LocateReply reply;
    Done done;
    Timestamp end;  // Of the time for the answer's way, too.
    std::vector<std::string> tried;
    // Of the present try:
    Timestamp sent;
    std::shared_ptr<grpc::Channel> channel;
    std::shared_ptr<Stub> stub;
    std::unique_ptr<grpc::ClientContext> context;
  };
  using CallPtr = std::shared_ptr<Call>;

  // Asks the next manager, or ends with `otherwise`.
  void Try(const CallPtr& call, const Status& otherwise);
  // Sets what a try needs; what it fails with if there can be none.
  Status Prepare(Call& call, const Status& otherwise);
  Manager* NextManager(const Call& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnEnd(const CallPtr& call, const grpc::Status& status);
  StatusOr<federation::LocateAnswer> AnswerOf(const Call& call, const grpc::Status& status) const;
  // What an answer, or none, says of who was asked: who is asked first the next time.
  void Learn(const Call& call, StatusCode code, bool connected);
  void Finish(const CallPtr& call, StatusOr<federation::LocateAnswer> answer);

  const std::string scope_;
  const std::shared_ptr<const tls::TlsStore> tls_;
  LocateMetrics& metrics_;

  absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  Managers managers_ ABSL_GUARDED_BY(mutex_);  // The first to be asked first.
  std::set<CallPtr> calls_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::manager::locating
