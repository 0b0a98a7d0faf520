#pragma once

#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/status.h"
#include "proto/federation.grpc.pb.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/link/child_feeds.h"
#include "service_manager/link/feed_messages.h"
#include "service_manager/link/stream_watch.h"
#include "service_manager/rpc/guard.h"

namespace strata::manager::link {

// The parent's end of the links: takes what the children tell, says what is on the disk here, and
// ends streams of those who are silent, say what they may not, or whose certificate is void.
// docs/protocols/federation.md, 3. Any thread.
class FeedService final : public v1::Federation::Service {
 public:
  using Stream = grpc::ServerReaderWriter<v1::FeedReply, v1::FeedRequest>;

  struct Options {
    federation::ScopeLevel own;
    // Ok: this manager leads. Else why it takes no feed, Unavailable naming who leads.
    std::function<Status()> leads;
  };

  // A child whose stream is there, for people.
  struct Child {
    std::string scope;
    uint32_t level = 0;
    std::string manager;  // The name in its certificate.
  };

  FeedService(Options options, rpc::Guard& guard, ChildFeeds& feeds, MetricRegistry& metrics);

  // Before the server starts: the service, and what a server has to allow for it.
  void AddTo(grpc::ServerBuilder& builder);

  grpc::Status Feed(grpc::ServerContext* context, Stream* stream) override;

  // The store's SyncedUpTo() grew: there may be something to acknowledge.
  void OnSynced();
  // This manager leads no more, or ends: all streams end within a moment. `stop`: none comes again.
  void EndAll(const Status& why);
  void Stop();

  std::vector<Child> children() const;  // By scope.

 private:
  // One stream of a child, from when it has said who it is.
  struct Session {
    Child child;
    uint64_t epoch = 0;
    StreamWatch::Stream& watched;
    // Under mutex_:
    bool news = true;  // There may be something to say to the child.
    bool over = false;
  };

  Status Serve(grpc::ServerContext& context, Stream& stream, StreamWatch::Stream& watched);
  StatusOr<Hello> Admit(grpc::ServerContext& context, Stream& stream, StreamWatch::Stream& watched,
                        std::string& manager);
  // Puts it in the place of the child's stream before, when that one has ended.
  Status Enter(Session& session);
  void Leave(Session& session);
  Status Exchange(Session& session, Stream& stream, const federation::FeedGreeting& greeting);
  Status ReadAll(Session& session, Stream& stream);
  void AnswerAll(Session& session, Stream& stream);
  Status Refused(const Status& why);

  const Options options_;
  rpc::Guard& guard_;
  ChildFeeds& feeds_;
  Counter& refused_;
  Counter& streams_;
  StreamWatch watch_;

  mutable absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, Session*> sessions_ ABSL_GUARDED_BY(mutex_);  // By scope.
};

}  // namespace strata::manager::link
