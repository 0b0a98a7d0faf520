#include "common/process/status_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <thread>
#include <utility>

namespace strata {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr std::chrono::seconds kPatience(5);  // For a request, and for its answer.
constexpr size_t kHeaderBytesMax = 8192;
constexpr int kConnectionsMax = 64;

struct Watched {
  const MetricRegistry& metrics;
  StatusServer::Health health;
  int connections = 0;  // Of the server's thread.
};

// One request, one answer.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Watched& watched) : stream_(std::move(socket)), watched_(watched) {
    ++watched_.connections;
    parser_.header_limit(kHeaderBytesMax);
    parser_.body_limit(0);
  }
  ~Session() { --watched_.connections; }

  void Run() {
    stream_.expires_after(kPatience);
    http::async_read(stream_, buffer_, parser_,
                     [self = shared_from_this()](beast::error_code error, size_t) {
                       if (!error) self->Answer();
                     });
  }

 private:
  void Answer() {
    const auto& request = parser_.get();
    answer_.version(request.version());
    answer_.keep_alive(false);
    answer_.set(http::field::content_type, "text/plain; charset=utf-8");
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      answer_.result(http::status::method_not_allowed);
    } else if (request.target() == "/metrics") {
      answer_.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
      answer_.body() = watched_.metrics.Text();
    } else if (request.target() == "/healthz") {
      const HealthReport health = watched_.health();
      if (!health.status.ok()) answer_.result(http::status::service_unavailable);
      answer_.body() = (health.status.ok() ? "ok" : MessageOf(health.status)) + "\n";
      for (const auto& [name, value] : health.facts) answer_.body() += name + ": " + value + "\n";
    } else {
      answer_.result(http::status::not_found);
      answer_.body() = "/metrics and /healthz are here\n";
    }
    if (request.method() == http::verb::head) answer_.body().clear();
    answer_.prepare_payload();
    stream_.expires_after(kPatience);
    http::async_write(stream_, answer_, [self = shared_from_this()](beast::error_code, size_t) {
      beast::error_code ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
    });
  }

  beast::tcp_stream stream_;
  Watched& watched_;
  beast::flat_buffer buffer_;
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> answer_;
};

tcp::endpoint ToAsio(const Endpoint& endpoint) {
  beast::error_code ignored;  // The text is an address.
  return {asio::ip::make_address(ToString(endpoint.ip), ignored), endpoint.port};
}

}  // namespace

class StatusServer::Impl {
 public:
  Impl(const MetricRegistry& metrics, Health health)
      : watched_{metrics, std::move(health)}, acceptor_(context_) {}
  ~Impl() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Status Listen(const Endpoint& listen) {
    beast::error_code error;
    const tcp::endpoint at = ToAsio(listen);
    acceptor_.open(at.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(at, error);
    if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
    if (error) {
      return Unavailable("cannot listen at %s: %s", ToString(listen).c_str(),
                         error.message().c_str());
    }
    endpoint_ = listen;
    endpoint_.port = acceptor_.local_endpoint(error).port();
    Accept();
    thread_ = std::thread([this] { context_.run(); });
    return Ok();
  }
  Endpoint endpoint() const { return endpoint_; }

 private:
  void Accept() {
    acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (!error && watched_.connections < kConnectionsMax) {
        std::make_shared<Session>(std::move(socket), watched_)->Run();
      }
      Accept();
    });
  }

  Watched watched_;
  Endpoint endpoint_;
  asio::io_context context_;
  tcp::acceptor acceptor_;
  std::thread thread_;
};

StatusServer::StatusServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StatusServer::~StatusServer() = default;

StatusOr<std::unique_ptr<StatusServer>> StatusServer::Start(const Endpoint& listen,
                                                            const MetricRegistry& metrics,
                                                            Health health) {
  auto impl = std::make_unique<Impl>(metrics, std::move(health));
  STRATA_RETURN_IF_ERROR(impl->Listen(listen));
  return std::unique_ptr<StatusServer>(new StatusServer(std::move(impl)));
}

Endpoint StatusServer::endpoint() const { return impl_->endpoint(); }

}  // namespace strata
