#include "service_engine/transfer/fill.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <ctime>
#include <utility>
#include <vector>

#include "service_engine/transfer/limits.h"

namespace strata::engine::transfer {
namespace {

namespace asio = boost::asio;

constexpr int kNoContent = 204;
constexpr int kPartialContent = 206;
constexpr int kNotModified = 304;
constexpr int kServerError = 500;
constexpr int kBadGateway = 502;
constexpr int kUnavailable = 503;
constexpr int kGatewayTimeout = 504;

SteadyTime Now() { return std::chrono::steady_clock::now(); }

// One round of one fetch.
class Fill {
 public:
  Fill(AgentContext& agent, std::shared_ptr<Fetch> fetch, uint32_t round)
      : agent_(agent),
        fetch_(std::move(fetch)),
        order_(fetch_->order()),
        round_(round),
        deadline_(Now() + order_.site->fill_limit),
        request_(order_.to_origin) {
    MakeWhole(request_, round == 0);  // What a purge asks again is asked for as a whole.
  }

  asio::awaitable<void> Run() {
    const std::vector<farm::Origin> origins = agent_.rest.Order(*order_.site, Now());
    for (size_t i = 0; i < origins.size(); ++i) {
      const bool last = i + 1 == origins.size();
      if (co_await TryOrigin(origins[i], last)) co_return;
      if (Now() >= deadline_) break;
    }
    agent_.counters.fetched_not.Add();
    Give(NoAnswer(failure_), nullptr);
    agent_.fetches.Finish(*fetch_, round_, Fetch::End::kWhole);
  }

 private:
  // True if nothing is left to do.
  asio::awaitable<bool> TryOrigin(const farm::Origin& origin, bool last) {
    const auto strand = co_await asio::this_coro::executor;
    std::shared_ptr<OriginExchange> exchange;
    StatusOr<OriginHead> head = Unavailable("not asked");
    for (bool fresh = false;; fresh = true) {
      exchange =
          std::make_shared<OriginExchange>(strand, *agent_.trust, agent_.pool, origin, deadline_);
      const bool current = fetch_->SetAbort(
          round_, [strand, exchange] { asio::post(strand, [exchange] { exchange->Abort(); }); });
      if (!current) co_return true;
      head = co_await Ask(*exchange, origin, fresh);
      if (head.ok() || !exchange->WasStale()) break;
      agent_.counters.origin_stale.Add();
    }
    if (exchange->Aborted()) co_return true;  // This round is over.
    if (!head.ok()) {
      CountFailure(origin, head.status());
      co_return false;
    }
    if (head->status >= kServerError) {
      agent_.counters.origin_failed.Add();
      failure_ = kBadGateway;
      if (!last) co_return false;
    } else {
      agent_.rest.OnSuccess(origin);
    }
    co_await Take(*exchange, *head);
    exchange->Keep();
    co_return true;
  }

  // `fresh`: not on a connection that was kept.
  asio::awaitable<StatusOr<OriginHead>> Ask(OriginExchange& exchange, const farm::Origin& origin,
                                            bool fresh) {
    Status status = Ok();
    if (!fresh && exchange.Reuse()) {
      agent_.counters.origin_reused.Add();
    } else {
      status = co_await exchange.Connect();
      if (exchange.Resumed()) agent_.counters.origin_resumed.Add();
    }
    if (!status.ok()) co_return status;
    const std::string host = HostFor(*order_.site, origin);
    const OriginExchange::Request request{.method = "GET",
                                          .target = order_.target,
                                          .host = host,
                                          .fields = request_,
                                          .body = OriginExchange::Body::kNone,
                                          .length = 0};
    status = co_await exchange.Send(request);
    if (!status.ok()) co_return status;
    StatusOr<OriginHead> head = co_await exchange.ReadHead();
    const bool unasked = head.ok() && (head->status == kPartialContent ||
                                       (head->status == kNotModified && !Conditional()));
    if (unasked) co_return DataLoss("status %d, which nobody asked for", head->status);
    co_return head;
  }

  bool Conditional() const {
    return FindField(request_, "If-None-Match") != nullptr ||
           FindField(request_, "If-Modified-Since") != nullptr;
  }

  void CountFailure(const farm::Origin& origin, const Status& status) {
    const bool silent = status.code() == StatusCode::kDeadlineExceeded;
    const bool broken = status.code() == StatusCode::kDataLoss;
    (silent   ? agent_.counters.origin_silent
     : broken ? agent_.counters.origin_broken
              : agent_.counters.origin_unreachable)
        .Add();
    failure_ = silent ? kGatewayTimeout : kBadGateway;
    agent_.rest.OnFailure(origin, Now());
  }

