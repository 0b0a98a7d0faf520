#include "cli/http_get.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <utility>

namespace strata::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

class Exchange {
 public:
  Exchange(const std::string& target, size_t bytes_max) {
    request_.method(http::verb::get);
    request_.target(target);
    request_.version(11);
    request_.keep_alive(false);
    request_.set(http::field::host, "localhost");
    parser_.body_limit(bytes_max);
  }

  // The error of what did not go well.
  beast::error_code Run(const asio::ip::tcp::endpoint& to, Duration patience) {
    stream_.expires_after(patience);
    stream_.async_connect(to, [this](beast::error_code error) {
      if (Failed(error)) return;
      http::async_write(stream_, request_, [this](beast::error_code written, size_t) {
        if (Failed(written)) return;
        http::async_read(stream_, buffer_, parser_,
                         [this](beast::error_code read, size_t) { Failed(read); });
      });
    });
    context_.run();
    return error_;
  }

  HttpAnswer Take() {
    auto answer = parser_.release();
    return {.status = answer.result_int(), .body = std::move(answer.body())};
  }

 private:
  bool Failed(beast::error_code error) {
    error_ = error;
    return static_cast<bool>(error);
  }

  asio::io_context context_{1};
  beast::tcp_stream stream_{context_};
  http::request<http::empty_body> request_;
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
  beast::error_code error_;
};

}  // namespace

StatusOr<HttpAnswer> HttpGet(const Endpoint& endpoint, const std::string& target, size_t bytes_max,
                             Duration patience) {
  const std::string where = ToString(endpoint);
  beast::error_code error;
  const auto address = asio::ip::make_address(ToString(endpoint.ip), error);
  if (error) return InvalidArgument("%s: %s", where.c_str(), error.message().c_str());
  Exchange exchange(target, bytes_max);
  error = exchange.Run({address, endpoint.port}, patience);
  if (!error) return exchange.Take();
  if (error == beast::error::timeout) return DeadlineExceeded("%s did not answer", where.c_str());
  if (error == http::error::body_limit) {
    return ResourceExhausted("%s answers with more than %zu bytes", where.c_str(), bytes_max);
  }
  return Unavailable("%s: %s", where.c_str(), error.message().c_str());
}

}  // namespace strata::cli
