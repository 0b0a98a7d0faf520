#include "service_manager/link/parent_link.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "common/log.h"
#include "common/tls/grpc_credentials.h"
#include "multicast/driver/clock.h"
#include "service_manager/link/feed_messages.h"
#include "service_manager/link/limits.h"

namespace strata::manager::link {
namespace {

using multicast::Now;

const Logger& Log() {
  static const Logger logger("link");
  return logger;
}

}  // namespace

ParentLink::ParentLink(Options options, const federation::FeedSenderOptions& feed,
                       const federation::RangeDigests& told,
                       std::shared_ptr<const tls::TlsStore> tls)
    : options_(std::move(options)),
      tls_(std::move(tls)),
      watch_(kSilenceMax),
      channels_(tls_, static_cast<int>(kMessageHeadBytesMax), kKeepalive),
      sender_(feed, told),
      last_(Unavailable("no manager of the parent was asked yet")) {}

ParentLink::~ParentLink() { Stop(); }

void ParentLink::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void ParentLink::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    if (stop_) return;
    stop_ = true;
    if (current_ != nullptr) current_->End(Unavailable("this manager ends"));
  }
  if (thread_.joinable()) thread_.join();
}

void ParentLink::With(absl::FunctionRef<void(federation::FeedSender&, Timestamp)> tell) {
  absl::MutexLock lock(&mutex_);
  const Timestamp now = Now();
  tell(sender_, now);
  // Not for each change: the thread sleeps until a batch is due.
  if (sender_.next_wakeup(now) < sleeps_until_) awake_ = true;
}

ParentLink::State ParentLink::state() const {
  absl::MutexLock lock(&mutex_);
  return StateNow();
}

ParentLink::State ParentLink::StateNow() const {
  return {.connected = sender_.connected(),
          .parent = parent_,
          .scope = parent_scope_,
          .last = last_,
          .acknowledged = sender_.acknowledged(),
          .sent = sender_.sent(),
          .kept_records = sender_.kept_records(),
          .dirty_ranges = sender_.dirty_ranges(),
          .quiet = sender_.Quiet(),
          .counts = sender_.counts()};
}

bool ParentLink::Await(const std::function<bool(const State&)>& condition, Duration limit) const {
  absl::MutexLock lock(&mutex_);
  const auto met = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return condition(StateNow()); };
  return mutex_.AwaitWithTimeout(absl::Condition(&met), absl::FromChrono(limit));
}

void ParentLink::Loop() {
  Duration pause = kRetryFirst;
  while (true) {
    pause = AskAll() ? kRetryFirst : std::min<Duration>(2 * pause, kRetryLast);
    absl::MutexLock lock(&mutex_);
    // Not all children at the same moment, after their parent was away.
    const Duration wait = random_.Between(pause / 2, pause);
    if (mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::FromChrono(wait))) return;
  }
}

bool ParentLink::AskAll() {
  const std::vector<std::string> parents = options_.parents();
  channels_.Keep(parents);
  for (const std::string& parent : parents) {
    bool welcomed = false;
    const Status ended = Follow(channels_.To(parent), welcomed);
    absl::MutexLock lock(&mutex_);
    last_ = MakeStatus(ended.code(), parent + ": " + MessageOf(ended));
    if (welcomed) {
      Log().Warning(options_.to_backup ? "a backup hears no more" : "the parent hears no more",
                    {{"why", MessageOf(last_)}});
    }
    if (welcomed || stop_) return welcomed;
  }
  return false;
}

Status ParentLink::Follow(tls::ManagerChannel& parent, bool& welcomed) {
  grpc::ClientContext context;
  if (options_.compress) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  StreamWatch::Stream watched(watch_, [&context] { context.TryCancel(); });
  {
    absl::MutexLock lock(&mutex_);
    if (stop_) return Unavailable("this manager ends");
    current_ = &watched;
    parent_ = parent.address();
  }
  const auto stream = v1::Federation::NewStub(parent.Get())->Feed(&context);
  const Status status = Exchange(context, *stream, watched, welcomed);
  if (!status.ok()) watched.End(status);
  const grpc::Status finished = stream->Finish();
  {
    absl::MutexLock lock(&mutex_);
    current_ = nullptr;
  }
  if (watched.ended().ok())
    return MakeStatus(static_cast<StatusCode>(finished.error_code()), finished.error_message());
  if (watched.ended().code() == StatusCode::kDeadlineExceeded) parent.Drop();
  return watched.ended();
}

// Until the stream breaks, or something does not fit.
Status ParentLink::Exchange(const grpc::ClientContext& context, Stream& stream,
                            StreamWatch::Stream& watched, bool& welcomed) {
  v1::FeedReply reply;
  if (!stream.Write(ToRequest(OwnHello())) || !stream.Read(&reply)) return Ok();
  watched.Believe(
      [peer = context.auth_context(), tls = tls_] { return tls::CheckManager(*peer, *tls); });
  STRATA_RETURN_IF_ERROR(Begin(*context.auth_context(), reply));
  welcomed = true;
  std::thread reader([&] {
    const Status read = ReadAll(stream, watched);
    if (!read.ok()) watched.End(read);
    absl::MutexLock lock(&mutex_);
    over_ = true;
  });
  SendAll(stream);
  reader.join();
  absl::MutexLock lock(&mutex_);
  sender_.Disconnected();
  return Ok();
}

