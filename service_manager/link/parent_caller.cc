#include "service_manager/link/parent_caller.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "common/log.h"
#include "common/tls/grpc_credentials.h"
#include "service_manager/link/limits.h"

namespace strata::manager::link {
namespace {

const Logger& Log() {
  static const Logger logger("link");
  return logger;
}

}  // namespace

ParentCaller::ParentCaller(Options options, std::shared_ptr<const tls::TlsStore> tls)
    : options_(std::move(options)),
      tls_(std::move(tls)),
      watch_(kSilenceMax),
      channels_(tls_, options_.message_bytes_max, kKeepalive) {}

ParentCaller::~ParentCaller() { Stop(); }

void ParentCaller::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void ParentCaller::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    if (stop_) return;
    stop_ = true;
    if (current_ != nullptr) current_->End(Unavailable("this manager ends"));
  }
  if (thread_.joinable()) thread_.join();
}

void ParentCaller::Loop() {
  Duration pause = kRetryFirst;
  while (true) {
    pause = AskAll() ? kRetryFirst : std::min<Duration>(2 * pause, kRetryLast);
    absl::MutexLock lock(&mutex_);
    // Not all children at the same moment, after their parent was away.
    const Duration wait = random_.Between(pause / 2, pause);
    if (mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::FromChrono(wait))) return;
  }
}

bool ParentCaller::AskAll() {
  const std::vector<std::string> parents = options_.parents();
  channels_.Keep(parents);
  for (const std::string& parent : parents) {
    bool welcomed = false;
    const Status ended = Ask(channels_.To(parent), welcomed);
    state_.last = MakeStatus(ended.code(), parent + ": " + MessageOf(ended));
    if (welcomed) Log().Warning(options_.lost, {{"why", MessageOf(state_.last)}});
    options_.tell(state_);
    absl::MutexLock lock(&mutex_);
    if (welcomed || stop_) return welcomed;
  }
  return false;
}

Status ParentCaller::Ask(tls::ManagerChannel& parent, bool& welcomed) {
  grpc::ClientContext context;
  StreamWatch::Stream watched(watch_, [&context] { context.TryCancel(); });
  {
    absl::MutexLock lock(&mutex_);
    if (stop_) return Unavailable("this manager ends");
    current_ = &watched;
  }
  state_.parent = parent.address();
  options_.tell(state_);
  Call call(*this, context, parent.Get(), watched);
  const Status ended = options_.talk(call);
  {
    absl::MutexLock lock(&mutex_);
    current_ = nullptr;
  }
  welcomed = call.welcomed_;
  if (watched.ended().ok()) return ended;
  if (watched.ended().code() == StatusCode::kDeadlineExceeded) parent.Drop();
  return watched.ended();
}

Status ParentCaller::Call::Believe(const federation::ScopeLevel& parent) {
  const std::shared_ptr<const tls::TlsStore> tls = caller_.tls_;
  const std::shared_ptr<const grpc::AuthContext> peer = context_.auth_context();
  watched_.Believe([peer, tls] { return tls::CheckManager(*peer, *tls); });
  STRATA_ASSIGN_OR_RETURN(const tls::Identity identity, tls::PeerIdentity(*peer, *tls));
  if (identity.scope != parent.scope) {
    return PermissionDenied("it says that it is of %s, and its certificate is that of %s",
                            parent.scope.c_str(), ToString(identity).c_str());
  }
  STRATA_RETURN_IF_ERROR(caller_.options_.fits(parent));
  caller_.state_.scope = parent.scope;
  caller_.options_.tell(caller_.state_);
  return Ok();
}

}  // namespace strata::manager::link
