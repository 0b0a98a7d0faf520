#include "service_engine/adapters/nginx/http_fetch.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "service_engine/adapters/nginx/clock.h"
#include "service_engine/adapters/nginx/limits.h"

namespace strata::engine {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

// One exchange on a socket of `Protocol`, each step started by the one before.
template <class Protocol>
class Exchange {
 public:
  Exchange(const std::string& host, std::string_view path)
      : socket_(context_), request_(http::verb::get, {path.data(), path.size()}, 11) {
    request_.set(http::field::host, host);
    request_.set(http::field::user_agent, "strata-se");
    request_.set(http::field::connection, "close");
    parser_.body_limit(kFetchBytesMax);
  }

  StatusOr<HttpAnswer> Run(const typename Protocol::endpoint& server, Duration limit,
                           const std::function<bool()>& ending) {
    socket_.async_connect(server, [this](const error_code& error) {
      if (!Failed(error, "connect")) Write();
    });
    const Timestamp until = Now() + limit;
    while (!done_ && Now() < until) {
      if (ending && ending()) return Unavailable("this engine ends");
      context_.run_for(std::min(until - Now(), kEndingLook));
    }
    if (!done_) return DeadlineExceeded("no answer within %.1f s", Seconds(limit));
    if (!error_.empty()) return MakeStatus(StatusCode::kUnavailable, error_);
    return HttpAnswer{static_cast<int>(parser_.get().result_int()), parser_.get().body()};
  }

 private:
  bool Failed(const error_code& error, const char* step) {
    if (!error) return false;
    error_ = std::string(step) + ": " + error.message();
    done_ = true;
    return true;
  }
  void Write() {
    http::async_write(socket_, request_, [this](const error_code& error, size_t) {
      if (!Failed(error, "write")) Read();
    });
  }
  void Read() {
    http::async_read(socket_, buffer_, parser_, [this](const error_code& error, size_t) {
      Failed(error, "read");
      done_ = true;
    });
  }

  asio::io_context context_{1};
  typename Protocol::socket socket_;
  http::request<http::empty_body> request_;
  http::response_parser<http::string_body> parser_;
  boost::beast::flat_buffer buffer_{kFetchBytesMax};
  bool done_ = false;
  std::string error_;
};

asio::ip::tcp::endpoint ToAsio(const Endpoint& endpoint) {
  const ByteSpan bytes = endpoint.ip.bytes();
  if (endpoint.ip.IsV4()) {
    asio::ip::address_v4::bytes_type v4;
    std::copy(bytes.begin(), bytes.end(), v4.begin());
    return {asio::ip::address_v4(v4), endpoint.port};
  }
  asio::ip::address_v6::bytes_type v6;
  std::copy(bytes.begin(), bytes.end(), v6.begin());
  return {asio::ip::address_v6(v6, endpoint.interface), endpoint.port};
}

StatusOr<HttpAnswer> Fetch(const std::variant<Endpoint, std::string>& server,
                           const std::string& host, std::string_view path, Duration limit,
                           const std::function<bool()>& ending) {
  if (const auto* endpoint = std::get_if<Endpoint>(&server)) {
    return Exchange<asio::ip::tcp>(host, path).Run(ToAsio(*endpoint), limit, ending);
  }
  const asio::local::stream_protocol::endpoint local(std::get<std::string>(server));
  return Exchange<asio::local::stream_protocol>(host, path).Run(local, limit, ending);
}

}  // namespace

StatusOr<HttpAnswer> HttpGet(const std::variant<Endpoint, std::string>& server,
                             const std::string& host, std::string_view path, Duration limit,
                             const std::function<bool()>& ending) {
  try {
    return Fetch(server, host, path, limit, ending);
  } catch (const std::exception& error) {  // No descriptors left, a path that is too long.
    return Unavailable("%s", error.what());
  }
}

}  // namespace strata::engine
