#include "service_manager/link/feed_service.h"

#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "common/log.h"
#include "service_manager/link/limits.h"

namespace strata::manager::link {
namespace {

const Logger& Log() {
  static const Logger logger("link");
  return logger;
}

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

FeedService::FeedService(Options options, rpc::Guard& guard, ChildFeeds& feeds,
                         MetricRegistry& metrics)
    : options_(std::move(options)),
      guard_(guard),
      feeds_(feeds),
      refused_(metrics.AddCounter(
          {.name = "strata_link_refused_total",
           .help = "Streams that were refused, or ended for what was said in them."})),
      streams_(metrics.AddCounter(
          {.name = "strata_link_streams_total",
           .help = "Streams that were taken of children, or of the manager that leads."})),
      told_by_(metrics.AddGauge(
          {.name = "strata_link_streams",
           .help = "Children whose stream is there; at a backup the manager that leads."})),
      forgotten_(metrics.AddCounter(
          {.name = "strata_link_forgotten_total",
           .help = "Children that were forgotten, since they had no stream for too long."})),
      forgotten_copies_(metrics.AddCounter({.name = "strata_link_forgotten_copies_total",
                                            .help = "Copies that were forgotten with them."})),
      watch_(kSilenceMax) {}

void FeedService::AddTo(grpc::ServerBuilder& builder) {
  // Less than the time between two pings of a child: a little early is no offence.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             static_cast<int>(kKeepalive / std::chrono::milliseconds(2)));
  builder.RegisterService(this);
}

grpc::Status FeedService::Feed(grpc::ServerContext* context, Stream* stream) {
  StreamWatch::Stream watched(watch_, [context] { context->TryCancel(); });
  Status ended = Serve(*context, *stream, watched);
  if (!watched.ended().ok()) ended = watched.ended();
  if (IsWrong(ended)) refused_.Add();
  return rpc::ToGrpc(ended);
}

Status FeedService::Serve(grpc::ServerContext& context, Stream& stream,
                          StreamWatch::Stream& watched) {
  STRATA_ASSIGN_OR_RETURN(const tls::Identity caller,
                          guard_.Admit(context, rpc::Guard::Right::kFeed));
  watched.Believe([this, &context] { return guard_.StillGood(context); });
  v1::FeedRequest first;
  if (!stream.Read(&first)) return InvalidArgument("a stream that says nothing");
  watched.Heard();
  STRATA_ASSIGN_OR_RETURN(const Hello hello, FromProto(first));
  STRATA_RETURN_IF_ERROR(CheckHello(caller, hello));
  Session session{
      .child = {.scope = caller.scope, .level = hello.child.level, .manager = caller.name},
      .epoch = hello.greeting.epoch,
      .watched = watched};
  STRATA_RETURN_IF_ERROR(CheckTurn(session.child));
  STRATA_RETURN_IF_ERROR(Enter(session));
  const Status ended = Exchange(session, stream, hello.greeting);
  Leave(session);
  return ended;
}

Status FeedService::CheckHello(const tls::Identity& caller, const Hello& hello) const {
  if (hello.child.scope != caller.scope) {
    return PermissionDenied("it says that it is of %s, and its certificate is that of %s",
                            hello.child.scope.c_str(), ToString(caller).c_str());
  }
  if (!IsLeader(caller.scope)) return federation::CheckLink(options_.own, hello.child);
  if (hello.child == options_.own) return Ok();
  return FailedPrecondition("manager %s says that it is of %s, and this one is of %s",
                            caller.name.c_str(), ToString(hello.child).c_str(),
                            ToString(options_.own).c_str());
}

Status FeedService::CheckTurn(const Child& child) const {
  return IsLeader(child.scope) ? options_.follows(child.manager) : options_.leads();
}

Status FeedService::Enter(Session& session) {
  const std::string& scope = session.child.scope;
  absl::MutexLock lock(&mutex_);
  const auto place_is_free = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stop_ || !sessions_.contains(scope);
  };
  // Several may wait for one place: each that comes in is the next one's to end.
  while (!place_is_free()) {
    const Session& before = *sessions_.at(scope);
    if (before.epoch > session.epoch) {
      return FailedPrecondition("%s: epoch %llu is of a manager that was deposed; %s leads by %llu",
                                scope.c_str(), static_cast<unsigned long long>(session.epoch),
                                before.child.manager.c_str(),
                                static_cast<unsigned long long>(before.epoch));
    }
    before.watched.End(Unavailable("another stream of %s has come", scope.c_str()));
    mutex_.Await(absl::Condition(&place_is_free));
  }
  if (stop_) return Unavailable("this manager ends");
  if (!IsLeader(scope)) STRATA_RETURN_IF_ERROR(CheckPlace(session));
  sessions_.emplace(scope, &session);
  told_by_.Set(static_cast<double>(sessions_.size()));
  return Ok();
}

Status FeedService::CheckPlace(const Session& session) const {
  if (sessions_.size() >= kChildrenMax) {
    return Unavailable("%s has %zu children, as many as it takes", options_.own.scope.c_str(),
                       sessions_.size());
  }
  std::vector<std::string> scopes;
  for (const auto& [other, _] : sessions_) {
    if (!IsLeader(other)) scopes.push_back(other);
  }
  return federation::CheckChild(
      options_.own, {.scope = session.child.scope, .level = session.child.level}, scopes);
}

void FeedService::Leave(Session& session) {
  feeds_.Disconnect(session.child.scope);  // Before the next one comes.
  absl::MutexLock lock(&mutex_);
  sessions_.erase(session.child.scope);
  told_by_.Set(static_cast<double>(sessions_.size()));
}

Status FeedService::Exchange(Session& session, Stream& stream,
                             const federation::FeedGreeting& greeting) {
  STRATA_ASSIGN_OR_RETURN(const federation::FeedWelcome welcome,
                          feeds_.Connect(session.child.scope, greeting));
  if (!stream.Write(ToReply(Welcome{.parent = options_.own, .feed = welcome}))) {
    return Unavailable("the stream broke");
  }
  streams_.Add();
  const bool leader = IsLeader(session.child.scope);
  Log().Info(leader ? "the manager that leads tells" : "a child tells",
             {{"scope", session.child.scope},
              {"manager", session.child.manager},
              {"epoch", greeting.epoch},
              {"goes on", greeting.Follows(welcome.position)}});
  std::thread answers([&] { AnswerAll(session, stream); });
  const Status ended = ReadAll(session, stream);
  {
    absl::MutexLock lock(&mutex_);
    session.over = true;
  }
  session.watched.Waits();  // For who reads no answer.
  answers.join();
  const Status why = session.watched.ended().ok() ? ended : session.watched.ended();
  Log().Warning(leader ? "the manager that leads tells no more" : "a child tells no more",
                {{"scope", session.child.scope}, {"why", MessageOf(why)}});
  return ended;
}

Status FeedService::ReadAll(Session& session, Stream& stream) {
  v1::FeedRequest request;
  while (true) {
    session.watched.Waits();
    if (!stream.Read(&request)) return Unavailable("the stream broke");
    session.watched.Heard();
    if (request.has_hello()) return InvalidArgument("a second hello");
    if (!request.has_batch()) continue;
    STRATA_RETURN_IF_ERROR(CheckTurn(session.child));
    STRATA_RETURN_IF_ERROR(feeds_.Take(session.child.scope, AsBytes(request.batch())));
    absl::MutexLock lock(&mutex_);
    session.news = true;
  }
}

void FeedService::AnswerAll(Session& session, Stream& stream) {
  const auto due = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return session.news || session.over;
  };
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&due), absl::FromChrono(kAliveEvery));
      if (session.over) return;
      session.news = false;
    }
    const ChildFeeds::Answers answers = feeds_.AnswersFor(session.child.scope);
    v1::FeedReply alive;
    alive.mutable_alive();
    bool broken = false;
    for (const federation::FeedComparison& comparison : answers.comparisons) {
      broken = broken || !stream.Write(ToReply(comparison));
    }
    broken = broken ||
             !stream.Write(answers.acknowledgement ? ToReply(*answers.acknowledgement) : alive);
    if (broken) return;
  }
}

