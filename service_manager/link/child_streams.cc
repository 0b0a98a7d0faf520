#include "service_manager/link/child_streams.h"

#include <chrono>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "common/tls/identity.h"
#include "service_manager/link/limits.h"

namespace strata::manager::link {
namespace {

// Whether it says something that it may not, and not that it comes at a bad time.
bool IsWrong(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kPermissionDenied:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kUnauthenticated:
    case StatusCode::kResourceExhausted:
      return true;
    default:
      return false;
  }
}

}  // namespace

ChildStreams::ChildStreams(Options options, rpc::Guard& guard, Counter& refused)
    : options_(std::move(options)), guard_(guard), refused_(refused), watch_(kSilenceMax) {}

void ChildStreams::Prepare(grpc::ServerBuilder& builder) {
  // Less than the time between two pings of a child: a little early is no offence.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             static_cast<int>(kKeepalive / std::chrono::milliseconds(2)));
}

grpc::Status ChildStreams::Serve(grpc::ServerContext& context,
                                 absl::FunctionRef<StatusOr<Introduction>()> read,
                                 absl::FunctionRef<Status(Place&)> exchange) {
  StreamWatch::Stream watched(watch_, [&context] { context.TryCancel(); });
  Status ended = ServeAdmitted(context, watched, read, exchange);
  if (!watched.ended().ok()) ended = watched.ended();
  if (IsWrong(ended)) refused_.Add();
  return rpc::ToGrpc(ended);
}

Status ChildStreams::ServeAdmitted(grpc::ServerContext& context, StreamWatch::Stream& watched,
                                   absl::FunctionRef<StatusOr<Introduction>()> read,
                                   absl::FunctionRef<Status(Place&)> exchange) {
  STRATA_ASSIGN_OR_RETURN(const tls::Identity caller,
                          guard_.Admit(context, rpc::Guard::Right::kChild));
  watched.Believe([this, &context] { return guard_.StillGood(context); });
  STRATA_ASSIGN_OR_RETURN(const Introduction introduction, read());
  watched.Heard();
  const federation::ScopeLevel& child = introduction.child;
  if (child.scope != caller.scope) {
    return PermissionDenied("it says that it is of %s, and its certificate is that of %s",
                            child.scope.c_str(), ToString(caller).c_str());
  }
  STRATA_RETURN_IF_ERROR(federation::CheckLink(options_.own, child));
  STRATA_RETURN_IF_ERROR(options_.leads());
  Place place(*this, {.scope = child.scope, .level = child.level, .manager = caller.name},
              introduction.epoch, watched);
  STRATA_RETURN_IF_ERROR(Enter(place));
  const Status ended = exchange(place);
  Leave(place);
  return ended;
}

Status ChildStreams::Enter(Place& place) {
  const std::string& scope = place.child_.scope;
  absl::MutexLock lock(&mutex_);
  const auto is_free = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stop_ || !places_.contains(scope);
  };
  // Several may wait for one place: each that comes in is the next one's to end.
  while (!is_free()) {
    const Place& before = *places_.at(scope);
    if (before.epoch_ > place.epoch_) {
      return FailedPrecondition("%s: epoch %llu is of a manager that was deposed; %s leads by %llu",
                                scope.c_str(), static_cast<unsigned long long>(place.epoch_),
                                before.child_.manager.c_str(),
                                static_cast<unsigned long long>(before.epoch_));
    }
    before.watched_.End(Unavailable("another stream of %s has come", scope.c_str()));
    mutex_.Await(absl::Condition(&is_free));
  }
  if (stop_) return Unavailable("this manager ends");
  if (places_.size() >= kChildrenMax) {
    return Unavailable("%s has %zu children, as many as it takes", options_.own.scope.c_str(),
                       places_.size());
  }
  std::vector<std::string> scopes;
  for (const auto& [other, _] : places_) scopes.push_back(other);
  STRATA_RETURN_IF_ERROR(
      federation::CheckChild(options_.own, {.scope = scope, .level = place.child_.level}, scopes));
  places_.emplace(scope, &place);
  return Ok();
}

void ChildStreams::Leave(Place& place) {
  absl::MutexLock lock(&mutex_);
  places_.erase(place.child_.scope);
}

void ChildStreams::TellNews() {
  absl::MutexLock lock(&mutex_);
  for (const auto& [_, place] : places_) place->news_ = true;
}

void ChildStreams::EndAll(const Status& why) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [_, place] : places_) place->watched_.End(why);
}

void ChildStreams::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  EndAll(Unavailable("this manager ends"));
}

std::vector<ChildStreams::Child> ChildStreams::children() const {
  absl::MutexLock lock(&mutex_);
  std::vector<Child> children;
  for (const auto& [_, place] : places_) children.push_back(place->child_);
  return children;
}

Status ChildStreams::Place::Exchange(absl::FunctionRef<Status()> read,
                                     absl::FunctionRef<void()> write) {
  std::thread writer([&] { write(); });
  const Status ended = read();
  {
    absl::MutexLock lock(&streams_.mutex_);
    over_ = true;
  }
  watched_.Waits();  // For who reads nothing.
  writer.join();
  return ended;
}

void ChildStreams::Place::TellNews() {
  absl::MutexLock lock(&streams_.mutex_);
  news_ = true;
}

bool ChildStreams::Place::AwaitNews() {
  const auto due = [this] { return news_ || over_; };
  absl::MutexLock lock(&streams_.mutex_);
  streams_.mutex_.AwaitWithTimeout(absl::Condition(&due), absl::FromChrono(kAliveEvery));
  news_ = false;
  return !over_;
}

}  // namespace strata::manager::link
