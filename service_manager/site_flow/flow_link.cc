#include "service_manager/site_flow/flow_link.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "common/log.h"
#include "common/tls/grpc_credentials.h"
#include "service_manager/link/limits.h"
#include "service_manager/site_flow/limits.h"

namespace strata::manager::site_flow {
namespace {

using link::StreamWatch;

const Logger& Log() {
  static const Logger logger("site_flow");
  return logger;
}

}  // namespace

FlowLink::FlowLink(Options options, FlowState& state, std::shared_ptr<const tls::TlsStore> tls)
    : options_(std::move(options)),
      flow_(state),
      tls_(std::move(tls)),
      watch_(link::kSilenceMax),
      channels_(tls_, static_cast<int>(kMessageBytesMax), link::kKeepalive) {
  state_.last = Unavailable("no manager of the parent was asked yet");
}

FlowLink::~FlowLink() { Stop(); }

void FlowLink::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void FlowLink::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    if (stop_) return;
    stop_ = true;
    if (current_ != nullptr) current_->End(Unavailable("this manager ends"));
  }
  if (thread_.joinable()) thread_.join();
}

FlowLink::State FlowLink::state() const {
  absl::MutexLock lock(&mutex_);
  return state_;
}

void FlowLink::Loop() {
  Duration pause = link::kRetryFirst;
  while (true) {
    pause = AskAll() ? link::kRetryFirst : std::min<Duration>(2 * pause, link::kRetryLast);
    absl::MutexLock lock(&mutex_);
    // Not all children at the same moment, after their parent was away.
    const Duration wait = random_.Between(pause / 2, pause);
    if (mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::FromChrono(wait))) return;
  }
}

bool FlowLink::AskAll() {
  const std::vector<std::string> parents = options_.parents();
  channels_.Keep(parents);
  for (const std::string& parent : parents) {
    bool welcomed = false;
    const Status ended = Follow(channels_.To(parent), welcomed);
    absl::MutexLock lock(&mutex_);
    state_.connected = false;
    state_.last = MakeStatus(ended.code(), parent + ": " + MessageOf(ended));
    if (welcomed) Log().Warning("the parent is not followed", {{"why", MessageOf(state_.last)}});
    if (welcomed || stop_) return welcomed;
  }
  return false;
}

Status FlowLink::Follow(tls::ManagerChannel& parent, bool& welcomed) {
  grpc::ClientContext context;
  StreamWatch::Stream watched(watch_, [&context] { context.TryCancel(); });
  {
    absl::MutexLock lock(&mutex_);
    if (stop_) return Unavailable("this manager ends");
    current_ = &watched;
    state_.parent = parent.address();
  }
  const auto stream = v1::SiteFlow::NewStub(parent.Get())->Follow(&context);
  const Status status = Exchange(context, *stream, watched, welcomed);
  if (!status.ok()) watched.End(status);
  const grpc::Status finished = stream->Finish();
  {
    absl::MutexLock lock(&mutex_);
    current_ = nullptr;
  }
  if (watched.ended().ok()) {
    return MakeStatus(static_cast<StatusCode>(finished.error_code()), finished.error_message());
  }
  if (watched.ended().code() == StatusCode::kDeadlineExceeded) parent.Drop();
  return watched.ended();
}

// Until the stream breaks, or something does not fit.
Status FlowLink::Exchange(const grpc::ClientContext& context, Stream& stream,
                          StreamWatch::Stream& watched, bool& welcomed) {
  v1::NewsMessage first;
  const Hello hello{.child = flow_.own(), .epoch = options_.epoch, .held = flow_.Held()};
  if (!stream.Write(ToMessage(hello)) || !stream.Read(&first)) return Ok();
  watched.Believe(
      [peer = context.auth_context(), tls = tls_] { return tls::CheckManager(*peer, *tls); });
  STRATA_RETURN_IF_ERROR(Begin(*context.auth_context(), first));
  welcomed = true;
  std::thread reader([&] {
    const Status read = ReadAll(stream, watched);
    if (!read.ok()) watched.End(read);
    flow_.EndReports();
  });
  TellAll(stream, watched);
  reader.join();
  return Ok();
}

Status FlowLink::Begin(const grpc::AuthContext& peer, const v1::NewsMessage& first) {
  STRATA_ASSIGN_OR_RETURN(const federation::ScopeLevel parent, WelcomeFrom(first));
  STRATA_ASSIGN_OR_RETURN(const tls::Identity identity, tls::PeerIdentity(peer, *tls_));
  if (identity.scope != parent.scope) {
    return PermissionDenied("it says that it is of %s, and its certificate is that of %s",
                            parent.scope.c_str(), ToString(identity).c_str());
  }
  STRATA_RETURN_IF_ERROR(federation::CheckLink(parent, flow_.own()));
  flow_.BeginReports();
  absl::MutexLock lock(&mutex_);
  state_.connected = true;
  state_.scope = parent.scope;
  Log().Info("follows the parent", {{"scope", parent.scope}, {"manager", state_.parent}});
  return Ok();
}

Status FlowLink::ReadAll(Stream& stream, StreamWatch::Stream& watched) {
  v1::NewsMessage message;
  const std::string parent = state().scope;
  while (true) {
    watched.Waits();
    if (!stream.Read(&message)) return Ok();
    watched.Heard();
    switch (message.what_case()) {
      case v1::NewsMessage::kSite:
      case v1::NewsMessage::kRemoved:
      case v1::NewsMessage::kPurges: {
        STRATA_ASSIGN_OR_RETURN(const News news, NewsFrom(message));
        STRATA_RETURN_IF_ERROR(flow_.TakeNews(parent, news));
        break;
      }
      case v1::NewsMessage::kWelcome:
        return InvalidArgument("a second welcome");
      case v1::NewsMessage::kAlive:
      case v1::NewsMessage::WHAT_NOT_SET:  // Of a later version.
        break;
    }
  }
}

void FlowLink::TellAll(Stream& stream, StreamWatch::Stream& watched) {
  v1::FollowerMessage alive;
  alive.mutable_alive();
  while (true) {
    const sites::RowChanges report = flow_.NextReport(link::kAliveEvery);
    if (!flow_.reports()) return;
    if (flow_.TakeRetry()) {
      return watched.End(Unavailable("what was refused may fit now: the parent tells it anew"));
    }
    if (!stream.Write(report.empty() ? alive : ToMessage(report))) return;
  }
}

}  // namespace strata::manager::site_flow