  // The answer is good: its front goes out, its body follows as it comes.
  asio::awaitable<void> Take(OriginExchange& exchange, const OriginHead& from) {
    AnswerHead head;
    head.status = from.status;
    head.reason = from.reason;
    head.fields = AnswerFields(from.fields);
    head.freshness = FreshnessOf(from.status, head.fields, order_.authorized, *order_.site,
                                 static_cast<int64_t>(std::time(nullptr)));
    // nginx has a Date and a Server of its own for every client: it would read the origin's again
    // at each hit, for nothing.
    for (const char* name : {"Cache-Control", "Date", "Server"}) RemoveField(head.fields, name);
    const bool empty = from.status == kNoContent || from.status == kNotModified ||
                       from.length == std::optional<uint64_t>(0);
    head.length = empty ? std::optional<uint64_t>(0) : from.length;
    std::shared_ptr<Spool> spool;
    if (!empty) {
      auto created = Spool::Create(agent_.options.spool_folder, agent_.options.spool_free_min);
      if (!created.ok()) {
        agent_.counters.spool_errors.Add();
        Give(NoRoom(), nullptr);
        agent_.fetches.Finish(*fetch_, round_, Fetch::End::kWhole);
        co_return;
      }
      spool = *std::move(created);
    }
    if (!Give(std::move(head), spool)) co_return;
    bool whole = empty;
    if (!empty) whole = co_await Copy(exchange, *spool, PieceFor(from.length));
    (whole ? agent_.counters.fetched_whole : agent_.counters.fetched_broken).Add();
    agent_.fetches.Finish(*fetch_, round_, whole ? Fetch::End::kWhole : Fetch::End::kBroken);
  }

  asio::awaitable<bool> Copy(OriginExchange& exchange, Spool& spool, size_t piece_bytes) {
    std::vector<uint8_t> piece(piece_bytes);
    while (true) {
      const StatusOr<size_t> got = co_await exchange.ReadSome(piece);
      if (!got.ok()) {
        if (exchange.Aborted()) co_return false;
        const bool silent = got.status().code() == StatusCode::kDeadlineExceeded;
        (silent ? agent_.counters.origin_silent : agent_.counters.origin_broken).Add();
        co_return false;
      }
      if (*got == 0) co_return true;
      agent_.counters.fetched_bytes.Add(*got);
      if (!spool.Append(ByteSpan(piece).first(*got)).ok()) {
        agent_.counters.spool_errors.Add();
        co_return false;
      }
      if (!fetch_->AddBytes(round_, *got)) co_return false;
    }
  }

  // What is said where no origin had an answer: kept as an error is, so that not everybody tries.
  AnswerHead NoAnswer(int status) const {
    AnswerHead head;
    head.status = status;
    head.length = 0;
    head.freshness.seconds = FreshnessOf(status, {}, false, *order_.site, 0).seconds;
    head.fields.push_back({"Strata-Reason", "no origin has an answer"});
    return head;
  }

  // What is said where this engine has no place for the answer: not kept, since it may have room
  // again a moment later.
  static AnswerHead NoRoom() {
    AnswerHead head;
    head.status = kUnavailable;
    head.length = 0;
    head.fields.push_back({"Strata-Reason", "this engine has no room for the answer"});
    return head;
  }

  bool Give(AnswerHead head, std::shared_ptr<Spool> spool) {
    return agent_.fetches.Publish(*fetch_, round_, std::move(head), std::move(spool));
  }

  AgentContext& agent_;
  const std::shared_ptr<Fetch> fetch_;
  const FetchOrder& order_;
  const uint32_t round_;
  const SteadyTime deadline_;
  HttpFields request_;
  int failure_ = kBadGateway;  // What to say if nobody answers.
};

asio::awaitable<void> RunFill(AgentContext& agent, std::shared_ptr<Fetch> fetch, uint32_t round) {
  const FetchNumber number = fetch->number();
  {
    Fill fill(agent, std::move(fetch), round);
    co_await fill.Run();
  }
  asio::steady_timer unclaimed(co_await asio::this_coro::executor, kUnclaimed);
  co_await unclaimed.async_wait(kAwait);
  agent.fetches.Expire(number);
}

}  // namespace

void StartFill(AgentContext& agent, const std::shared_ptr<Fetch>& fetch, uint32_t round) {
  asio::co_spawn(asio::make_strand(agent.io), RunFill(agent, fetch, round), asio::detached);
}

}  // namespace strata::engine::transfer
