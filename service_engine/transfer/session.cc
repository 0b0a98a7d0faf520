#include "service_engine/transfer/session.h"

#include <xxhash.h>

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "service_engine/transfer/answers.h"
#include "service_engine/transfer/ask.h"
#include "service_engine/transfer/delivery.h"
#include "service_engine/transfer/forward.h"
#include "service_engine/transfer/limits.h"

namespace strata::engine::transfer {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kFillLocation = "/_strata/fill";
constexpr std::string_view kJoinLocation = "/_strata/join";
constexpr std::string_view kPeerLocation = "/_strata/peer";

using Kind = MissDecision::Kind;

// One connection.
class Session {
 public:
  Session(AgentContext& agent, asio::local::stream_protocol::socket socket)
      : agent_(agent), nginx_(std::move(socket)) {}

  asio::awaitable<void> Run() {
    while (true) {
      const StatusOr<NginxRequest> request = co_await nginx_.ReadRequest();
      if (!request.ok()) {
        if (request.status().code() != StatusCode::kNotFound) co_await Malformed(request.status());
        break;
      }
      const bool usable = co_await Answer(*request);
      if (!usable || !nginx_.AtEndOfRequest()) break;
    }
    nginx_.Close();
  }

 private:
  asio::awaitable<void> Malformed(const Status& status) {
    agent_.counters.malformed.Add();
    const bool large = status.code() == StatusCode::kResourceExhausted;
    const NginxRequest unknown;
    HttpFields fields;
    fields.push_back({"Connection", "close"});
    const int answer = large ? 431 : 400;
    co_await Say(nginx_, unknown, answer, MessageOf(status), std::move(fields));
  }

  // False if the connection is of no use any more.
  asio::awaitable<bool> Answer(const NginxRequest& request) {
    const bool miss = request.path == "/miss";
    const bool fill = request.path == "/fill";
    const bool join = request.path == "/join";
    // Without HTTP/1.1 nginx could not see that an answer was cut short.
    if (!request.http_1_1 || !(miss || fill || join)) {
      agent_.counters.malformed.Add();
      const int status = request.http_1_1 ? 404 : 505;
      co_return co_await Say(nginx_, request, status,
                             "the agent answers /miss, /fill and /join by HTTP/1.1");
    }
    (miss ? agent_.counters.misses : fill ? agent_.counters.fills : agent_.counters.joins).Add();
    Ask ask;
    const Refusal refusal = ReadAsk(request, agent_.table, ask);
    if (refusal.status != 0) {
      (refusal.status == 404 ? agent_.counters.refused_site : agent_.counters.refused_other).Add();
      co_return co_await Say(nginx_, request, refusal.status, refusal.reason);
    }
    if (miss) co_return co_await Miss(request, ask);
    if (fill) co_return co_await Fill(request, ask);
    co_return co_await Join(request, ask);
  }

  // ---- /miss

  asio::awaitable<std::vector<Peer>> FindHolders(farm::ContentKey key, uint64_t draw) {
    if (agent_.table.KnowsHolders()) co_return agent_.table.Holders(key, draw);
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    const auto begin = [this, key, draw, executor](auto handler) {
      // A function that can be copied holds what can only be moved.
      const auto waiting = std::make_shared<decltype(handler)>(std::move(handler));
      agent_.table.AskHolders(key, draw, [waiting, executor](std::vector<Peer> peers) {
        asio::post(executor, [waiting, peers = std::move(peers)]() mutable {
          (std::move(*waiting))(std::move(peers));
        });
      });
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::vector<Peer>)>(
        begin, asio::use_awaitable);
  }

  asio::awaitable<MissDecision> Decide(const NginxRequest& request, Ask& ask) {
    MissQuestion& question = ask.question;
    question.looped = HasLooped(request.fields, agent_.identity.loop_token);
    const bool hop = question.form == MissForm::kPeer || question.form == MissForm::kPeerFill;
    question.from_member = hop && agent_.table.IsMember(question.client);
    std::vector<Peer> holders;
    std::vector<Peer> fillers;
    if (!hop && question.method != MissMethod::kOther) {
      const uint64_t draw =
          XXH3_64bits_withSeed(question.target.data(), question.target.size(), ++agent_.requests);
      holders = co_await FindHolders(ask.key, draw);
      fillers = agent_.table.Fillers(ask.key);
      CorrectRow(ask, holders);
    }
    co_return DecideMiss(question, *ask.site, agent_.options.self, holders, fillers);
  }

