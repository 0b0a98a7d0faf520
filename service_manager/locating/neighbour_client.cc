#include "service_manager/locating/neighbour_client.h"

#include <grpc/grpc.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/check.h"
#include "common/tls/grpc_credentials.h"
#include "multicast/driver/clock.h"
#include "service_manager/federation/locate/locate_desk.h"
#include "service_manager/locating/limits.h"
#include "service_manager/locating/location_messages.h"

namespace strata::manager::locating {
namespace {

using federation::kHopTimeMin;
using federation::kReturnShare;
using federation::LocateAnswer;
using federation::LocateQuestion;
using multicast::Now;
using std::chrono::system_clock;

// The whole time of an asker who gave the rest of it to whom it asks; and back. The desk keeps as
// much for the answer's way.
Duration WithWayBack(Duration time) {
  return time + std::max(time / (kReturnShare - 1), kHopTimeMin);
}
Duration WithoutWayBack(Duration time) { return time - std::max(time / kReturnShare, kHopTimeMin); }

system_clock::time_point After(Duration time) {
  return system_clock::now() + std::chrono::duration_cast<system_clock::duration>(time);
}

// Another manager of the same scope may do better.
bool MayAskAnother(StatusCode code, bool connected) {
  return code == StatusCode::kUnavailable || code == StatusCode::kUnauthenticated ||
         (code == StatusCode::kDeadlineExceeded && !connected);
}

}  // namespace

NeighbourClient::NeighbourClient(std::string scope, std::shared_ptr<const tls::TlsStore> tls,
                                 LocateMetrics& metrics)
    : scope_(std::move(scope)), tls_(std::move(tls)), metrics_(metrics) {}

NeighbourClient::~NeighbourClient() {
  absl::MutexLock lock(&mutex_);
  STRATA_CHECK(calls_.empty());
}

void NeighbourClient::SetManagers(const std::vector<std::string>& addresses) {
  absl::MutexLock lock(&mutex_);
  Managers before = std::exchange(managers_, {});
  for (const std::string& address : addresses) {
    const auto is_it = [&address](const Manager& one) { return one.channel.address() == address; };
    if (std::any_of(managers_.begin(), managers_.end(), is_it)) continue;
    const auto known = std::find_if(before.begin(), before.end(), is_it);
    if (known != before.end()) {
      managers_.splice(managers_.end(), before, known);
    } else {
      managers_.push_back(
          {.channel = tls::ManagerChannel(address, tls_, kReplyBytesMax, kKeepalive),
           .of = nullptr,
           .stub = nullptr});
    }
  }
}

void NeighbourClient::Ask(const LocateQuestion& question, Done done) {
  const auto call = std::make_shared<Call>();
  ToProto(question, call->request);
  call->done = std::move(done);
  call->end = Now() + WithWayBack(question.time_left);
  {
    absl::MutexLock lock(&mutex_);
    calls_.insert(call);
  }
  Try(call, Unavailable("no manager of %s is known", scope_.c_str()));
}

void NeighbourClient::Try(const CallPtr& call, const Status& otherwise) {
  const Status ready = Prepare(*call, otherwise);
  if (!ready.ok()) return Finish(call, ready);
  call->stub->async()->Locate(
      call->context.get(), &call->request, &call->reply,
      [self = shared_from_this(), call](const grpc::Status& status) { self->OnEnd(call, status); });
}

Status NeighbourClient::Prepare(Call& call, const Status& otherwise) {
  absl::MutexLock lock(&mutex_);
  if (stop_) return Unavailable("%s is asked no more", scope_.c_str());
  Manager* manager = NextManager(call);
  if (manager == nullptr) return otherwise;
  const std::shared_ptr<grpc::Channel>& channel = manager->channel.Get();
  if (manager->of != channel) {
    manager->of = channel;
    manager->stub = v1::Location::NewStub(channel);
  }
  call.sent = Now();
  Duration time = call.end - call.sent;
  call.tried.push_back(manager->channel.address());
  // Who has no connection yet may never have one: leaves some time for the others.
  const size_t others = managers_.size() - std::min(managers_.size(), call.tried.size());
  if (others > 0 && channel->GetState(true) != GRPC_CHANNEL_READY) {
    time /= static_cast<int64_t>(others + 1);
  }
  if (WithoutWayBack(time) < kHopTimeMin) {
    return DeadlineExceeded("no time was left to ask %s", scope_.c_str());
  }
  call.channel = channel;
  call.stub = manager->stub;
  call.reply.Clear();
  call.request.set_time_left_us(
      static_cast<uint64_t>(WithoutWayBack(time) / std::chrono::microseconds(1)));
  call.context = std::make_unique<grpc::ClientContext>();
  call.context->set_deadline(After(time));
  return Ok();
}

NeighbourClient::Manager* NeighbourClient::NextManager(const Call& call) {
  for (Manager& manager : managers_) {
    const std::string& address = manager.channel.address();
    if (std::find(call.tried.begin(), call.tried.end(), address) == call.tried.end()) {
      return &manager;
    }
  }
  return nullptr;
}

void NeighbourClient::OnEnd(const CallPtr& call, const grpc::Status& status) {
  StatusOr<LocateAnswer> answer = AnswerOf(*call, status);
  const bool connected = tls::WasConnected(*call->context);
  const StatusCode code = answer.status().code();
  Learn(*call, code, connected);
  if (!MayAskAnother(code, connected)) return Finish(call, std::move(answer));
  metrics_.failed.Add();
  Try(call, answer.status());
}

StatusOr<LocateAnswer> NeighbourClient::AnswerOf(const Call& call,
                                                 const grpc::Status& status) const {
  const std::string& address = call.tried.back();
  // Also of a refusal: who is somebody else does not speak for the neighbour.
  if (tls::WasConnected(*call.context)) {
    const StatusOr<tls::Identity> peer = tls::PeerIdentity(*call.context->auth_context(), *tls_);
    if (!peer.ok() || peer->role != tls::Role::kManager || peer->scope != scope_) {
      metrics_.strangers.Add();
      return MakeStatus(StatusCode::kUnauthenticated,
                        address + " should be of " + scope_ + ": " +
                            (peer.ok() ? "its certificate is that of " + ToString(*peer)
                                       : MessageOf(peer.status())));
    }
  }
  if (!status.ok()) {
    return MakeStatus(static_cast<StatusCode>(status.error_code()),
                      address + ": " + status.error_message());
  }
  return FromProto(call.reply);
}

void NeighbourClient::Learn(const Call& call, StatusCode code, bool connected) {
  absl::MutexLock lock(&mutex_);
  const auto asked = std::find_if(managers_.begin(), managers_.end(), [&call](const Manager& one) {
    return one.channel.address() == call.tried.back();
  });
  if (asked == managers_.end()) return;
  const bool late = code == StatusCode::kDeadlineExceeded;
  if (late || MayAskAnother(code, connected)) {
    managers_.splice(managers_.end(), managers_, asked);
  } else {
    managers_.splice(managers_.begin(), managers_, asked);
  }
  // gRPC does not notice soon that a cable was cut.
  const bool silent = late && connected && Now() - call.sent >= kSilentAfter;
  if (silent && asked->of == call.channel) asked->channel.Drop();
}

void NeighbourClient::Finish(const CallPtr& call, StatusOr<LocateAnswer> answer) {
  call->done(std::move(answer));
  absl::MutexLock lock(&mutex_);
  calls_.erase(call);
}

void NeighbourClient::Stop() {
  absl::MutexLock lock(&mutex_);
  stop_ = true;
  for (const CallPtr& call : calls_) {
    if (call->context != nullptr) call->context->TryCancel();
  }
  const auto ended = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return calls_.empty(); };
  mutex_.Await(absl::Condition(&ended));
}

}  // namespace strata::manager::locating
