#pragma once

#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/metrics.h"
#include "common/status.h"
#include "proto/hierarchy.grpc.pb.h"
#include "service_manager/hierarchy/attachment_messages.h"
#include "service_manager/hierarchy/attachments.h"
#include "service_manager/hierarchy/own_tree.h"
#include "service_manager/hierarchy/views.h"
#include "service_manager/link/child_streams.h"
#include "service_manager/rpc/guard.h"

namespace strata::manager::hierarchy {

// The parent's end of the attachments, and what people ask of the tree (proto/hierarchy.proto):
// takes what children say into Attachments, tells them what is above, and ends streams of those who
// are silent, say what they may not, or whose certificate is void. docs/protocols/attachment.md.
// Any thread. Every manager has one; at level 1 it has no children.
class HierarchyService final : public v1::Hierarchy::Service {
 public:
  using Stream = grpc::ServerReaderWriter<v1::AttachReply, v1::AttachRequest>;

  struct Options {
    // Ok: this manager leads. Else Unavailable, naming who does.
    std::function<Status()> leads;
    // ParentAttachment's state; nothing: there is to be no parent.
    std::function<Above()> above = [] { return Above(); };
    // The canonical URI of one that somebody typed; as Orders::Name says.
    std::function<StatusOr<std::string>(const std::string& uri)> canonical;
    // Copies that met each rule of the policy since the start, and at last those that met none;
    // empty: nobody counts.
    std::function<std::vector<uint64_t>()> hits = [] { return std::vector<uint64_t>(); };
  };

  // All outlive this.
  HierarchyService(Options options, rpc::Guard& guard, const OwnTree& tree, Attachments& children,
                   MetricRegistry& metrics);

  // Before the server starts: the service, and what a server has to allow for it.
  void AddTo(grpc::ServerBuilder& builder);

  grpc::Status Attach(grpc::ServerContext* context, Stream* stream) override;
  grpc::Status Tree(grpc::ServerContext* context, const v1::TreeRequest* request,
                    v1::TreeReply* reply) override;
  grpc::Status Policy(grpc::ServerContext* context, const v1::PolicyRequest* request,
                      v1::PolicyReply* reply) override;

  // What is above, or the own policy, is another: children are told at once, else within a second.
  void TellChildren() { streams_.TellNews(); }
  // This manager leads no more, or ends: all streams end within a moment. `Stop`: none comes again.
  void EndAll(const Status& why) { streams_.EndAll(why); }
  void Stop() { streams_.Stop(); }

 private:
  Status Exchange(link::ChildStreams::Place& place, Stream& stream, const AttachHello& hello);
  Status ReadAll(link::ChildStreams::Place& place, Stream& stream);
  void AnswerAll(link::ChildStreams::Place& place, Stream& stream, Chain told);
  Status Take(const std::string& child, const v1::AttachRequest& request);
  // This manager, and what is above it.
  Chain ChainNow() const;
  Status CheckViewer(grpc::ServerContext& context);
  Status ShowPolicy(const std::string& uri, v1::PolicyReply& reply) const;

  const Options options_;
  rpc::Guard& guard_;
  const OwnTree& tree_;
  Attachments& children_;
  Counter& reports_;
  link::ChildStreams streams_;
};

}  // namespace strata::manager::hierarchy
