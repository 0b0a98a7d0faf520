#include "service_engine/transfer/forward.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "farm/content_identity.h"
#include "service_engine/transfer/answers.h"
#include "service_engine/transfer/limits.h"

namespace strata::engine::transfer {
namespace {

namespace asio = boost::asio;

constexpr int kOk = 200;
constexpr int kNoContent = 204;
constexpr int kNotModified = 304;
constexpr int kClientError = 400;

// One request on its way to an origin and back.
class Forwarding {
 public:
  Forwarding(AgentContext& agent, NginxConnection& nginx, const NginxRequest& request,
             const Ask& ask)
      : agent_(agent), nginx_(nginx), request_(request), ask_(ask) {
    ++agent_.forwards;
  }
  ~Forwarding() { --agent_.forwards; }
  Forwarding(const Forwarding&) = delete;
  Forwarding& operator=(const Forwarding&) = delete;

  asio::awaitable<bool> Run() {
    // As it came, but for the escapes: the site's query rules are about contents.
    std::string uri;
    const Status fits = farm::CanonicalUri(ask_.site->hosts.front(), ask_.question.target, {}, uri);
    if (!fits.ok()) co_return co_await Say(nginx_, request_, 400, MessageOf(fits));
    constexpr std::string_view kScheme = "http://";
    target_ = uri.substr(kScheme.size() + ask_.site->hosts.front().size());
    const SteadyTime now = std::chrono::steady_clock::now();
    for (const farm::Origin& origin : agent_.rest.Order(*ask_.site, now)) {
      // On a new connection: what was sent on one that the origin was closing could not be
      // repeated.
      OriginExchange exchange(nginx_.strand(), *agent_.trust, agent_.pool, origin,
                              now + kForwardLimit);
      const Status status = co_await exchange.Connect();
      if (status.ok()) co_return co_await With(exchange, origin);
      agent_.counters.origin_unreachable.Add();
      agent_.rest.OnFailure(origin, std::chrono::steady_clock::now());
    }
    co_return co_await Say(nginx_, request_, 502, "no origin can be reached");
  }

 private:
  asio::awaitable<bool> With(OriginExchange& exchange, const farm::Origin& origin) {
    const Status sent = co_await SendRequest(exchange, origin);
    // An origin may answer before it has read all, and close: its answer counts.
    const StatusOr<OriginHead> head = co_await exchange.ReadHead();
    if (!head.ok()) {
      const bool silent = head.status().code() == StatusCode::kDeadlineExceeded;
      (silent ? agent_.counters.origin_silent : agent_.counters.origin_broken).Add();
      const int status = silent ? 504 : 502;
      const bool written = co_await Say(nginx_, request_, status, "the origin did not answer");
      co_return written&& sent.ok();
    }
    if (Invalidates(head->status)) co_await Invalidate();
    const bool answered = co_await Answer(exchange, *head);
    // An origin that answers without having read the body may take it for the next request.
    if (answered && !request_.has_body) exchange.Keep();
    co_return answered&& sent.ok();
  }

  // RFC 9111, section 4.4: what an unsafe method names may be another now, if the origin did not
  // refuse. Whether a method is safe that is not in this list nobody knows.
  bool Invalidates(int status) const {
    constexpr std::array<std::string_view, 4> kSafe = {"OPTIONS", "PROPFIND", "REPORT", "SEARCH"};
    const bool safe = std::find(kSafe.begin(), kSafe.end(), request_.method) != kSafe.end();
    return !safe && status >= kOk && status < kClientError;
  }

  // The copy goes before the client has the answer, so that what he asks for next is not the old
  // one.
  asio::awaitable<void> Invalidate() {
    const auto bell = std::make_shared<Bell>(nginx_.strand());
    const auto gone = std::make_shared<std::atomic<bool>>(false);
    const auto until = std::chrono::steady_clock::now() + kInvalidateLimit;
    agent_.table.Invalidate(ask_.key, [bell, gone] {
      *gone = true;
      bell->Ring();
    });
    while (!*gone && std::chrono::steady_clock::now() < until) co_await bell->Wait(until);
    agent_.counters.invalidated.Add();
    if (!*gone) agent_.counters.invalidated_late.Add();
  }

  asio::awaitable<Status> SendRequest(OriginExchange& exchange, const farm::Origin& origin) {
    const ProxiedClient who{.address = ToString(ask_.question.client),
                            .scheme = ask_.question.scheme,
                            .host = std::string(request_.Field("Strata-Host"))};
    const HttpFields fields = OriginRequestFields(request_.fields, who, agent_.identity);
    const std::string host = HostFor(*ask_.site, origin);
    auto kind = OriginExchange::Body::kNone;
    if (request_.body_length) {
      kind = OriginExchange::Body::kLength;
    } else if (request_.has_body) {
      kind = OriginExchange::Body::kChunked;
    }
    const OriginExchange::Request request{.method = request_.method,
                                          .target = target_,
                                          .host = host,
                                          .fields = fields,
                                          .body = kind,
                                          .length = request_.body_length.value_or(0)};
    Status status = co_await exchange.Send(request);
    std::vector<uint8_t> piece(request_.has_body ? PieceFor(request_.body_length) : 0);
    while (status.ok() && request_.has_body) {
      const StatusOr<size_t> got = co_await nginx_.ReadBody(piece);
      if (!got.ok()) co_return got.status();
      if (*got == 0) break;
      status = co_await exchange.SendBody(ByteSpan(piece).first(*got));
    }
    if (status.ok() && kind == OriginExchange::Body::kChunked) {
      status = co_await exchange.SendBody({});
    }
    co_return status;
  }

  asio::awaitable<bool> Answer(OriginExchange& exchange, const OriginHead& head) {
    const bool no_body = head.status == kNoContent || head.status == kNotModified;
    AnswerText text(head.status, head.reason);
    text.Add("X-Accel-Expires", "0").Add(AnswerFields(head.fields));
    const std::string front = no_body ? text.DoneWithoutBody() : text.Done(head.length);
    if (!co_await nginx_.Write(front)) co_return false;
    if (no_body) co_return true;
    const bool chunked = !head.length.has_value();
    std::vector<uint8_t> piece(PieceFor(head.length));
    while (true) {
      const StatusOr<size_t> got = co_await exchange.ReadSome(piece);
      if (!got.ok()) {
        agent_.counters.origin_broken.Add();
        nginx_.BreakOff();
        co_return false;
      }
      if (*got == 0) break;
      if (!co_await nginx_.WritePiece(ByteSpan(piece).first(*got), chunked)) co_return false;
    }
    if (!chunked) co_return true;
    co_return co_await nginx_.WritePiece({}, true);
  }

  AgentContext& agent_;
  NginxConnection& nginx_;
  const NginxRequest& request_;
  const Ask& ask_;
  std::string target_;
};

}  // namespace

asio::awaitable<bool> Forward(AgentContext& agent, NginxConnection& nginx,
                              const NginxRequest& request, const Ask& ask) {
  const bool tunnel = request.method == "CONNECT" || request.method == "TRACE";
  if (tunnel) co_return co_await Say(nginx, request, 405, "this method goes no further");
  if (agent.forwards >= agent.options.forwards_max) {
    agent.counters.refused_full.Add();
    HttpFields fields;
    fields.push_back({"Retry-After", "1"});
    co_return co_await Say(nginx, request, 503, "too many requests are on their way",
                           std::move(fields));
  }
  agent.counters.told_forward.Add();
  Forwarding forwarding(agent, nginx, request, ask);
  co_return co_await forwarding.Run();
}

}  // namespace strata::engine::transfer
