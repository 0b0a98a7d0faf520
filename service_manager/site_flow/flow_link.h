#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "common/tls/tls_files.h"
#include "proto/site_flow.grpc.pb.h"
#include "service_manager/link/parent_caller.h"
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
  FlowLink(const FlowLink&) = delete;
  FlowLink& operator=(const FlowLink&) = delete;

  // Once.
  void Start() { caller_.Start(); }
  // For ever; within a second, or what a write to the disk takes. Nothing is taken any more then.
  void Stop() { caller_.Stop(); }

  State state() const;

 private:
  using Stream = grpc::ClientReaderWriterInterface<v1::FollowerMessage, v1::NewsMessage>;

  // One stream, until it breaks, or something does not fit.
  Status Talk(link::ParentCaller::Call& call);
  Status Exchange(link::ParentCaller::Call& call, Stream& stream);
  Status ReadAll(const std::string& parent, Stream& stream, link::StreamWatch::Stream& watched);
  void TellAll(Stream& stream, link::StreamWatch::Stream& watched);

  const uint64_t epoch_;
  FlowState& flow_;
  mutable absl::Mutex mutex_;
  link::ParentCaller::State asked_ ABSL_GUARDED_BY(mutex_);
  link::ParentCaller caller_;  // Last: its thread uses the others.
};

}  // namespace strata::manager::site_flow