void FeedService::OnSynced() {
  absl::MutexLock lock(&mutex_);
  for (const auto& [_, session] : sessions_) session->news = true;
}

Status FeedService::Lead() {
  STRATA_RETURN_IF_ERROR(feeds_.Lead());
  absl::MutexLock lock(&mutex_);
  const auto leader = sessions_.find(options_.own.scope);
  if (leader != sessions_.end()) leader->second->watched.End(Unavailable("this manager leads"));
  return Ok();
}

void FeedService::Follow(const Status& why) {
  feeds_.Follow();
  EndAll(why);
}

StatusOr<bool> FeedService::ForgetSilent(Duration limit, Timestamp now) {
  StatusOr<bool> more = feeds_.ForgetSilent(limit, now);
  forgotten_.AdvanceTo(feeds_.forgotten());
  forgotten_copies_.AdvanceTo(feeds_.forgotten_copies());
  return more;
}

void FeedService::EndAll(const Status& why) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [_, session] : sessions_) session->watched.End(why);
}

void FeedService::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  EndAll(Unavailable("this manager ends"));
}

std::vector<FeedService::Child> FeedService::children() const {
  absl::MutexLock lock(&mutex_);
  std::vector<Child> children;
  for (const auto& [scope, session] : sessions_) {
    if (!IsLeader(scope)) children.push_back(session->child);
  }
  return children;
}

std::string FeedService::leader() const {
  absl::MutexLock lock(&mutex_);
  const auto leader = sessions_.find(options_.own.scope);
  return leader == sessions_.end() ? "" : leader->second->child.manager;
}

}  // namespace strata::manager::link
