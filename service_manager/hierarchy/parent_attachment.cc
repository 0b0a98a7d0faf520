#include "service_manager/hierarchy/parent_attachment.h"

#include <grpcpp/client_context.h>

#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "common/log.h"
#include "common/version.h"
#include "multicast/driver/clock.h"
#include "service_manager/hierarchy/limits.h"

namespace strata::manager::hierarchy {
namespace {

using link::ParentCaller;
using multicast::Now;

const Logger& Log() {
  static const Logger logger("hierarchy");
  return logger;
}

}  // namespace

ParentAttachment::ParentAttachment(Options options, const OwnTree& tree,
                                   std::shared_ptr<const tls::TlsStore> tls)
    : options_(std::move(options)),
      tree_(tree),
      asked_{.last = Unavailable("no manager of the parent was asked yet")},
      caller_({.fits =
                   [this](const federation::ScopeLevel& parent) {
                     return federation::CheckLink(parent, options_.own);
                   },
               .parents = options_.parents,
               .message_bytes_max = kAttachMessageBytesMax,
               .talk = [this](ParentCaller::Call& call) { return Talk(call); },
               .tell =
                   [this](const ParentCaller::State& asked) {
                     absl::MutexLock lock(&mutex_);
                     asked_ = asked;
                   },
               .lost = "not attached to the parent any more"},
              std::move(tls)) {}

ParentAttachment::~ParentAttachment() { Stop(); }

void ParentAttachment::Start() { caller_.Start(); }

void ParentAttachment::Stop() { caller_.Stop(); }

void ParentAttachment::TellSoon() {
  absl::MutexLock lock(&mutex_);
  soon_ = true;
}

ParentAttachment::State ParentAttachment::state() const {
  absl::MutexLock lock(&mutex_);
  return StateNow();
}

ParentAttachment::State ParentAttachment::StateNow() const {
  return {.connected = connected_, .parent = asked_.parent, .last = asked_.last, .above = above_};
}

bool ParentAttachment::Await(const std::function<bool(const State&)>& condition,
                             Duration limit) const {
  absl::MutexLock lock(&mutex_);
  const auto met = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return condition(StateNow()); };
  return mutex_.AwaitWithTimeout(absl::Condition(&met), absl::FromChrono(limit));
}

Status ParentAttachment::Talk(ParentCaller::Call& call) {
  call.context().set_compression_algorithm(GRPC_COMPRESS_GZIP);
  const auto stream = v1::Hierarchy::NewStub(call.channel())->Attach(&call.context());
  const Status status = Exchange(call, *stream);
  if (!status.ok()) call.watched().End(status);
  const grpc::Status finished = stream->Finish();
  return MakeStatus(static_cast<StatusCode>(finished.error_code()), finished.error_message());
}

// Until the stream breaks, or something does not fit.
Status ParentAttachment::Exchange(ParentCaller::Call& call, Stream& stream) {
  v1::AttachReply reply;
  const AttachHello hello{.child = options_.own, .epoch = options_.epoch, .version = kVersion};
  if (!stream.Write(ToRequest(hello)) || !stream.Read(&reply)) return Ok();
  STRATA_RETURN_IF_ERROR(Begin(call, reply));
  std::thread reader([&] {
    const Status read = ReadAll(call, stream);
    if (!read.ok()) call.watched().End(read);
    absl::MutexLock lock(&mutex_);
    over_ = true;
  });
  SendAll(stream);
  reader.join();
  SetConnected(false);
  return Ok();
}

Status ParentAttachment::Begin(ParentCaller::Call& call, const v1::AttachReply& first) {
  STRATA_ASSIGN_OR_RETURN(AttachWelcome welcome, FromProto(first));
  STRATA_RETURN_IF_ERROR(call.Believe(welcome.parent));
  {
    absl::MutexLock lock(&mutex_);
    parent_ = welcome.parent;
    over_ = false;
  }
  STRATA_RETURN_IF_ERROR(TakeChain(std::move(welcome.chain)));
  call.OnWelcome();
  Log().Info("attached to the parent",
             {{"scope", welcome.parent.scope}, {"version", welcome.version}});
  SetConnected(true);
  return Ok();
}

Status ParentAttachment::ReadAll(ParentCaller::Call& call, Stream& stream) {
  v1::AttachReply reply;
  while (true) {
    call.watched().Waits();
    if (!stream.Read(&reply)) return Ok();
    call.watched().Heard();
    if (reply.has_welcome()) return InvalidArgument("a second welcome");
    if (!reply.has_chain()) continue;
    STRATA_ASSIGN_OR_RETURN(Chain chain, FromProto(reply.chain()));
    STRATA_RETURN_IF_ERROR(TakeChain(std::move(chain)));
  }
}

Status ParentAttachment::TakeChain(Chain chain) {
  bool other = false;
  {
    absl::MutexLock lock(&mutex_);
    STRATA_RETURN_IF_ERROR(CheckChain(parent_, chain));
    other = above_ != chain;
    above_ = std::move(chain);
  }
  if (other) options_.changed();
  return Ok();
}

void ParentAttachment::SetConnected(bool connected) {
  {
    absl::MutexLock lock(&mutex_);
    connected_ = connected;
  }
  options_.changed();
}

void ParentAttachment::SendAll(Stream& stream) {
  std::optional<ChildPart> told;
  do {
    OwnTree::Told now = tree_.At(Now());
    if (told != now.part) {
      if (!stream.Write(ToRequest(now.part))) return;
      told = std::move(now.part);
    }
    if (!stream.Write(ToRequest(now.report))) return;
  } while (AwaitReport());
}

bool ParentAttachment::AwaitReport() {
  absl::MutexLock lock(&mutex_);
  if (mutex_.AwaitWithTimeout(absl::Condition(&over_), absl::FromChrono(kReportGap))) return false;
  const auto due = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return over_ || soon_; };
  mutex_.AwaitWithTimeout(absl::Condition(&due), absl::FromChrono(kReportEvery - kReportGap));
  soon_ = false;
  return !over_;
}

}  // namespace strata::manager::hierarchy
