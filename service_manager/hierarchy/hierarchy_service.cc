#include "service_manager/hierarchy/hierarchy_service.h"

#include <utility>

#include "common/log.h"
#include "common/version.h"
#include "multicast/driver/clock.h"
#include "service_manager/hierarchy/limits.h"

namespace strata::manager::hierarchy {
namespace {

using link::ChildStreams;
using multicast::Now;

const Logger& Log() {
  static const Logger logger("hierarchy");
  return logger;
}

}  // namespace

HierarchyService::HierarchyService(Options options, rpc::Guard& guard, const OwnTree& tree,
                                   Attachments& children, MetricRegistry& metrics)
    : options_(std::move(options)),
      guard_(guard),
      tree_(tree),
      children_(children),
      reports_(metrics.AddCounter({.name = "strata_hierarchy_reports_total",
                                   .help = "Reports of children that were taken."})),
      streams_({.own = tree.own(), .leads = options_.leads}, guard,
               metrics.AddCounter({.name = "strata_hierarchy_refused_total",
                                   .help = "Attachments of children that were refused, or ended "
                                           "for what they said."}),
               metrics.AddGauge(
                   {.name = "strata_hierarchy_children", .help = "Children that are attached."})) {}

void HierarchyService::AddTo(grpc::ServerBuilder& builder) {
  ChildStreams::Prepare(builder);
  builder.RegisterService(this);
}

grpc::Status HierarchyService::Attach(grpc::ServerContext* context, Stream* stream) {
  AttachHello hello;
  return streams_.Serve(
      *context,
      [&]() -> StatusOr<ChildStreams::Introduction> {
        v1::AttachRequest first;
        if (!stream->Read(&first)) return InvalidArgument("a stream that says nothing");
        STRATA_ASSIGN_OR_RETURN(hello, FromProto(first));
        return ChildStreams::Introduction{.child = hello.child, .epoch = hello.epoch};
      },
      [&](ChildStreams::Place& place) { return Exchange(place, *stream, hello); });
}

Status HierarchyService::Exchange(ChildStreams::Place& place, Stream& stream,
                                  const AttachHello& hello) {
  const ChildStreams::Child& child = place.child();
  STRATA_RETURN_IF_ERROR(children_.OnAttached(hello, child.manager, Now()));
  Log().Info("a child is attached", {{"scope", child.scope},
                                     {"level", child.level},
                                     {"manager", child.manager},
                                     {"epoch", hello.epoch}});
  Chain chain = ChainNow();
  Status ended = Unavailable("the stream broke");
  const AttachWelcome welcome{.parent = tree_.own(), .version = kVersion, .chain = chain};
  if (stream.Write(ToReply(welcome))) {
    ended = place.Exchange([&] { return ReadAll(place, stream); },
                           [&] { AnswerAll(place, stream, std::move(chain)); });
  }
  children_.OnDetached(child.scope, Now());
  const Status why = place.ended().ok() ? ended : place.ended();
  Log().Warning("a child is not attached any more",
                {{"scope", child.scope}, {"why", MessageOf(why)}});
  return ended;
}

Status HierarchyService::ReadAll(ChildStreams::Place& place, Stream& stream) {
  v1::AttachRequest request;
  while (true) {
    place.Waits();
    if (!stream.Read(&request)) return Unavailable("the stream broke");
    place.Heard();
    STRATA_RETURN_IF_ERROR(options_.leads());
    STRATA_RETURN_IF_ERROR(Take(place.child().scope, request));
  }
}

Status HierarchyService::Take(const std::string& child, const v1::AttachRequest& request) {
  switch (request.what_case()) {
    case v1::AttachRequest::kHello:
      return InvalidArgument("a second hello");
    case v1::AttachRequest::kPart: {
      STRATA_ASSIGN_OR_RETURN(ChildPart part, FromProto(request.part()));
      children_.OnPart(child, std::move(part), Now());
      return Ok();
    }
    case v1::AttachRequest::kReport: {
      STRATA_ASSIGN_OR_RETURN(ChildReport report, FromProto(request.report()));
      STRATA_RETURN_IF_ERROR(children_.OnReport(child, std::move(report), Now()));
      reports_.Add();
      return Ok();
    }
    case v1::AttachRequest::WHAT_NOT_SET:  // Of a later version.
      return Ok();
  }
  return Ok();
}

void HierarchyService::AnswerAll(ChildStreams::Place& place, Stream& stream, Chain told) {
  v1::AttachReply alive;
  alive.mutable_alive();
  while (place.AwaitNews()) {
    Chain chain = ChainNow();
    const bool other = chain != told;
    if (!stream.Write(other ? ToReply(chain) : alive)) return;
    if (other) told = std::move(chain);
  }
}

Chain HierarchyService::ChainNow() const {
  Chain chain = {{.place = tree_.own()}};
  const Above above = options_.above();
  if (!above) return chain;
  chain.front().policy = tree_.policy();
  for (const ChainLink& link : above->above) {
    if (chain.size() < kChainMax) chain.push_back(link);
  }
  return chain;
}

Status HierarchyService::CheckViewer(grpc::ServerContext& context) {
  STRATA_RETURN_IF_ERROR(guard_.Admit(context, rpc::Guard::Right::kView));
  return options_.leads();
}

grpc::Status HierarchyService::Tree(grpc::ServerContext* context, const v1::TreeRequest*,
                                    v1::TreeReply* reply) {
  const Status allowed = CheckViewer(*context);
  if (!allowed.ok()) return rpc::ToGrpc(allowed);
  *reply = TreeReplyOf(tree_.At(Now()).report, options_.above());
  return grpc::Status::OK;
}

grpc::Status HierarchyService::Policy(grpc::ServerContext* context,
                                      const v1::PolicyRequest* request, v1::PolicyReply* reply) {
  const Status allowed = CheckViewer(*context);
  return rpc::ToGrpc(allowed.ok() ? ShowPolicy(request->uri(), *reply) : allowed);
}

Status HierarchyService::ShowPolicy(const std::string& uri, v1::PolicyReply& reply) const {
  PolicyView view{.own = tree_.own(),
                  .policy = tree_.policy(),
                  .hits = options_.hits(),
                  .above = options_.above(),
                  .canonical_uri = {}};
  if (!uri.empty()) {
    STRATA_ASSIGN_OR_RETURN(view.canonical_uri, options_.canonical(uri));
  }
  STRATA_ASSIGN_OR_RETURN(reply, PolicyReplyOf(view));
  return Ok();
}

}  // namespace strata::manager::hierarchy
