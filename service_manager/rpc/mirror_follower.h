#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "common/time.h"
#include "common/tls/manager_channel.h"
#include "common/tls/tls_files.h"
#include "proto/mirror.grpc.pb.h"
#include "service_manager/rpc/mirror_messages.h"
#include "service_manager/store/mirrored_store.h"

namespace strata::manager::rpc {

// Follows the manager that leads the farm, whichever that is, on a thread of its own: takes its
// intent into the store, and tells it what is durable here. Owned by the application.
class MirrorFollower {
 public:
  struct Options {
    // HOST:PORT of the managers to ask, in this order; asked before each round.
    std::function<std::vector<std::string>()> managers;
    std::string own_address;  // Where others reach this one.
    // After the store took something. On the follower's thread.
    std::function<void()> on_taken = [] {};
    // The leader, of that name, says that this manager counts, as of proto/mirror.proto, Idle. On
    // that thread too, again and again.
    std::function<void(const std::string& leader)> on_counts = [](const std::string&) {};
    // The leader ends, and offers the lead. As on_counts.
    std::function<void()> on_lead_offered = [] {};
  };
  struct Greeting {
    uint32_t member_id = 0;
    std::string leader;
    uint64_t group_id = 0;
  };

  MirrorFollower(Options options, store::MirroredStore& store,
                 std::shared_ptr<const tls::TlsStore> tls);
  ~MirrorFollower();

  // For ever; no callback comes any more.
  void Stop();
  // Whether it shall follow; at first it does not. A stream that goes on ends.
  void Enable(bool enabled);
  // Follows with a new stream, whoever `managers` names first now: nothing that was said on the one
  // before counts when this returns.
  void Restart();
  // Waits until the store has all that the leader has. Unavailable: nobody leads, and why as far as
  // it is known.
  StatusOr<Greeting> WaitInStep(Duration limit) const;
  bool in_step() const;

 private:
  using Stream = grpc::ClientReaderWriterInterface<strata::manager::mirror::v1::FollowRequest,
                                                   strata::manager::mirror::v1::FollowReply>;

  void Loop();
  Status FollowOne(tls::ManagerChannel& manager);
  Status TakeAll(const grpc::ClientContext& context, Stream& stream);
  StatusOr<bool> Take(const strata::manager::mirror::v1::FollowReply& reply, CopyJoiner& joiner);
  void Heard(const strata::manager::mirror::v1::FollowReply& reply);
  void Watch();
  bool Begin(grpc::ClientContext& context);
  void End();

  const Options options_;
  store::MirroredStore& store_;
  const std::shared_ptr<const tls::TlsStore> tls_;

  tls::ManagerChannelMap channels_;  // Of the follower's thread.

  mutable absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool enabled_ ABSL_GUARDED_BY(mutex_) = false;
  bool in_step_ ABSL_GUARDED_BY(mutex_) = false;
  Greeting greeting_ ABSL_GUARDED_BY(mutex_);
  Status last_ ABSL_GUARDED_BY(mutex_);  // Why the last stream ended.
  grpc::ClientContext* current_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;  // The current one is not to be heard.
  std::chrono::steady_clock::time_point heard_ ABSL_GUARDED_BY(mutex_);
  std::thread watchdog_;
  std::thread thread_;
};

}  // namespace strata::manager::rpc
