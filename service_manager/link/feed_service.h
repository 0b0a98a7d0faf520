#pragma once

#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include <string>
#include <vector>

#include "common/metrics.h"
#include "common/status.h"
#include "common/time.h"
#include "proto/federation.grpc.pb.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/link/child_feeds.h"
#include "service_manager/link/child_streams.h"
#include "service_manager/link/feed_messages.h"
#include "service_manager/rpc/guard.h"

namespace strata::manager::link {

// The parent's end of the links: takes what the children tell, says what is on the disk here, and
// ends streams of those who are silent, say what they may not, or whose certificate is void. At a
// backup it takes what the manager that leads tells, in the same way.
// docs/protocols/federation.md, 3. Any thread.
class FeedService final : public v1::Federation::Service {
 public:
  using Stream = grpc::ServerReaderWriter<v1::FeedReply, v1::FeedRequest>;

  // `follows` is never empty: who is nobody's backup refuses whoever leads.
  using Options = ChildStreams::Options;
  using Child = ChildStreams::Child;

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

  std::vector<Child> children() const { return streams_.children(); }  // By scope.
  // The manager that leads and tells this one; empty: none.
  std::string leader() const { return streams_.leader(); }

 private:
  Status Exchange(ChildStreams::Place& place, Stream& stream,
                  const federation::FeedGreeting& greeting);
  Status Welcomed(ChildStreams::Place& place, Stream& stream,
                  const federation::FeedGreeting& greeting);
  Status ReadAll(ChildStreams::Place& place, Stream& stream);
  void AnswerAll(ChildStreams::Place& place, Stream& stream);

  const federation::ScopeLevel own_;
  ChildFeeds& feeds_;
  Counter& taken_;
  Counter& changes_;
  Counter& intervals_;
  Counter& forgotten_;
  Counter& forgotten_copies_;
  ChildStreams streams_;
};

}  // namespace strata::manager::link
