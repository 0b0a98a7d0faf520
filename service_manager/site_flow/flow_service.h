#pragma once

#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include <functional>
#include <string>

#include "common/metrics.h"
#include "common/status.h"
#include "proto/site_flow.grpc.pb.h"
#include "service_manager/link/child_streams.h"
#include "service_manager/rpc/guard.h"
#include "service_manager/site_flow/flow_messages.h"
#include "service_manager/site_flow/flow_state.h"
#include "service_manager/site_flow/purge_orders.h"

namespace strata::manager::site_flow {

// What children and operators ask a manager about sites and purges: tells each child that follows
// what it shall have, takes what it acknowledges, and answers questions. Ends streams of those who
// are silent, say what they may not, or whose certificate is void. docs/protocols/site_flow.md. Any
// thread.
class FlowService final : public v1::SiteFlow::Service {
 public:
  using Stream = grpc::ServerReaderWriter<v1::NewsMessage, v1::FollowerMessage>;

  // `leads`: ok if this manager leads; else why it takes no children and orders, Unavailable naming
  // who leads. All outlive it.
  FlowService(std::function<Status()> leads, FlowState& state, PurgeOrders& orders,
              rpc::Guard& guard, MetricRegistry& metrics);

  // Before the server starts: the service, and what a server has to allow for it.
  void AddTo(grpc::ServerBuilder& builder);

  // This manager leads no more, or ends: all streams end within a moment. `Stop`: none comes again.
  void EndAll(const Status& why);
  void Stop();

  grpc::Status Follow(grpc::ServerContext* context, Stream* stream) override;
  grpc::Status OrderPurge(grpc::ServerContext* context, const v1::OrderPurgeRequest* request,
                          v1::OrderPurgeReply* reply) override;
  grpc::Status SiteStatus(grpc::ServerContext* context, const v1::SiteStatusRequest* request,
                          v1::SiteStatusReply* reply) override;
  grpc::Status ListPurges(grpc::ServerContext* context, const v1::ListPurgesRequest* request,
                          v1::ListPurgesReply* reply) override;
  grpc::Status ShowPurge(grpc::ServerContext* context, const v1::ShowPurgeRequest* request,
                         v1::ShowPurgeReply* reply) override;

 private:
  Status Exchange(link::ChildStreams::Place& place, grpc::ServerContext& context, Stream& stream,
                  const Hello& hello);
  Status ReadAll(link::ChildStreams::Place& place, Stream& stream);
  void TellAll(const std::string& child, grpc::ServerContext& context, Stream& stream);
  // Runs what only shows something, for who may see it.
  grpc::Status View(grpc::ServerContext& context, const std::function<Status()>& show);
  Status ListSite(const std::string& site, uint32_t limit, v1::ListPurgesReply* reply);

  const std::function<Status()> leads_;
  FlowState& state_;
  PurgeOrders& orders_;
  rpc::Guard& guard_;
  Counter& taken_;
  link::ChildStreams streams_;
};

}  // namespace strata::manager::site_flow