  // The last one tried is new; the others have been told of before.
  void CorrectRow(const Ask& ask, const std::vector<Peer>& holders) {
    if (ask.question.tried.empty()) return;
    const std::string& last = ask.question.tried.back();
    for (const Peer& holder : holders) {
      const bool tried =
          std::any_of(holder.peers.begin(), holder.peers.end(),
                      [&last](const Endpoint& endpoint) { return ToString(endpoint) == last; });
      if (tried) agent_.table.PeerLacks(holder.id, ask.key);
    }
  }

  asio::awaitable<bool> Miss(const NginxRequest& request, Ask& ask) {
    const MissDecision decision = co_await Decide(request, ask);
    // It may have been removed while somebody was asked.
    if (!agent_.table.KnowsHolders() && !IsPresent(*ask.site)) {
      agent_.counters.refused_site.Add();
      co_return co_await Say(nginx_, request, 404, "no site has this host");
    }
    switch (decision.kind) {
      case Kind::kFill:
        co_return co_await TellFill(request, ask);
      case Kind::kForward:
        co_return co_await Forward(agent_, nginx_, request, ask);
      case Kind::kPeer: {
        agent_.counters.told_peer.Add();
        HttpFields fields;
        fields.push_back({"Strata-Peer", ToString(decision.peer)});
        fields.push_back({"Strata-Target", decision.peer_target});
        co_return co_await LeadTo(nginx_, kPeerLocation, std::move(fields));
      }
      case Kind::kRedirect:
        co_return co_await TellRedirect(request, ask, decision);
      case Kind::kRefuse:
        break;
    }
    CounterOf(decision.status).Add();
    HttpFields fields;
    if (decision.status == 405) fields.push_back({"Allow", "GET, HEAD"});
    co_return co_await Say(nginx_, request, decision.status, decision.reason, std::move(fields));
  }

  Counter& CounterOf(int status) {
    if (status == 504) return agent_.counters.told_not_held;
    if (status == 403) return agent_.counters.refused_member;
    return status == 508 ? agent_.counters.refused_loop : agent_.counters.refused_other;
  }

  asio::awaitable<bool> TellRedirect(const NginxRequest& request, const Ask& ask,
                                     const MissDecision& decision) {
    agent_.counters.told_redirect.Add();
    HttpFields fields;
    fields.push_back({"Location", decision.location});
    const std::string allowed = AllowedWebOrigin(*ask.site, ask.question.web_origin);
    if (!allowed.empty()) {
      fields.push_back({"Access-Control-Allow-Origin", allowed});
      fields.push_back({"Vary", "Origin"});
    }
    co_return co_await Say(nginx_, request, decision.status, "", std::move(fields));
  }

  // Starts the fetch at once if nginx is sure not to have it: it looked under the canonical URI.
  // For another spelling nginx looks first, and then asks /fill.
  asio::awaitable<bool> TellFill(const NginxRequest& request, const Ask& ask) {
    const FetchOrder order = OrderOf(request, ask, agent_.identity);
    FetchTable::Place place{FillBoard::Place::Kind::kLead, 0};
    if (ServesStaleAtOnce(request, ask)) co_return co_await LeadToFill(ask, 0);
    if (ask.canonical) {
      place = agent_.fetches.Enter(order, !order.authorized);
    } else if (const FetchNumber number = agent_.fetches.FindToJoin(ask.key, order.request);
               number != 0 && !order.authorized) {
      place = {FillBoard::Place::Kind::kJoin, number};
    }
    if (place.kind == FillBoard::Place::Kind::kFull) co_return co_await Full(request);
    if (place.kind == FillBoard::Place::Kind::kJoin) {
      agent_.counters.told_join.Add();
      HttpFields fields;
      fields.push_back({"Strata-Fill", std::to_string(place.number)});
      co_return co_await LeadTo(nginx_, kJoinLocation, std::move(fields));
    }
    agent_.counters.told_fill.Add();
    co_return co_await LeadToFill(ask, place.number);
  }

