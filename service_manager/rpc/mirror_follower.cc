#include "service_manager/rpc/mirror_follower.h"

#include <grpcpp/client_context.h>

#include <utility>

#include "absl/time/time.h"
#include "common/log.h"
#include "common/tls/grpc_credentials.h"
#include "common/version.h"

namespace strata::manager::rpc {
namespace {

namespace v1 = strata::manager::mirror::v1;
using Clock = std::chrono::steady_clock;

// The leader says something every half second.
constexpr std::chrono::seconds kSilenceMax(3);
constexpr std::chrono::milliseconds kCheckEvery(500);
constexpr std::chrono::milliseconds kWatchEvery(200);
constexpr std::chrono::milliseconds kRetryAfter(200);
constexpr int kMessageBytesMax = 16
                                 << 20;  // A part of a copy, or an intent with its largest record.

const Logger& Log() {
  static const Logger logger("mirror");
  return logger;
}

}  // namespace

MirrorFollower::MirrorFollower(Options options, store::MirroredStore& store,
                               std::shared_ptr<const tls::TlsStore> tls)
    : options_(std::move(options)),
      store_(store),
      tls_(std::move(tls)),
      channels_(tls_, kMessageBytesMax),
      last_(Unavailable("no manager was asked yet")),
      watchdog_([this] { Watch(); }),
      thread_([this] { Loop(); }) {}

MirrorFollower::~MirrorFollower() { Stop(); }

void MirrorFollower::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    if (stop_) return;
    stop_ = true;
    if (current_ != nullptr) current_->TryCancel();
  }
  thread_.join();
  watchdog_.join();
}

void MirrorFollower::Enable(bool enabled) {
  absl::MutexLock lock(&mutex_);
  enabled_ = enabled;
  if (enabled) return;
  in_step_ = false;
  if (current_ != nullptr) current_->TryCancel();
}

void MirrorFollower::Restart() {
  absl::MutexLock lock(&mutex_);
  enabled_ = true;
  in_step_ = false;
  cancelled_ = true;
  if (current_ != nullptr) current_->TryCancel();
}

StatusOr<MirrorFollower::Greeting> MirrorFollower::WaitInStep(Duration limit) const {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&in_step_), absl::FromChrono(limit));
  if (in_step_) return greeting_;
  return Unavailable("no manager of the farm leads: %s", MessageOf(last_).c_str());
}

bool MirrorFollower::in_step() const {
  absl::MutexLock lock(&mutex_);
  return in_step_;
}

void MirrorFollower::Loop() {
  while (true) {
    const std::vector<std::string> managers = options_.managers();
    channels_.Keep(managers);
    for (const std::string& manager : managers) {
      {
        absl::MutexLock lock(&mutex_);
        if (stop_ || !enabled_) break;
      }
      const Status ended = FollowOne(channels_.To(manager));
      absl::MutexLock lock(&mutex_);
      if (cancelled_) break;  // Whom to ask is another question now.
      if (in_step_)
        Log().Warning("follows no longer", {{"manager", manager}, {"why", MessageOf(ended)}});
      in_step_ = false;
      last_ = MakeStatus(ended.code(), manager + ": " + MessageOf(ended));
    }
    absl::MutexLock lock(&mutex_);
    const auto at_once = [this]()
                             ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stop_ || cancelled_; };
    mutex_.AwaitWithTimeout(absl::Condition(&at_once), absl::FromChrono(kRetryAfter));
    cancelled_ = false;
    const auto due = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stop_ || enabled_; };
    mutex_.Await(absl::Condition(&due));
    if (stop_) return;
  }
}

// A cut cable says nothing: who is silent is given up.
void MirrorFollower::Watch() {
  absl::MutexLock lock(&mutex_);
  while (!mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::FromChrono(kWatchEvery))) {
    if (current_ != nullptr && Clock::now() - heard_ > kSilenceMax) current_->TryCancel();
  }
}

bool MirrorFollower::Begin(grpc::ClientContext& context) {
  absl::MutexLock lock(&mutex_);
  if (stop_ || !enabled_) return false;
  current_ = &context;
  cancelled_ = false;
  heard_ = Clock::now();
  return true;
}

void MirrorFollower::End() {
  absl::MutexLock lock(&mutex_);
  current_ = nullptr;
}

Status MirrorFollower::FollowOne(tls::ManagerChannel& manager) {
  v1::Mirroring::Stub stub(manager.Get());
  grpc::ClientContext context;
  if (!Begin(context)) return Unavailable("this manager does not follow now");
  const auto stream = stub.Follow(&context);
  const Status taken = TakeAll(context, *stream);
  if (!taken.ok()) context.TryCancel();
  const grpc::Status finished = stream->Finish();
  End();
  // Given up by this side: maybe a cable is cut.
  if (finished.error_code() == grpc::StatusCode::CANCELLED) manager.Drop();
  if (!taken.ok()) return taken;
  return MakeStatus(static_cast<StatusCode>(finished.error_code()), finished.error_message());
}

// Until the stream breaks, or something does not fit.
Status MirrorFollower::TakeAll(const grpc::ClientContext& context, Stream& stream) {
  v1::FollowRequest request;
  request.set_protocol(kMirrorProtocol);
  request.set_version(kVersion);
  request.set_address(options_.own_address);
  *request.mutable_position() = ToProto(store_.position());
  if (!stream.Write(request)) return Ok();
  request.Clear();
  CopyJoiner joiner;
  v1::FollowReply reply;
  auto checked = Clock::now() - kCheckEvery;
  while (stream.Read(&reply)) {
    if (Clock::now() - checked >= kCheckEvery) {
      // It lives long: the leader's certificate may be void by now.
      STRATA_RETURN_IF_ERROR(tls::CheckManager(*context.auth_context(), *tls_));
      checked = Clock::now();
    }
    STRATA_ASSIGN_OR_RETURN(const bool durable, Take(reply, joiner));
    if (durable) {
      *request.mutable_position() = ToProto(store_.position());
      if (!stream.Write(request)) return Ok();
      options_.on_taken();
    }
    Heard(reply);
  }
  return Ok();
}

// Whether the store has something new on its disk.
StatusOr<bool> MirrorFollower::Take(const v1::FollowReply& reply, CopyJoiner& joiner) {
  if (reply.has_intent()) {
    STRATA_RETURN_IF_ERROR(store_.Take(FromProto(reply.intent())));
    return true;
  }
  if (!reply.has_copy()) return false;
  STRATA_ASSIGN_OR_RETURN(const bool whole, joiner.Add(reply.copy()));
  if (!whole) return false;
  STRATA_RETURN_IF_ERROR(store_.Take(joiner.Take()));
  return true;
}

void MirrorFollower::Heard(const v1::FollowReply& reply) {
  absl::MutexLock lock(&mutex_);
  if (cancelled_) return;
  heard_ = Clock::now();
  if (reply.has_greeting()) {
    greeting_ = {reply.greeting().member_id(), reply.greeting().leader(),
                 reply.greeting().group_id()};
  }
  if (!reply.has_idle()) return;
  in_step_ = enabled_ && reply.idle().in_step();
  // Under the lock: what is said of a stream that Restart has ended is never heard after it.
  if (in_step_ && reply.idle().counts()) options_.on_counts(greeting_.leader);
  if (in_step_ && reply.idle().lead()) options_.on_lead_offered();
}

}  // namespace strata::manager::rpc
