#include "service_manager/frontend/forward_exchange.h"

#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "service_manager/frontend/body_relay.h"
#include "service_manager/frontend/forward_fields.h"
#include "service_manager/frontend/limits.h"
#include "service_manager/frontend/worker.h"

namespace strata::manager::frontend {
namespace {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;
using Error = boost::beast::error_code;

struct Target {
  Endpoint endpoint;
  std::string host;  // As its Host field has it.
};

tcp::endpoint EndpointOf(const Endpoint& endpoint) {
  if (endpoint.ip.IsV4()) {
    boost::asio::ip::address_v4::bytes_type bytes;
    std::copy_n(endpoint.ip.bytes().data(), bytes.size(), bytes.data());
    return {boost::asio::ip::address_v4(bytes), endpoint.port};
  }
  boost::asio::ip::address_v6::bytes_type bytes;
  std::copy_n(endpoint.ip.bytes().data(), bytes.size(), bytes.data());
  return {boost::asio::ip::address_v6(bytes, endpoint.interface), endpoint.port};
}

// May be sent twice without doing twice (RFC 9110, section 9.2.2).
bool IsIdempotent(http::verb verb) {
  switch (verb) {
    case http::verb::get:
    case http::verb::head:
    case http::verb::options:
    case http::verb::put:
    case http::verb::delete_:
    case http::verb::trace:
      return true;
    default:
      return false;
  }
}

class Exchange final : public ForwardExchange, public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Worker& worker, const IpAddress& client, const routing::Decision& decision,
           const RequestHead& head)
      : worker_(worker),
        asked_{
            .target = decision.engine_target, .host = std::string(decision.host), .client = client},
        has_body_(head.has_body),
        http_1_0_(head.http_1_0),
        engine_(worker.io()) {
    for (const auto* engine : decision.engines) {
      engines_.push_back({.endpoint = engine->endpoint, .host = engine->by_address});
    }
  }

  void Start(Socket& client, boost::beast::flat_buffer& buffer, Persistence persistence,
             Done done) override {
    client_ = &client;
    buffer_ = &buffer;
    keep_ = persistence.keep;
    done_ = std::move(done);
    if (!ReadHead()) return Finish(ForwardResult::kBroken);
    TryNext();
  }

  void Sweep(Timestamp now) override {
    if (now < deadline_) return;
    timed_out_ = true;
    deadline_ = Timestamp::Never();
    Error ignored;
    engine_.close(ignored);
    // Also where it is the client that the exchange waits for.
    if (!answering_ && !sending_body_) return;
    worker_.counters().request_timeouts.Add();
    client_->close(ignored);
  }

  void Cancel() override {
    done_ = nullptr;
    Error ignored;
    engine_.close(ignored);
  }

 private:
  using RequestRelay = BodyRelay<true>;
  using ResponseRelay = BodyRelay<false>;

  // A handler that ends with this exchange, and does nothing after Cancel.
  template <class Method>
  auto Then(Method method) {
    return [self = shared_from_this(), method](const Error& error, auto&&...) {
      if (self->done_ != nullptr) (self.get()->*method)(error);
    };
  }
  void Wait(Duration at_most) { deadline_ = Worker::Now() + at_most; }

  bool ReadHead() {
    request_.header_limit(static_cast<uint32_t>(worker_.options().header_bytes_max) + 1);
    request_.body_limit(boost::none);
    Error error;
    buffer_->consume(request_.put(buffer_->data(), error));
    if (error == http::error::need_more) error = {};
    if (error || !request_.is_header_done()) return false;
    idempotent_ = IsIdempotent(request_.get().method()) && !has_body_;
    expects_continue_ = boost::beast::iequals(request_.get()[http::field::expect], "100-continue");
    PrepareRequest(asked_, request_.get());
    return true;
  }

  // ---- To the engine.

  void TryNext() {
    if (next_ == engines_.size()) {
      return Finish(timed_out_ ? ForwardResult::kTimeout : ForwardResult::kUnreachable);
    }
    const Target& engine = engines_[next_++];
    request_.get().set(http::field::host, engine.host);
    pooled_ = false;
    if (idempotent_) {
      if (std::optional<Socket> open = worker_.engines().Take(engine.endpoint)) {
        engine_ = std::move(*open);
        pooled_ = true;
        worker_.counters().engine_reuses.Add();
        return SendHead();
      }
    }
    Connect(engine.endpoint);
  }

  void Connect(const Endpoint& engine) {
    Wait(worker_.options().engine_connect_timeout);
    Error error;
    engine_ = Socket(worker_.io());
    engine_.open(engine.ip.IsV4() ? tcp::v4() : tcp::v6(), error);
    if (!error) engine_.set_option(tcp::no_delay(true), error);
    if (error) return TryNext();
    engine_.async_connect(EndpointOf(engine), Then(&Exchange::OnConnected));
  }

  void OnConnected(const Error& error) {
    if (error) {
      worker_.counters().engine_failures.Add();
      return TryNext();
    }
    worker_.counters().engine_connections.Add();
    SendHead();
  }

  void SendHead() {
    Wait(worker_.options().engine_timeout);
    engine_buffer_.clear();
    request_.get().body().data = nullptr;
    request_.get().body().size = 0;
    request_.get().body().more = has_body_;
    request_serializer_.emplace(request_.get());
    http::async_write_header(engine_, *request_serializer_, Then(&Exchange::OnHeadSent));
  }

  void OnHeadSent(const Error& error) {
    if (error) return OnEngineFailed();
    if (!has_body_) return ReadAnswer();
    sending_body_ = true;
    if (!expects_continue_) return SendBody();
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    boost::asio::async_write(*client_, boost::asio::buffer(kContinue),
                             Then(&Exchange::OnContinueSent));
  }