  // No origin could be reached a moment ago: who has an old copy does not wait for that again.
  bool ServesStaleAtOnce(const NginxRequest& request, const Ask& ask) {
    return HasExpiredCopy(request) &&
           agent_.rest.AllRest(*ask.site, std::chrono::steady_clock::now());
  }

  asio::awaitable<bool> LeadToFill(const Ask& ask, FetchNumber number) {
    HttpFields fields;
    fields.push_back({"Strata-Key", ask.canonical_uri});
    fields.push_back({"Strata-Fill", std::to_string(number)});
    co_return co_await LeadTo(nginx_, kFillLocation, std::move(fields));
  }

  asio::awaitable<bool> Full(const NginxRequest& request) {
    agent_.counters.refused_full.Add();
    HttpFields fields;
    fields.push_back({"Retry-After", "1"});
    co_return co_await Say(nginx_, request, 503, "too many fetches from origins",
                           std::move(fields));
  }

  // ---- /fill

  asio::awaitable<bool> Fill(const NginxRequest& request, const Ask& ask) {
    if (ServesStaleAtOnce(request, ask)) co_return false;
    const FetchOrder order = OrderOf(request, ask, agent_.identity);
    bool shares = !order.authorized;
    std::unique_ptr<FetchTable::Seat> seat =
        agent_.fetches.Attach(ask.fetch, ask.key, {.fills = true, .claims = true});
    for (size_t i = 0; i < kReaderRoundsMax; ++i) {
      if (seat == nullptr) {
        if (i > 0 && !IsPresent(*ask.site)) co_return false;
        const FetchTable::Place place = agent_.fetches.Enter(order, shares);
        if (place.kind == FillBoard::Place::Kind::kFull) co_return co_await Full(request);
        const bool leads = place.kind == FillBoard::Place::Kind::kLead;
        seat = agent_.fetches.Attach(place.number, ask.key, {.fills = true, .claims = leads});
        if (seat == nullptr) continue;
      }
      const Delivered delivered = co_await Deliver(agent_, nginx_, request, *seat, true);
      const std::unique_ptr<FetchTable::Seat> lingering = seat->Another();
      seat.reset();
      if (delivered == Delivered::kWhole) co_await Linger();
      if (delivered == Delivered::kWhole || delivered == Delivered::kBroken) co_return false;
      shares = shares && delivered == Delivered::kGone;
    }
    co_return co_await Full(request);
  }

  // A fetch that was cut off because its site has gone must not begin again by what that site was.
  bool IsPresent(const farm::Site& site) {
    const std::shared_ptr<const farm::Site> present = agent_.table.SiteOfHost(site.hosts.front());
    return present != nullptr && present->name == site.name && present->version == site.version;
  }

  static asio::awaitable<void> Linger() {
    asio::steady_timer timer(co_await asio::this_coro::executor, kLinger);
    co_await timer.async_wait(kAwait);
  }

  // ---- /join

  asio::awaitable<bool> Join(const NginxRequest& request, const Ask& ask) {
    std::unique_ptr<FetchTable::Seat> seat = agent_.fetches.Attach(ask.fetch, ask.key, {});
    if (seat != nullptr) {
      const Delivered delivered = co_await Deliver(agent_, nginx_, request, *seat, false);
      if (delivered == Delivered::kWhole) co_return true;
      if (delivered == Delivered::kBroken) co_return false;
    }
    // It is in the cache by now, or he needs a fetch of his own.
    co_return co_await LeadToFill(ask, 0);
  }

  AgentContext& agent_;
  NginxConnection nginx_;
};

}  // namespace

asio::awaitable<void> Serve(AgentContext& agent, asio::local::stream_protocol::socket socket) {
  Session session(agent, std::move(socket));
  co_await session.Run();
  agent.counters.connections.Set(static_cast<double>(--agent.connections));
}

}  // namespace strata::engine::transfer
