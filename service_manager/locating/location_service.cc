#include "service_manager/locating/location_service.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "service_manager/locating/limits.h"
#include "service_manager/locating/location_messages.h"

namespace strata::manager::locating {
namespace {

using federation::kReturnShare;
using federation::LocateAnswer;
using federation::LocateQuestion;
using federation::QuestionId;
using std::chrono::system_clock;

// What of the call's time is left for the question: the rest is for the answer's way.
Duration TimeLeft(const grpc::CallbackServerContext& context, Duration asked) {
  const system_clock::duration left = context.deadline() - system_clock::now();
  if (left >= 2 * asked) return asked;  // Also if there is no deadline.
  const auto time = std::chrono::duration_cast<Duration>(left);
  return std::clamp(time - time / kReturnShare, Duration::zero(), asked);
}

}  // namespace

// One call, from when it came until gRPC has done with it; owns itself.
class LocationService::Call final : public grpc::ServerUnaryReactor {
 public:
  explicit Call(Locator& locator) : locator_(locator) {}

  // When the locator has the question; before it is bound, so OnCancel comes later.
  void Waits(QuestionId id) { id_ = id; }

  template <class Reply>
  Locator::Done Into(Reply& reply) {
    return [this, &reply](StatusOr<LocateAnswer> answer) {
      if (answer.ok()) ToProto(*answer, reply);
      Finish(rpc::ToGrpc(answer.status()));
    };
  }

 private:
  void OnCancel() override {
    if (id_ != QuestionId() && locator_.Forget(id_)) Finish(grpc::Status::CANCELLED);
  }
  void OnDone() override { delete this; }

  Locator& locator_;
  QuestionId id_{};
};

LocationService::LocationService(Options options, rpc::Guard& guard, Locator& locator)
    : options_(std::move(options)), guard_(guard), locator_(locator) {}

void LocationService::AddTo(grpc::ServerBuilder& builder) {
  // Less than the time between two pings of a neighbour: a little early is no offence.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             static_cast<int>(kKeepalive / std::chrono::milliseconds(2)));
  builder.RegisterService(this);
}

grpc::ServerUnaryReactor* LocationService::Locate(grpc::CallbackServerContext* context,
                                                  const v1::LocateRequest* request,
                                                  v1::LocateReply* reply) {
  auto* call = new Call(locator_);
  const Status begun = BeginLocate(*context, *request, *reply, *call);
  if (!begun.ok()) call->Finish(rpc::ToGrpc(begun));
  return call;
}

Status LocationService::BeginLocate(grpc::CallbackServerContext& context,
                                    const v1::LocateRequest& request, v1::LocateReply& reply,
                                    Call& call) {
  STRATA_ASSIGN_OR_RETURN(const tls::Identity caller,
                          guard_.Admit(context, rpc::Guard::Right::kNeighbour));
  STRATA_RETURN_IF_ERROR(options_.leads());
  STRATA_ASSIGN_OR_RETURN(LocateQuestion question, FromProto(request));
  question.time_left = TimeLeft(context, question.time_left);
  const StatusOr<QuestionId> id =
      locator_.LocateFor(caller.scope, std::move(question), call.Into(reply));
  if (id.status().code() == StatusCode::kPermissionDenied) locator_.metrics().strangers.Add();
  STRATA_RETURN_IF_ERROR(id);
  call.Waits(*id);
  return Ok();
}

grpc::ServerUnaryReactor* LocationService::Trace(grpc::CallbackServerContext* context,
                                                 const v1::TraceRequest* request,
                                                 v1::TraceReply* reply) {
  auto* call = new Call(locator_);
  const Status begun = BeginTrace(*context, *request, *reply, *call);
  if (!begun.ok()) call->Finish(rpc::ToGrpc(begun));
  return call;
}

Status LocationService::BeginTrace(grpc::CallbackServerContext& context,
                                   const v1::TraceRequest& request, v1::TraceReply& reply,
                                   Call& call) {
  STRATA_RETURN_IF_ERROR(guard_.Admit(context, rpc::Guard::Right::kView).status());
  STRATA_RETURN_IF_ERROR(options_.leads());  // Others have no neighbours.
  STRATA_ASSIGN_OR_RETURN(Named named, options_.name(request.uri()));
  reply.set_scope(locator_.own().scope);
  reply.set_site(named.site);
  reply.set_canonical_uri(named.canonical_uri);
  reply.set_key(ToString(named.key));
  LocateQuestion question{.key = named.key,
                          .canonical_uri = std::move(named.canonical_uri),
                          .time_left = TimeLeft(context, kTraceTimeMax),
                          .trace = request.trace()};
  call.Waits(locator_.Locate(std::move(question), call.Into(reply)));
  return Ok();
}

}  // namespace strata::manager::locating