Hello ParentLink::OwnHello() const {
  absl::MutexLock lock(&mutex_);
  return {.child = options_.own, .greeting = sender_.greeting()};
}

Status ParentLink::Begin(const grpc::AuthContext& peer, const v1::FeedReply& first) {
  STRATA_ASSIGN_OR_RETURN(const Welcome welcome, FromProto(first));
  STRATA_ASSIGN_OR_RETURN(const tls::Identity identity, tls::PeerIdentity(peer, *tls_));
  if (identity.scope != welcome.parent.scope) {
    return PermissionDenied("it says that it is of %s, and its certificate is that of %s",
                            welcome.parent.scope.c_str(), ToString(identity).c_str());
  }
  STRATA_RETURN_IF_ERROR(CheckOther(welcome.parent));
  absl::MutexLock lock(&mutex_);
  STRATA_RETURN_IF_ERROR(sender_.Connected(welcome.feed, Now()));
  over_ = false;
  parent_scope_ = welcome.parent.scope;
  Log().Info(
      options_.to_backup ? "a backup hears" : "the parent hears",
      {{"scope", parent_scope_}, {"manager", parent_}, {"has", welcome.feed.position.sequence}});
  return Ok();
}

Status ParentLink::CheckOther(const federation::ScopeLevel& other) const {
  if (!options_.to_backup) return federation::CheckLink(other, options_.own);
  if (other == options_.own) return Ok();
  return FailedPrecondition("%s is no backup of %s", ToString(other).c_str(),
                            ToString(options_.own).c_str());
}

Status ParentLink::ReadAll(Stream& stream, StreamWatch::Stream& watched) {
  v1::FeedReply reply;
  while (true) {
    watched.Waits();
    if (!stream.Read(&reply)) return Ok();
    watched.Heard();
    STRATA_RETURN_IF_ERROR(Take(reply));
  }
}

Status ParentLink::Take(const v1::FeedReply& reply) {
  switch (reply.what_case()) {
    case v1::FeedReply::kAcknowledgement: {
      absl::MutexLock lock(&mutex_);
      awake_ = true;
      return sender_.OnAcknowledgement(FromProto(reply.acknowledgement()));
    }
    case v1::FeedReply::kComparison: {
      STRATA_ASSIGN_OR_RETURN(const auto comparison, FromProto(reply.comparison()));
      absl::MutexLock lock(&mutex_);
      awake_ = true;
      return sender_.OnComparison(comparison);
    }
    case v1::FeedReply::kWelcome:
      return InvalidArgument("a second welcome");
    case v1::FeedReply::kAlive:
    case v1::FeedReply::WHAT_NOT_SET:  // Of a later version.
      return Ok();
  }
  return Ok();
}

void ParentLink::SendAll(Stream& stream) {
  Bytes batch;
  std::optional<federation::FeedRead> read;
  Timestamp alive_at = Now() + kAliveEvery;
  while (AwaitWork(alive_at, batch, read)) {
    if (read) {
      ReadFor(*read);
      continue;
    }
    v1::FeedRequest request;
    if (batch.empty()) {
      request.mutable_alive();
    } else {
      request.set_batch(batch.data(), batch.size());
    }
    if (!stream.Write(request)) return;
    alive_at = Now() + kAliveEvery;
  }
}

// False: the stream is over. Else there is a batch, or a read, or neither: time to say something.
bool ParentLink::AwaitWork(Timestamp alive_at, Bytes& batch,
                           std::optional<federation::FeedRead>& read) {
  batch.clear();
  read.reset();
  absl::MutexLock lock(&mutex_);
  const auto disturbed = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stop_ || over_ || awake_;
  };
  while (!stop_ && !over_) {
    const Timestamp now = Now();
    if (sender_.NextBatch(now, batch) || now >= alive_at) return true;
    if (now >= read_after_) read = sender_.NextRead(now);
    if (read) return true;
    sleeps_until_ = std::min(alive_at, sender_.next_wakeup(now));
    if (read_after_ > now) sleeps_until_ = std::min(sleeps_until_, read_after_);
    awake_ = false;
    mutex_.AwaitWithTimeout(absl::Condition(&disturbed), absl::FromChrono(sleeps_until_ - now));
  }
  return false;
}

void ParentLink::ReadFor(const federation::FeedRead& read) {
  const Status done = options_.read(read, [&](const federation::FeedReadItems& items) {
    absl::MutexLock lock(&mutex_);
    sender_.TakeRead(read, items, Now());
  });
  if (done.ok()) return;
  Log().Warning("copies that the parent shall know cannot be read", {{"why", MessageOf(done)}});
  absl::MutexLock lock(&mutex_);
  read_after_ = Now() + kReadAgainAfter;
}

}  // namespace strata::manager::link
