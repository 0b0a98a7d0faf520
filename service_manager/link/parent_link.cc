#include "service_manager/link/parent_link.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "common/log.h"
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
      sender_(feed, told),
      asked_{.last = Unavailable("no manager of the parent was asked yet")},
      caller_({.fits = [this](const federation::ScopeLevel& other) { return CheckOther(other); },
               .parents = options_.parents,
               .message_bytes_max = static_cast<int>(kMessageHeadBytesMax),
               .talk = [this](ParentCaller::Call& call) { return Talk(call); },
               .tell =
                   [this](const ParentCaller::State& asked) {
                     absl::MutexLock lock(&mutex_);
                     asked_ = asked;
                   },
               .lost = options_.to_backup ? "a backup hears no more" : "the parent hears no more"},
              std::move(tls)) {}

ParentLink::~ParentLink() { Stop(); }

void ParentLink::Start() { caller_.Start(); }

void ParentLink::Stop() { caller_.Stop(); }

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
          .parent = asked_.parent,
          .scope = asked_.scope,
          .last = asked_.last,
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

Status ParentLink::Talk(ParentCaller::Call& call) {
  if (options_.compress) call.context().set_compression_algorithm(GRPC_COMPRESS_GZIP);
  const auto stream = v1::Federation::NewStub(call.channel())->Feed(&call.context());
  const Status status = Exchange(call, *stream);
  if (!status.ok()) call.watched().End(status);
  const grpc::Status finished = stream->Finish();
  return MakeStatus(static_cast<StatusCode>(finished.error_code()), finished.error_message());
}

// Until the stream breaks, or something does not fit.
Status ParentLink::Exchange(ParentCaller::Call& call, Stream& stream) {
  v1::FeedReply reply;
  if (!stream.Write(ToRequest(OwnHello())) || !stream.Read(&reply)) return Ok();
  STRATA_RETURN_IF_ERROR(Begin(call, reply));
  std::thread reader([&] {
    const Status read = ReadAll(call, stream);
    if (!read.ok()) call.watched().End(read);
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

Status ParentLink::Begin(ParentCaller::Call& call, const v1::FeedReply& first) {
  STRATA_ASSIGN_OR_RETURN(const Welcome welcome, FromProto(first));
  STRATA_RETURN_IF_ERROR(call.Believe(welcome.parent));
  absl::MutexLock lock(&mutex_);
  STRATA_RETURN_IF_ERROR(sender_.Connected(welcome.feed, Now()));
  over_ = false;
  call.OnWelcome();
  Log().Info(options_.to_backup ? "a backup hears" : "the parent hears",
             {{"scope", asked_.scope},
              {"manager", asked_.parent},
              {"has", welcome.feed.position.sequence}});
  return Ok();
}

Status ParentLink::CheckOther(const federation::ScopeLevel& other) const {
  if (!options_.to_backup) return federation::CheckLink(other, options_.own);
  if (other == options_.own) return Ok();
  return FailedPrecondition("%s is no backup of %s", ToString(other).c_str(),
                            ToString(options_.own).c_str());
}

Status ParentLink::ReadAll(ParentCaller::Call& call, Stream& stream) {
  v1::FeedReply reply;
  while (true) {
    call.watched().Waits();
    if (!stream.Read(&reply)) return Ok();
    call.watched().Heard();
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
  const auto disturbed = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return over_ || awake_; };
  while (!over_) {
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
