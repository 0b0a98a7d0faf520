#include "service_manager/link/child_streams.h"

#include <chrono>
#include <thread>
#include <utility>

#include "absl/time/time.h"
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

ChildStreams::ChildStreams(Options options, rpc::Guard& guard, Counter& refused, Gauge& there)
    : options_(std::move(options)),
      guard_(guard),
      refused_(refused),
      there_(there),
      watch_(kSilenceMax) {}

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
  const auto right =
      options_.follows == nullptr ? rpc::Guard::Right::kChild : rpc::Guard::Right::kFeed;
  STRATA_ASSIGN_OR_RETURN(const tls::Identity caller, guard_.Admit(context, right));
  watched.Believe([this, &context] { return guard_.StillGood(context); });
  STRATA_ASSIGN_OR_RETURN(const Introduction introduction, read());
  watched.Heard();
  STRATA_RETURN_IF_ERROR(CheckIntroduction(caller, introduction.child));
  Place place(*this,
              {.scope = caller.scope, .level = introduction.child.level, .manager = caller.name},
              introduction.epoch, watched);
  STRATA_RETURN_IF_ERROR(CheckTurn(place.child()));
  STRATA_RETURN_IF_ERROR(Enter(place));
  const Status ended = exchange(place);
  Leave(place);
  return ended;
}

Status ChildStreams::CheckIntroduction(const tls::Identity& caller,
                                       const federation::ScopeLevel& child) const {
  if (child.scope != caller.scope) {
    return PermissionDenied("it says that it is of %s, and its certificate is that of %s",
                            child.scope.c_str(), ToString(caller).c_str());
  }
  if (options_.follows == nullptr || !IsLeader(caller.scope)) {
    return federation::CheckLink(options_.own, child);
  }
  if (child == options_.own) return Ok();
  return FailedPrecondition("manager %s says that it is of %s, and this one is of %s",
                            caller.name.c_str(), ToString(child).c_str(),
                            ToString(options_.own).c_str());
}

Status ChildStreams::CheckTurn(const Child& child) const {
  return IsLeader(child.scope) ? options_.follows(child.manager) : options_.leads();
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
  if (!IsLeader(scope)) STRATA_RETURN_IF_ERROR(CheckPlace(place));
  places_.emplace(scope, &place);
  there_.Set(static_cast<double>(places_.size()));
  return Ok();
}

Status ChildStreams::CheckPlace(const Place& place) const {
  if (places_.size() >= kChildrenMax) {
    return Unavailable("%s has %zu children, as many as it takes", options_.own.scope.c_str(),
                       places_.size());
  }
  std::vector<std::string> scopes;
  for (const auto& [other, _] : places_) {
    if (!IsLeader(other)) scopes.push_back(other);
  }
  return federation::CheckChild(options_.own,
                                {.scope = place.child_.scope, .level = place.child_.level}, scopes);
}

void ChildStreams::Leave(Place& place) {
  absl::MutexLock lock(&mutex_);
  places_.erase(place.child_.scope);
  there_.Set(static_cast<double>(places_.size()));
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

void ChildStreams::EndLeader(const Status& why) {
  absl::MutexLock lock(&mutex_);
  const auto leader = places_.find(options_.own.scope);
  if (leader != places_.end()) leader->second->watched_.End(why);
}

std::vector<ChildStreams::Child> ChildStreams::children() const {
  absl::MutexLock lock(&mutex_);
  std::vector<Child> children;
  for (const auto& [scope, place] : places_) {
    if (!IsLeader(scope)) children.push_back(place->child_);
  }
  return children;
}

std::string ChildStreams::leader() const {
  absl::MutexLock lock(&mutex_);
  const auto leader = places_.find(options_.own.scope);
  return leader == places_.end() ? "" : leader->second->child_.manager;
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
