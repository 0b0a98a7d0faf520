#include "service_manager/rpc/mirroring_service.h"

#include <chrono>
#include <thread>
#include <variant>

#include "common/log.h"
#include "service_manager/rpc/mirror_messages.h"

namespace strata::manager::rpc {
namespace {

namespace v1 = strata::manager::mirror::v1;

// A follower that hears nothing for some of these takes the link for dead.
constexpr std::chrono::milliseconds kIdleEvery(500);
// It waits to hear that it is in step.
constexpr std::chrono::milliseconds kAskedEvery(10);
constexpr size_t kAddressBytesMax = 300;

const Logger& Log() {
  static const Logger logger("mirror");
  return logger;
}

}  // namespace

grpc::Status MirroringService::Follow(grpc::ServerContext* context, Stream* stream) {
  std::string name;
  store::MirrorPosition from;
  const Status begun = Begin(*context, *stream, name, from);
  if (!begun.ok()) return ToGrpc(begun);
  auto feed = store_.Attach(name, from);
  if (!feed.ok()) return ToGrpc(feed.status());
  Log().Info("a manager follows", {{"name", name}, {"from", ToString(from)}});
  std::thread reader([stream, &feed] {
    v1::FollowRequest request;
    while (stream->Read(&request)) (*feed)->Acknowledge(request.position().number());
  });
  const Status ended = Send(*context, *stream, **feed);
  context->TryCancel();  // Ends the reader.
  reader.join();
  Log().Info("a manager follows no longer", {{"name", name}, {"why", MessageOf(ended)}});
  return ToGrpc(ended);
}

Status MirroringService::Begin(grpc::ServerContext& context, Stream& stream, std::string& name,
                               store::MirrorPosition& from) {
  STRATA_ASSIGN_OR_RETURN(const tls::Identity caller,
                          guard_.Admit(context, Guard::Right::kManager));
  v1::FollowRequest request;
  if (!stream.Read(&request)) return InvalidArgument("a stream that says nothing");
  if (request.protocol() != kMirrorProtocol) {
    return FailedPrecondition(
        "manager %s (version %s) speaks mirror protocol %u, this one %u: upgrade the older of the "
        "two",
        caller.name.c_str(), request.version().substr(0, 64).c_str(), request.protocol(),
        kMirrorProtocol);
  }
  if (request.address().empty() || request.address().size() > kAddressBytesMax) {
    return InvalidArgument("address: 1 to %zu bytes", kAddressBytesMax);
  }
  if (!store_.leads()) return Unavailable("this manager does not lead its farm");
  const Leader leader = leader_();
  if (caller.name == leader.name) {
    return FailedPrecondition("this manager is %s too: each needs a certificate of its own",
                              leader.name.c_str());
  }
  STRATA_ASSIGN_OR_RETURN(const uint32_t id, book_.Enroll(caller.name, request.address()));
  name = caller.name;
  from = FromProto(request.position());
  v1::FollowReply reply;
  reply.mutable_greeting()->set_member_id(id);
  reply.mutable_greeting()->set_leader(leader.name);
  reply.mutable_greeting()->set_group_id(leader.group_id);
  return stream.Write(reply) ? Ok() : Unavailable("the stream broke");
}

Status MirroringService::Send(grpc::ServerContext& context, Stream& stream,
                              store::MirroredStore::Feed& feed) {
  auto checked = std::chrono::steady_clock::now();
  std::chrono::milliseconds wait(0);  // What is not there at once says that the follower has all.
  while (!stop_ && !context.IsCancelled()) {
    // A stream lives long: its certificate may have been revoked meanwhile.
    if (std::chrono::steady_clock::now() - checked >= kIdleEvery) {
      STRATA_RETURN_IF_ERROR(guard_.StillGood(context));
      checked = std::chrono::steady_clock::now();
    }
    auto next = feed.Next(wait);
    wait = feed.InStep() ? kIdleEvery : kAskedEvery;
    if (!next.ok()) {
      if (next.status().code() != StatusCode::kDeadlineExceeded) return next.status();
      v1::FollowReply idle;
      idle.mutable_idle()->set_in_step(feed.InStep());
      idle.mutable_idle()->set_counts(feed.Counts());
      idle.mutable_idle()->set_lead(feed.OffersLead());
      if (!stream.Write(idle)) break;
      continue;
    }
    wait = std::chrono::milliseconds(0);
    if (const auto* entry = std::get_if<store::MirroredStore::Entry>(&*next)) {
      if (!stream.Write(ToReply(*entry))) break;
      continue;
    }
    for (const v1::FollowReply& part : ToReplies(std::get<store::MirroredStore::Copy>(*next))) {
      if (!stream.Write(part)) return Unavailable("the stream broke");
    }
  }
  return Unavailable(stop_ ? "this manager ends" : "the stream broke");
}

}  // namespace strata::manager::rpc
