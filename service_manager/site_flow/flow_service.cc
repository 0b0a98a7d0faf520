#include "service_manager/site_flow/flow_service.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/log.h"
#include "service_manager/link/limits.h"
#include "service_manager/site_flow/limits.h"

namespace strata::manager::site_flow {
namespace {

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
      taken_(metrics.AddCounter({.name = "strata_site_flow_streams_total",
                                 .help = "Streams of children about sites that were taken."})),
      streams_({.own = state.own(), .leads = leads_}, guard,
               metrics.AddCounter(
                   {.name = "strata_site_flow_refused_total",
                    .help = "Streams of children about sites that were refused, or ended for "
                            "what they said."}),
               metrics.AddGauge({.name = "strata_site_flow_children",
                                 .help = "Children that are told of sites."})) {}

void FlowService::AddTo(grpc::ServerBuilder& builder) {
  link::ChildStreams::Prepare(builder);
  builder.SetMaxReceiveMessageSize(static_cast<int>(kMessageBytesMax));
  builder.RegisterService(this);
}

// ---- Children.

grpc::Status FlowService::Follow(grpc::ServerContext* context, Stream* stream) {
  Hello hello;
  const auto read = [&]() -> StatusOr<link::ChildStreams::Introduction> {
    v1::FollowerMessage first;
    if (!stream->Read(&first)) return InvalidArgument("a stream that says nothing");
    STRATA_ASSIGN_OR_RETURN(hello, HelloFrom(first));
    return link::ChildStreams::Introduction{.child = hello.child, .epoch = hello.epoch};
  };
  return streams_.Serve(*context, read, [&](link::ChildStreams::Place& place) {
    return Exchange(place, *context, *stream, hello);
  });
}

Status FlowService::Exchange(link::ChildStreams::Place& place, grpc::ServerContext& context,
                             Stream& stream, const Hello& hello) {
  const std::string& child = place.child().scope;
  if (!stream.Write(ToWelcome(state_.own()))) return Unavailable("the stream broke");
  STRATA_RETURN_IF_ERROR(state_.EnterChild(child, place.child().level, hello.held));
  taken_.Add();
  Log().Info("a child follows",
             {{"scope", child}, {"manager", place.child().manager}, {"sites", hello.held.size()}});
  const auto read = [&] {
    const Status ended = ReadAll(place, stream);
    state_.LeaveChild(child);  // Its news are over, too.
    return ended;
  };
  const Status ended = place.Exchange(read, [&] { TellAll(child, context, stream); });
  const Status why = place.ended().ok() ? ended : place.ended();
  Log().Warning("a child follows no more", {{"scope", child}, {"why", MessageOf(why)}});
  return ended;
}

Status FlowService::ReadAll(link::ChildStreams::Place& place, Stream& stream) {
  v1::FollowerMessage message;
  while (true) {
    place.Waits();
    if (!stream.Read(&message)) return Unavailable("the stream broke");
    place.Heard();
    if (message.has_hello()) return InvalidArgument("a second hello");
    if (!message.has_report()) continue;
    STRATA_RETURN_IF_ERROR(streams_.CheckTurn(place.child()));
    STRATA_RETURN_IF_ERROR(state_.TakeReport(place.child().scope, FromProto(message.report())));
  }
}

void FlowService::TellAll(const std::string& child, grpc::ServerContext& context, Stream& stream) {
  v1::NewsMessage alive;
  alive.mutable_alive();
  while (true) {
    const StatusOr<std::optional<News>> news = state_.NextNews(child, link::kAliveEvery);
    if (news.status().code() == StatusCode::kNotFound) return;  // It has left.
    if (!news.ok()) {
      Log().Error("a child cannot be told of a site",
                  {{"scope", child}, {"error", MessageOf(news.status())}});
      return context.TryCancel();
    }
    if (!stream.Write(*news ? ToMessage(**news) : alive)) return;
  }
}

void FlowService::EndAll(const Status& why) { streams_.EndAll(why); }

void FlowService::Stop() {
  state_.GiveUp();
  streams_.Stop();
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
