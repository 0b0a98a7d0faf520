#pragma once

#include <grpcpp/support/sync_stream.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "common/time.h"
#include "common/tls/tls_files.h"
#include "proto/hierarchy.grpc.pb.h"
#include "service_manager/hierarchy/attachment_messages.h"
#include "service_manager/hierarchy/own_tree.h"
#include "service_manager/link/parent_caller.h"

namespace strata::manager::hierarchy {

// The child's end of the attachment: tells whichever of the parent's managers leads who this scope
// is, how loaded, and what is beneath it; hears what is above. Of a manager that leads, from when
// it begins to until it does not any more. On a thread of its own. docs/protocols/attachment.md
class ParentAttachment {
 public:
  struct Options {
    federation::ScopeLevel own;
    uint64_t epoch = 0;  // The term in which this manager leads.
    // HOST:PORT of the parent's managers, to be asked in this order; asked for before each round.
    std::function<std::vector<std::string>()> parents;
    // The attachment came or went, or what is above is another; called without locks, on the
    // attachment's threads.
    std::function<void()> changed = [] {};
  };

  // How the attachment is, for people and /healthz.
  struct State {
    bool connected = false;
    std::string parent;  // Address of the manager that was asked last; empty: none.
    Status last;         // Why the last stream ended, or none came to be.
    Chain above;         // From the parent to the top, as it was told last; empty: nobody has yet.
  };

  // `tree` outlives this.
  ParentAttachment(Options options, const OwnTree& tree, std::shared_ptr<const tls::TlsStore> tls);
  ~ParentAttachment();

  void Start();  // Once.
  void Stop();   // For ever; within a second.

  // Something has changed that the parent should know before the second is over.
  void TellSoon();

  State state() const;
  // Until `condition` holds of the state: true; or for `limit`: false.
  bool Await(const std::function<bool(const State&)>& condition, Duration limit) const;

 private:
  using Stream = grpc::ClientReaderWriterInterface<v1::AttachRequest, v1::AttachReply>;

  Status Talk(link::ParentCaller::Call& call);
  Status Exchange(link::ParentCaller::Call& call, Stream& stream);
  Status Begin(link::ParentCaller::Call& call, const v1::AttachReply& first);
  Status ReadAll(link::ParentCaller::Call& call, Stream& stream);
  void SendAll(Stream& stream);
  // False: the stream is over. Else it is time for a report.
  bool AwaitReport();
  Status TakeChain(Chain chain);
  void SetConnected(bool connected);
  State StateNow() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const OwnTree& tree_;

  mutable absl::Mutex mutex_;
  bool connected_ ABSL_GUARDED_BY(mutex_) = false;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;  // The stream that there is gives nothing more.
  bool soon_ ABSL_GUARDED_BY(mutex_) = false;
  federation::ScopeLevel parent_ ABSL_GUARDED_BY(mutex_);
  link::ParentCaller::State asked_ ABSL_GUARDED_BY(mutex_);
  Chain above_ ABSL_GUARDED_BY(mutex_);
  link::ParentCaller caller_;
};

}  // namespace strata::manager::hierarchy
