#pragma once

#include <grpcpp/client_context.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "common/system_random.h"
#include "common/tls/manager_channel.h"
#include "common/tls/tls_files.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/link/stream_watch.h"

namespace strata::manager::link {

// What the streams that a child has to its parent have in common: asks the parent's managers, in
// order, for as long as it takes until one of them has the stream, and again when that one ended.
// docs/protocols/federation.md, 3.5. On a thread of its own.
class ParentCaller {
 public:
  class Call;

  struct State {
    std::string parent = {};  // Address of the manager that was asked last; empty: none.
    std::string scope = {};   // Its scope, once it has said so.
    Status last;              // Why the last stream ended, or none came to be.
  };
  struct Options {
    // Ok: the manager that answers may be asked. Else why not; CheckLink() of the own place.
    std::function<Status(const federation::ScopeLevel& parent)> fits;
    // HOST:PORT of the parent's managers, to be asked in this order; asked for before each round.
    std::function<std::vector<std::string>()> parents;
    int message_bytes_max = 0;
    // One stream, from its beginning to its end, on the caller's thread; what it ended with. It may
    // be cancelled at any time.
    std::function<Status(Call&)> talk;
    // How it is now; from when somebody is asked on. On the caller's thread, without locks.
    std::function<void(const State&)> tell;
    // What the log says of a stream that has ended.
    const char* lost = "a stream to the parent has ended";
  };

  ParentCaller(Options options, std::shared_ptr<const tls::TlsStore> tls);
  ~ParentCaller();
  ParentCaller(const ParentCaller&) = delete;
  ParentCaller& operator=(const ParentCaller&) = delete;

  void Start();  // Once.
  void Stop();   // For ever; cancels the stream that there is, and waits for its end.

 private:
  void Loop();
  // One try with each manager of the parent; whether one of them had the stream.
  bool AskAll();
  Status Ask(tls::ManagerChannel& parent, bool& welcomed);

  const Options options_;
  const std::shared_ptr<const tls::TlsStore> tls_;
  StreamWatch watch_;

  // Of the caller's thread.
  tls::ManagerChannelMap channels_;
  SystemRandom random_;
  State state_;

  absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  StreamWatch::Stream* current_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::thread thread_;
};

// One stream to a manager of the parent.
class ParentCaller::Call {
 public:
  grpc::ClientContext& context() { return context_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  StreamWatch::Stream& watched() { return watched_; }

  // Who answered says that it is `parent`. PermissionDenied: its certificate says otherwise; or
  // what Options::fits says. From here on its certificate is looked at, too.
  Status Believe(const federation::ScopeLevel& parent);
  // It has the stream: no other manager is asked now.
  void OnWelcome() { welcomed_ = true; }

 private:
  friend class ParentCaller;

  Call(ParentCaller& caller, grpc::ClientContext& context, std::shared_ptr<grpc::Channel> channel,
       StreamWatch::Stream& watched)
      : caller_(caller), context_(context), channel_(std::move(channel)), watched_(watched) {}

  ParentCaller& caller_;
  grpc::ClientContext& context_;
  const std::shared_ptr<grpc::Channel> channel_;
  StreamWatch::Stream& watched_;
  bool welcomed_ = false;
};

}  // namespace strata::manager::link
