#pragma once

#include <grpcpp/support/sync_stream.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "common/bytes.h"
#include "common/status.h"
#include "common/time.h"
#include "common/tls/tls_files.h"
#include "proto/federation.grpc.pb.h"
#include "service_manager/federation/feed/feed_sender.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/link/feed_messages.h"
#include "service_manager/link/parent_caller.h"

namespace strata::manager::link {

// The child's end of the link: tells the parent, whichever of its managers leads, what the feed
// has to tell, on a thread of its own, and goes on where it stopped when the stream breaks.
// docs/protocols/federation.md, 3. Of a manager that leads, from when it begins to until it does
// not any more. Owned by the application.
class ParentLink {
 public:
  // Gets what was read, once.
  using Found = absl::FunctionRef<void(const federation::FeedReadItems&)>;

  struct Options {
    federation::ScopeLevel own;
    // HOST:PORT of the parent's managers, to be asked in this order; asked for before each round.
    std::function<std::vector<std::string>()> parents;
    // Reads the projection for the feed, on the link's thread, as FeedSender::TakeRead wants it:
    // all changes that it may have seen have been told when it calls `found`. After an error it is
    // asked again a second later.
    std::function<Status(const federation::FeedRead& read, Found found)> read;
    // They are not the parent's managers, but a backup of this one, which is told all that this one
    // knows (3.6).
    bool to_backup = false;
    // Messages, by gRPC: of changes with URIs a third of the bytes is left, for about 2 us each.
    bool compress = true;
  };

  // How the link is, for people and /healthz.
  struct State {
    bool connected = false;
    std::string parent;         // Address of the manager that was asked last; empty: none.
    std::string scope;          // Its scope, once it has said so.
    Status last;                // Why the last stream ended, or none came to be.
    uint64_t acknowledged = 0;  // In the feed: behind what is durable at the parent,
    uint64_t sent = 0;          // and behind what it was sent.
    size_t kept_records = 0;
    size_t dirty_ranges = 0;
    bool quiet = false;  // The parent has all that it is to know.
    federation::FeedSenderCounts counts;
  };

  // `feed`, `told`: as FeedSender's. `feed` is checked.
  ParentLink(Options options, const federation::FeedSenderOptions& feed,
             const federation::RangeDigests& told, std::shared_ptr<const tls::TlsStore> tls);
  ~ParentLink();
  ParentLink(const ParentLink&) = delete;
  ParentLink& operator=(const ParentLink&) = delete;

  // Once: from here on the parent is told. Holders and changes may be told before.
  void Start();
  // For ever; within a second. Afterwards nothing is read any more.
  void Stop();

  // Any thread: tells the feed of holders and changes, within the link's lock. `tell` is short and
  // calls nothing of the link.
  void With(absl::FunctionRef<void(federation::FeedSender&, Timestamp now)> tell);

  State state() const;
  // Until `condition` holds of the state: true; or for `limit`: false.
  bool Await(const std::function<bool(const State&)>& condition, Duration limit) const;

 private:
  using Stream = grpc::ClientReaderWriterInterface<v1::FeedRequest, v1::FeedReply>;

  Status Talk(ParentCaller::Call& call);
  Status Exchange(ParentCaller::Call& call, Stream& stream);
  Hello OwnHello() const;
  Status CheckOther(const federation::ScopeLevel& other) const;
  Status Begin(ParentCaller::Call& call, const v1::FeedReply& first);
  Status ReadAll(ParentCaller::Call& call, Stream& stream);
  Status Take(const v1::FeedReply& reply);
  void SendAll(Stream& stream);
  bool AwaitWork(Timestamp alive_at, Bytes& batch, std::optional<federation::FeedRead>& read);
  void ReadFor(const federation::FeedRead& read);
  State StateNow() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;

  mutable absl::Mutex mutex_;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;   // The stream that there is gives nothing more.
  bool awake_ ABSL_GUARDED_BY(mutex_) = false;  // The link's thread has to look anew,
  Timestamp sleeps_until_ ABSL_GUARDED_BY(mutex_) = Timestamp::Never();  // before this.
  Timestamp read_after_ ABSL_GUARDED_BY(mutex_);                         // The last read failed.
  federation::FeedSender sender_ ABSL_GUARDED_BY(mutex_);
  ParentCaller::State asked_ ABSL_GUARDED_BY(mutex_);
  ParentCaller caller_;
};

}  // namespace strata::manager::link
