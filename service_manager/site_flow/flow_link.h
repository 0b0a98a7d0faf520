#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "common/system_random.h"
#include "common/time.h"
#include "common/tls/manager_channel.h"
#include "common/tls/tls_files.h"
#include "proto/site_flow.grpc.pb.h"
#include "service_manager/link/stream_watch.h"
#include "service_manager/site_flow/flow_messages.h"
#include "service_manager/site_flow/flow_state.h"

namespace strata::manager::site_flow {

// The child's end: follows the parent, whichever of its managers leads, on a thread of its own:
// takes sites and purges, and tells what is acknowledged beneath. docs/protocols/site_flow.md. Of a
// manager that leads, from when it begins to until it does not any more. Owned by the application.
class FlowLink {
 public:
  struct Options {
    // HOST:PORT of the parent's managers, to be asked in this order; asked for before each round.
    std::function<std::vector<std::string>()> parents;
    // As the feed's: of a manager that took over it is higher.
    uint64_t epoch = 0;
  };

  // How the link is, for people and /healthz.
  struct State {
    bool connected = false;
    std::string parent;  // Address of the manager that was asked last; empty: none.
    std::string scope;   // Its scope, once it has said so.
    Status last;         // Why the last stream ended, or none came to be.
  };

  FlowLink(Options options, FlowState& state, std::shared_ptr<const tls::TlsStore> tls);
  ~FlowLink();
  FlowLink(const FlowLink&) = delete;
  FlowLink& operator=(const FlowLink&) = delete;

  // Once.
  void Start();
  // For ever; within a second, or what a write to the disk takes. Nothing is taken any more then.
  void Stop();

  State state() const;

 private:
  using Stream = grpc::ClientReaderWriterInterface<v1::FollowerMessage, v1::NewsMessage>;

  void Loop();
  // One try with each manager of the parent; whether one of them took this child.
  bool AskAll();
  Status Follow(tls::ManagerChannel& parent, bool& welcomed);
  Status Exchange(const grpc::ClientContext& context, Stream& stream,
                  link::StreamWatch::Stream& watched, bool& welcomed);
  Status Begin(const grpc::AuthContext& peer, const v1::NewsMessage& first);
  Status ReadAll(Stream& stream, link::StreamWatch::Stream& watched);
  void TellAll(Stream& stream, link::StreamWatch::Stream& watched);

  const Options options_;
  FlowState& flow_;
  const std::shared_ptr<const tls::TlsStore> tls_;
  link::StreamWatch watch_;

  // Of the link's thread.
  tls::ManagerChannelMap channels_;
  SystemRandom random_;

  mutable absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  link::StreamWatch::Stream* current_ ABSL_GUARDED_BY(mutex_) = nullptr;
  State state_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace strata::manager::site_flow
