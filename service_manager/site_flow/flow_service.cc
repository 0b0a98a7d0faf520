#include "service_manager/site_flow/flow_service.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "common/log.h"
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

FlowService::FlowService(std::function<Status()> leads, FlowState& state, PurgeOrders& orders,
                         rpc::Guard& guard, MetricRegistry& metrics)
    : leads_(std::move(leads)),
      state_(state),
      orders_(orders),
      guard_(guard),
      refused_(metrics.AddCounter(
          {.name = "strata_site_flow_refused_total",
           .help = "Streams of children about sites that were refused, or ended for what they "
                   "said."})),
      streams_(metrics.AddCounter({.name = "strata_site_flow_streams_total",
                                   .help = "Streams of children about sites that were taken."})),
      watch_(link::kSilenceMax) {}

void FlowService::AddTo(grpc::ServerBuilder& builder) {
  // As the feed's: less than the time between two pings of a child.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             static_cast<int>(link::kKeepalive / std::chrono::milliseconds(2)));
  builder.SetMaxReceiveMessageSize(static_cast<int>(kMessageBytesMax));
  builder.RegisterService(this);
}

// ---- Children.

grpc::Status FlowService::Follow(grpc::ServerContext* context, Stream* stream) {
  StreamWatch::Stream watched(watch_, [context] { context->TryCancel(); });
  Status ended = Serve(*context, *stream, watched);
  if (!watched.ended().ok()) ended = watched.ended();
  if (ended.code() != StatusCode::kUnavailable && ended.code() != StatusCode::kDeadlineExceeded) {
    refused_.Add();
  }
  return rpc::ToGrpc(ended);
}

Status FlowService::Serve(grpc::ServerContext& context, Stream& stream,
                          StreamWatch::Stream& watched) {
  STRATA_ASSIGN_OR_RETURN(const tls::Identity caller,
                          guard_.Admit(context, rpc::Guard::Right::kChild));
  watched.Believe([this, &context] { return guard_.StillGood(context); });
  v1::FollowerMessage first;
  if (!stream.Read(&first)) return InvalidArgument("a stream that says nothing");
  watched.Heard();
  STRATA_ASSIGN_OR_RETURN(const Hello hello, HelloFrom(first));
  if (hello.child.scope != caller.scope) {
    return PermissionDenied("it says that it is of %s, and its certificate is that of %s",
                            hello.child.scope.c_str(), ToString(caller).c_str());
  }
  STRATA_RETURN_IF_ERROR(federation::CheckLink(state_.own(), hello.child));
  STRATA_RETURN_IF_ERROR(leads_());
  Session session{
      .scope = caller.scope, .manager = caller.name, .epoch = hello.epoch, .watched = watched};
  STRATA_RETURN_IF_ERROR(Enter(session, hello.child.level));
  const Status ended = Exchange(session, stream, hello);
  Leave(session);
  return ended;
}

Status FlowService::Enter(Session& session, uint32_t level) {
  absl::MutexLock lock(&mutex_);
  const auto place_is_free = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stop_ || !sessions_.contains(session.scope);
  };
  // Several may wait for one place: each that comes in is the next one's to end.
  while (!place_is_free()) {
    const Session& before = *sessions_.at(session.scope);
    if (before.epoch > session.epoch) {
      return FailedPrecondition(
          "%s: epoch %llu is of a manager that was deposed; %s leads by %llu",
          session.scope.c_str(), static_cast<unsigned long long>(session.epoch),
          before.manager.c_str(), static_cast<unsigned long long>(before.epoch));
    }
    before.watched.End(Unavailable("another stream of %s has come", session.scope.c_str()));
    mutex_.Await(absl::Condition(&place_is_free));
  }
  if (stop_) return Unavailable("this manager ends");
  if (sessions_.size() >= link::kChildrenMax) {
    return Unavailable("%s has %zu children, as many as it takes", state_.own().scope.c_str(),
                       sessions_.size());
  }
  std::vector<std::string> scopes;
  for (const auto& [scope, _] : sessions_) scopes.push_back(scope);
  STRATA_RETURN_IF_ERROR(
      federation::CheckChild(state_.own(), {.scope = session.scope, .level = level}, scopes));
  sessions_.emplace(session.scope, &session);
  return Ok();
}

void FlowService::Leave(Session& session) {
  absl::MutexLock lock(&mutex_);
  sessions_.erase(session.scope);
}

Status FlowService::Exchange(Session& session, Stream& stream, const Hello& hello) {
  if (!stream.Write(ToWelcome(state_.own()))) return Unavailable("the stream broke");
  STRATA_RETURN_IF_ERROR(state_.EnterChild(session.scope, hello.child.level, hello.held));
  streams_.Add();
  Log().Info(
      "a child follows",
      {{"scope", session.scope}, {"manager", session.manager}, {"sites", hello.held.size()}});
  std::thread news([&] { TellAll(session, stream); });
  const Status ended = ReadAll(session, stream);
  state_.LeaveChild(session.scope);  // Its news are over, too.
  session.watched.Waits();           // For who reads no news.
  news.join();
  const Status why = session.watched.ended().ok() ? ended : session.watched.ended();
  Log().Warning("a child follows no more", {{"scope", session.scope}, {"why", MessageOf(why)}});
  return ended;
}