  void OnContinueSent(const Error& error) {
    if (error) return Finish(ForwardResult::kBroken);
    SendBody();
  }

  void SendBody() {
    request_relay_.emplace(
        RequestRelay::Ends{.source = *client_,
                           .buffer = *buffer_,
                           .parser = request_,
                           .sink = engine_,
                           .serializer = *request_serializer_},
        [this](size_t) { Wait(worker_.options().engine_timeout); },
        [self = shared_from_this()](RelayEnd end) {
          if (self->done_ != nullptr) self->OnBodySent(end);
        });
    request_relay_->Run();
  }

  void OnBodySent(RelayEnd end) {
    if (end == RelayEnd::kSourceFailed) return Finish(ForwardResult::kBroken);
    body_sent_ = end == RelayEnd::kDone;
    sending_body_ = false;
    // An engine that takes no more may have said why.
    ReadAnswer();
  }

  // ---- Back to the client.

  void ReadAnswer() {
    Wait(worker_.options().engine_timeout);
    response_.emplace();
    response_->header_limit(kEngineHeadBytesMax);
    response_->body_limit(boost::none);
    response_->skip(request_.get().method() == http::verb::head);
    http::async_read_header(engine_, engine_buffer_, *response_, Then(&Exchange::OnAnswerHead));
  }

  void OnAnswerHead(const Error& error) {
    if (error) return OnEngineFailed();
    const unsigned status = response_->get().result_int();
    if (status >= 100 && status < 200) {
      if (status == 101 || ++interim_ > kInterimAnswersMax) return OnEngineFailed();
      return ReadAnswer();
    }
    answering_ = true;
    if (has_body_ && !body_sent_) keep_ = false;  // The rest of it is still to come.
    engine_keeps_ = response_->keep_alive();
    PrepareResponse(http_1_0_, !response_->is_done(), keep_, response_->get());
    response_->get().body().data = nullptr;
    response_->get().body().size = 0;
    response_->get().body().more = !response_->is_done();
    response_serializer_.emplace(response_->get());
    http::async_write_header(*client_, *response_serializer_, Then(&Exchange::OnAnswerHeadSent));
  }

  void OnAnswerHeadSent(const Error& error) {
    if (error) return Finish(ForwardResult::kBroken);
    if (response_->is_done()) return OnAnswered(RelayEnd::kDone);
    response_relay_.emplace(
        ResponseRelay::Ends{.source = engine_,
                            .buffer = engine_buffer_,
                            .parser = *response_,
                            .sink = *client_,
                            .serializer = *response_serializer_},
        [this](size_t bytes) {
          Wait(worker_.options().engine_timeout);
          worker_.counters().forwarded_bytes.Add(bytes);
        },
        [self = shared_from_this()](RelayEnd end) {
          if (self->done_ != nullptr) self->OnAnswered(end);
        });
    response_relay_->Run();
  }

  void OnAnswered(RelayEnd end) {
    if (end != RelayEnd::kDone) return Finish(ForwardResult::kBroken);
    const bool reusable = engine_keeps_ && engine_buffer_.size() == 0 && (!has_body_ || body_sent_);
    if (reusable) {
      worker_.engines().Put(engines_[next_ - 1].endpoint, std::move(engine_), Worker::Now());
    }
    Finish(keep_ ? ForwardResult::kAnswered : ForwardResult::kAnsweredToEnd);
  }

  // Nothing of its answer has come.
  void OnEngineFailed() {
    worker_.counters().engine_failures.Add();
    Error ignored;
    engine_.close(ignored);
    // One that waited in the pool may have been closed meanwhile, by an engine that is fine.
    if (std::exchange(pooled_, false) && !timed_out_) return Connect(engines_[next_ - 1].endpoint);
    if (idempotent_) return TryNext();
    Finish(timed_out_ ? ForwardResult::kTimeout : ForwardResult::kUnreachable);
  }

  void Finish(ForwardResult result) {
    deadline_ = Timestamp::Never();
    Error ignored;
    engine_.close(ignored);
    const Done done = std::exchange(done_, nullptr);
    done(result);
  }

  Worker& worker_;
  const EngineRequest asked_;
  const bool has_body_;
  const bool http_1_0_;
  std::vector<Target> engines_;
  size_t next_ = 0;

  Socket* client_ = nullptr;
  boost::beast::flat_buffer* buffer_ = nullptr;
  bool keep_ = false;
  Done done_;

  Socket engine_;
  boost::beast::flat_buffer engine_buffer_{kEngineHeadBytesMax + kRelayBytes};
  RequestRelay::Parser request_;
  std::optional<ResponseRelay::Parser> response_;
  std::optional<RequestRelay::Serializer> request_serializer_;
  std::optional<ResponseRelay::Serializer> response_serializer_;
  std::optional<RequestRelay> request_relay_;
  std::optional<ResponseRelay> response_relay_;

  Timestamp deadline_ = Timestamp::Never();
  bool idempotent_ = false;
  bool expects_continue_ = false;
  bool pooled_ = false;
  bool sending_body_ = false;
  bool body_sent_ = false;
  bool answering_ = false;
  bool engine_keeps_ = false;
  bool timed_out_ = false;
  int interim_ = 0;
};

}  // namespace

std::shared_ptr<ForwardExchange> ForwardExchange::Make(Worker& worker, const IpAddress& client,
                                                       const routing::Decision& decision,
                                                       const RequestHead& head) {
  return std::make_shared<Exchange>(worker, client, decision, head);
}

}  // namespace strata::manager::frontend
