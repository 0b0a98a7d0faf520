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
#include "common/time.h"
#include "common/tls/identity.h"
#include "proto/federation.grpc.pb.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/link/child_feeds.h"
#include "service_manager/link/feed_messages.h"
#include "service_manager/link/stream_watch.h"
#include "service_manager/rpc/guard.h"

namespace strata::manager::link {

// The parent's end of the links: takes what the children tell, says what is on the disk here, and
// ends streams of those who are silent, say what they may not, or whose certificate is void. At a
// backup it takes what the manager that leads tells, in the same way.
// docs/protocols/federation.md, 3. Any thread.
class FeedService final : public v1::Federation::Service {
 public:
  using Stream = grpc::ServerReaderWriter<v1::FeedReply, v1::FeedRequest>;

  struct Options {
    federation::ScopeLevel own;
    // Ok: this manager leads. Else why it takes no child's feed, Unavailable naming who leads.
    std::function<Status()> leads;
    // Ok: the manager of that name leads, and this one is a backup. Else why it takes no feed of
    // it.
    std::function<Status(const std::string& manager)> follows = [](const std::string&) {
      return FailedPrecondition("this manager is nobody's backup");
    };
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
  // This manager begins to lead: as ChildFeeds::Lead, and the stream of the manager that led ends.
  // Children come from when `leads` says so, too.
  Status Lead();
  // It leads no more, and why: as ChildFeeds::Follow, and all streams end within a moment.
  void Follow(const Status& why);
  // Now and then, while this manager leads: as ChildFeeds::ForgetSilent.
  StatusOr<bool> ForgetSilent(Duration limit, Timestamp now);
  // It ends: all streams end, and none comes again.
  void Stop();

  std::vector<Child> children() const;  // By scope.
  // The manager that leads and tells this one; empty: none.
  std::string leader() const;

 private:
  // One stream of a child, or of the manager that leads, from when it has said who it is.
  struct Session {
    Child child;
    uint64_t epoch = 0;
    StreamWatch::Stream& watched;
    // Under mutex_:
    bool news = true;  // There may be something to say to the child.
    bool over = false;
  };

  Status Serve(grpc::ServerContext& context, Stream& stream, StreamWatch::Stream& watched);
  bool IsLeader(const std::string& scope) const { return scope == options_.own.scope; }
  Status CheckHello(const tls::Identity& caller, const Hello& hello) const;
  // Whether its feed is taken now.
  Status CheckTurn(const Child& child) const;
  Status CheckPlace(const Session& session) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Puts it in the place of the child's stream before, when that one has ended.
  Status Enter(Session& session);
  void Leave(Session& session);
  Status Exchange(Session& session, Stream& stream, const federation::FeedGreeting& greeting);
  Status ReadAll(Session& session, Stream& stream);
  void AnswerAll(Session& session, Stream& stream);
  void EndAll(const Status& why);

  const Options options_;
  rpc::Guard& guard_;
  ChildFeeds& feeds_;
  Counter& refused_;
  Counter& streams_;
  Gauge& told_by_;
  Counter& forgotten_;
  Counter& forgotten_copies_;
  StreamWatch watch_;

  mutable absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, Session*> sessions_ ABSL_GUARDED_BY(mutex_);  // By scope.
};

}  // namespace strata::manager::link