Status FlowService::ReadAll(Session& session, Stream& stream) {
  v1::FollowerMessage message;
  while (true) {
    session.watched.Waits();
    if (!stream.Read(&message)) return Unavailable("the stream broke");
    session.watched.Heard();
    if (message.has_hello()) return InvalidArgument("a second hello");
    if (!message.has_report()) continue;
    STRATA_RETURN_IF_ERROR(leads_());
    STRATA_RETURN_IF_ERROR(state_.TakeReport(session.scope, FromProto(message.report())));
  }
}

void FlowService::TellAll(Session& session, Stream& stream) {
  v1::NewsMessage alive;
  alive.mutable_alive();
  while (true) {
    const StatusOr<std::optional<News>> news = state_.NextNews(session.scope, link::kAliveEvery);
    if (news.status().code() == StatusCode::kNotFound) return;  // It has left.
    if (!news.ok()) return session.watched.End(news.status());
    if (!stream.Write(*news ? ToMessage(**news) : alive)) return;
  }
}

void FlowService::EndAll(const Status& why) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [_, session] : sessions_) session->watched.End(why);
}

void FlowService::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  state_.GiveUp();
  EndAll(Unavailable("this manager ends"));
}

grpc::Status FlowService::OrderPurge(grpc::ServerContext* context,
                                     const v1::OrderPurgeRequest* request,
                                     v1::OrderPurgeReply* reply) {
  const auto order = [&]() -> Status {
    STRATA_ASSIGN_OR_RETURN(const tls::Identity caller,
                            guard_.Admit(*context, rpc::Guard::Right::kChild));
    STRATA_RETURN_IF_ERROR(leads_());
    STRATA_ASSIGN_OR_RETURN(*reply->mutable_report(),
                            orders_.OfChild(caller.scope, *request, context->deadline()));
    return Ok();
  };
  return rpc::ToGrpc(order());
}

// ---- Operators.

grpc::Status FlowService::View(grpc::ServerContext& context, const std::function<Status()>& show) {
  const StatusOr<tls::Identity> caller = guard_.Admit(context, rpc::Guard::Right::kView);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  const Status leads = leads_();  // Others hear no acknowledgements.
  return rpc::ToGrpc(leads.ok() ? show() : leads);
}

grpc::Status FlowService::SiteStatus(grpc::ServerContext* context,
                                     const v1::SiteStatusRequest* request,
                                     v1::SiteStatusReply* reply) {
  return View(*context, [&]() -> Status {
    const std::vector<sites::SiteRow> rows = state_.RowsOf(request->site());
    const StatusOr<control::SiteVersion> version = state_.Find(request->site());
    if (!version.ok() && rows.empty()) return version.status();
    reply->set_site(request->site());
    reply->set_scope(state_.own().scope);
    for (const sites::SiteRow& row : rows) *reply->add_rows() = ToProto(row);
    if (!version.ok()) return Ok();
    reply->mutable_state()->set_home(version->home);
    reply->mutable_state()->set_version(version->site.version);
    STRATA_ASSIGN_OR_RETURN(const uint64_t last, state_.journal().Last(request->site()));
    reply->mutable_state()->set_position(last);
    for (const sites::ScopeRow& scope : state_.Scopes()) {
      if (farm::MayHold(version->site, scope.scope)) *reply->add_scopes() = ToProto(scope);
    }
    return Ok();
  });
}

grpc::Status FlowService::ListPurges(grpc::ServerContext* context,
                                     const v1::ListPurgesRequest* request,
                                     v1::ListPurgesReply* reply) {
  return View(*context, [&]() -> Status {
    const uint32_t limit =
        request->limit() == 0 ? kPurgesListed : std::min(request->limit(), kPurgesListedMax);
    if (!request->site().empty()) {
      STRATA_RETURN_IF_ERROR(state_.Find(request->site()));
      return ListSite(request->site(), limit, reply);
    }
    for (const control::SiteVersion& version : state_.desk().sites()) {
      STRATA_RETURN_IF_ERROR(ListSite(version.site.name, limit, reply));
      if (static_cast<uint32_t>(reply->purges_size()) >= kPurgesListedMax) break;
    }
    return Ok();
  });
}

Status FlowService::ListSite(const std::string& site, uint32_t limit, v1::ListPurgesReply* reply) {
  STRATA_ASSIGN_OR_RETURN(const std::vector<control::PurgeEntry> entries,
                          state_.journal().Newest(site, 0, limit));
  for (const control::PurgeEntry& entry : entries) {
    const auto outcomes = state_.OutcomeOf(site, entry.purged.position);
    const auto missing =
        std::count_if(outcomes.begin(), outcomes.end(), [](const sites::ScopeOutcome& outcome) {
          return outcome.kind != sites::ScopeOutcome::Kind::kConfirmed;
        });
    *reply->add_purges() = ToReport(entry);
    reply->mutable_purges()->rbegin()->set_complete(missing == 0);
    reply->add_missing(static_cast<uint32_t>(missing));
  }
  return Ok();
}

grpc::Status FlowService::ShowPurge(grpc::ServerContext* context,
                                    const v1::ShowPurgeRequest* request,
                                    v1::ShowPurgeReply* reply) {
  return View(*context, [&]() -> Status {
    STRATA_ASSIGN_OR_RETURN(const PurgeName name, ParsePurgeId(request->id()));
    STRATA_RETURN_IF_ERROR(state_.Find(name.site));
    STRATA_ASSIGN_OR_RETURN(const control::PurgeEntry entry,
                            state_.journal().Find(name.site, name.position));
    *reply->mutable_report() =
        WithOutcome(ToReport(entry), state_.OutcomeOf(name.site, name.position));
    return Ok();
  });
}

}  // namespace strata::manager::site_flow
