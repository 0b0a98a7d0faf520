#include "service_engine/transfer/origin_exchange.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <utility>
#include <vector>

#include "service_engine/transfer/limits.h"
#include "service_engine/transfer/resolve.h"

namespace strata::engine::transfer {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr unsigned kStatusContinue = 100;
constexpr unsigned kStatusOk = 200;

std::string NameOf(const farm::Origin& origin) {
  return origin.host + ":" + std::to_string(origin.port);
}

Status Failed(const farm::Origin& origin, const char* what, const error_code& error) {
  const std::string name = NameOf(origin);
  const std::string why = error.message();
  if (error == beast::error::timeout) {
    return DeadlineExceeded("origin %s: %s: it is silent", name.c_str(), what);
  }
  return Unavailable("origin %s: %s: %s", name.c_str(), what, why.c_str());
}

// TCP with TLS upon it or not, as one stream.
class Stream {
 public:
  using executor_type = beast::tcp_stream::executor_type;

  explicit Stream(const asio::any_io_executor& strand) : plain_(strand) {}

  executor_type get_executor() { return tcp().get_executor(); }
  beast::tcp_stream& tcp() { return tls_ ? tls_->next_layer() : plain_; }
  asio::ssl::stream<beast::tcp_stream>& StartTls(asio::ssl::context& context) {
    return tls_.emplace(std::move(plain_), context);
  }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_compose<Token, void(error_code, size_t)>(
        [this, buffers, begun = false](auto& self, error_code error = {},
                                       size_t bytes = 0) mutable {
          if (std::exchange(begun, true)) return self.complete(error, bytes);
          if (tls_) return tls_->async_read_some(buffers, std::move(self));
          plain_.async_read_some(buffers, std::move(self));
        },
        token, tcp());
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_compose<Token, void(error_code, size_t)>(
        [this, buffers, begun = false](auto& self, error_code error = {},
                                       size_t bytes = 0) mutable {
          if (std::exchange(begun, true)) return self.complete(error, bytes);
          if (tls_) return tls_->async_write_some(buffers, std::move(self));
          plain_.async_write_some(buffers, std::move(self));
        },
        token, tcp());
  }

 private:
  beast::tcp_stream plain_;
  std::optional<asio::ssl::stream<beast::tcp_stream>> tls_;
};

std::string RequestText(const OriginExchange::Request& request) {
  std::string text(request.method);
  text.append(" ").append(request.target).append(" HTTP/1.1\r\nHost: ").append(request.host);
  text += "\r\n";
  for (const HttpField& field : request.fields) {
    text.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  if (request.body == OriginExchange::Body::kLength) {
    text += "Content-Length: " + std::to_string(request.length) + "\r\n";
  } else if (request.body == OriginExchange::Body::kChunked) {
    text += "Transfer-Encoding: chunked\r\n";
  }
  return text + "Connection: close\r\n\r\n";
}

}  // namespace

struct OriginTrust::Impl {
  Impl() : verifying(asio::ssl::context::tls_client), trusting(asio::ssl::context::tls_client) {}

  asio::ssl::context verifying;
  asio::ssl::context trusting;
};

OriginTrust::OriginTrust(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OriginTrust::~OriginTrust() = default;

StatusOr<std::unique_ptr<OriginTrust>> OriginTrust::Create(const std::string& extra_ca_file) {
  auto impl = std::make_unique<Impl>();
  for (asio::ssl::context* context : {&impl->verifying, &impl->trusting}) {
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  }
  error_code error;
  impl->verifying.set_verify_mode(asio::ssl::verify_peer, error);
  // Where the system has none, only the extra file is trusted.
  impl->verifying.set_default_verify_paths(error);
  if (!extra_ca_file.empty()) {
    impl->verifying.load_verify_file(extra_ca_file, error);
    if (error) {
      return InvalidArgument("%s: no certificate authorities: %s", extra_ca_file.c_str(),
                             error.message().c_str());
    }
  }
  return std::unique_ptr<OriginTrust>(new OriginTrust(std::move(impl)));
}

struct OriginExchange::Impl {
  Impl(const asio::any_io_executor& executor, OriginTrust& the_trust, const farm::Origin& to,
       SteadyTime until)
      : strand(executor), trust(the_trust), origin(to), deadline(until), stream(executor) {}

  void ExpireAfter(Duration time) {
    stream.tcp().expires_at(std::min(deadline, std::chrono::steady_clock::now() + time));
  }
  asio::awaitable<Status> Handshake();
  asio::awaitable<error_code> ReadOneHead();
  OriginHead Head();

  asio::any_io_executor strand;
  OriginTrust& trust;
  const farm::Origin origin;
  const SteadyTime deadline;
  Stream stream;
  bool chunked = false;  // The request's body.
  bool aborted = false;
  beast::flat_buffer buffer{kHeaderBytesMax + kPieceBytes};
  std::optional<http::response_parser<http::buffer_body>> parser;
};

OriginExchange::OriginExchange(const asio::any_io_executor& strand, OriginTrust& trust,
                               const farm::Origin& origin, SteadyTime deadline)
    : impl_(std::make_unique<Impl>(strand, trust, origin, deadline)) {}
OriginExchange::~OriginExchange() = default;

asio::awaitable<Status> OriginExchange::Connect() {
  Impl& self = *impl_;
  const SteadyTime until =
      std::min(self.deadline, std::chrono::steady_clock::now() + self.origin.connect_timeout);
  const auto endpoints = co_await Resolve(self.strand, self.origin.host, self.origin.port, until);
  if (!endpoints.ok()) co_return endpoints.status();
  if (self.aborted) co_return Unavailable("broken off");
  self.stream.tcp().expires_at(until);
  const auto [error, endpoint] = co_await self.stream.tcp().async_connect(*endpoints, kAwait);
  if (error) co_return Failed(self.origin, "connect", error);
  error_code ignored;
  self.stream.tcp().socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  if (self.origin.tls) co_return co_await self.Handshake();
  co_return Ok();
}

// Within the time of Connect.
asio::awaitable<Status> OriginExchange::Impl::Handshake() {
  const auto until = std::min(deadline, std::chrono::steady_clock::now() + origin.connect_timeout);
  auto& tls = stream.StartTls(origin.verify ? trust.impl().verifying : trust.impl().trusting);
  stream.tcp().expires_at(until);
  const bool address = origin.host.front() == '[';
  const std::string name = address ? origin.host.substr(1, origin.host.size() - 2) : origin.host;
  error_code no_address;
  asio::ip::make_address(name, no_address);
  // An address is no server name (RFC 6066, section 3).
  if (no_address) SSL_set_tlsext_host_name(tls.native_handle(), name.c_str());
  error_code error;
  if (origin.verify) tls.set_verify_callback(asio::ssl::host_name_verification(name), error);
  const auto [failed] = co_await tls.async_handshake(asio::ssl::stream_base::client, kAwait);
  if (!failed) co_return Ok();
  const long verdict = SSL_get_verify_result(tls.native_handle());
  if (origin.verify && verdict != X509_V_OK) {
    co_return PermissionDenied("origin %s: its certificate: %s", NameOf(origin).c_str(),
                               X509_verify_cert_error_string(verdict));
  }
  co_return Failed(origin, "TLS", failed);
}

asio::awaitable<Status> OriginExchange::Send(const Request& request) {
  Impl& self = *impl_;
  self.chunked = request.body == Body::kChunked;
  const std::string text = RequestText(request);
  self.ExpireAfter(self.origin.read_timeout);
  const auto [error, bytes] = co_await asio::async_write(self.stream, asio::buffer(text), kAwait);
  co_return error ? Failed(self.origin, "request", error) : Ok();
}

asio::awaitable<Status> OriginExchange::SendBody(ByteSpan piece) {
  Impl& self = *impl_;
  std::array<char, 32> size{};
  std::vector<asio::const_buffer> buffers;
  if (self.chunked) {
    const int n = std::snprintf(size.data(), size.size(), "%zx\r\n", piece.size());
    buffers.emplace_back(size.data(), static_cast<size_t>(n));
  }
  buffers.emplace_back(piece.data(), piece.size());
  if (self.chunked) buffers.emplace_back("\r\n", 2);
  self.ExpireAfter(self.origin.read_timeout);
  const auto [error, bytes] = co_await asio::async_write(self.stream, buffers, kAwait);
  co_return error ? Failed(self.origin, "request's body", error) : Ok();
}

asio::awaitable<error_code> OriginExchange::Impl::ReadOneHead() {
  parser.emplace();
  parser->header_limit(static_cast<uint32_t>(kHeaderBytesMax));
  parser->body_limit(boost::none);
  buffer.reserve(kFrontBytes);
  ExpireAfter(origin.read_timeout);
  const auto [error, bytes] = co_await http::async_read_header(stream, buffer, *parser, kAwait);
  co_return error;
}

OriginHead OriginExchange::Impl::Head() {
  const auto& message = parser->get();
  OriginHead head;
  head.status = static_cast<int>(message.result_int());
  head.reason = std::string(message.reason());
  for (const auto& field : message) {
    head.fields.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  if (const auto length = parser->content_length()) head.length = *length;
  return head;
}

asio::awaitable<StatusOr<OriginHead>> OriginExchange::ReadHead() {
  Impl& self = *impl_;
  for (size_t i = 0; i < kInterimAnswersMax; ++i) {
    const error_code error = co_await self.ReadOneHead();
    if (error) {
      if (error.category() != http::make_error_code(http::error::bad_version).category()) {
        co_return Failed(self.origin, "answer", error);
      }
      const std::string why = error.message();
      co_return DataLoss("origin %s: its answer is no HTTP: %s", NameOf(self.origin).c_str(),
                         why.c_str());
    }
    const unsigned status = self.parser->get().result_int();
    if (status >= kStatusOk) co_return self.Head();
    if (status < kStatusContinue || status == 101) break;
  }
  co_return DataLoss("origin %s: no final answer", NameOf(self.origin).c_str());
}

asio::awaitable<StatusOr<size_t>> OriginExchange::ReadSome(std::span<uint8_t> into) {
  Impl& self = *impl_;
  self.buffer.reserve(std::min(into.size(), kPieceBytes));
  auto& body = self.parser->get().body();
  while (!self.parser->is_done()) {
    body.data = into.data();
    body.size = into.size();
    self.ExpireAfter(self.origin.read_timeout);
    const auto [error, bytes] =
        co_await http::async_read_some(self.stream, self.buffer, *self.parser, kAwait);
    const size_t got = into.size() - body.size;
    if (error && error != http::error::need_buffer) {
      if (error == beast::error::timeout) co_return Failed(self.origin, "body", error);
      const std::string why = error.message();
      co_return DataLoss("origin %s: its answer was cut short: %s", NameOf(self.origin).c_str(),
                         why.c_str());
    }
    if (got > 0) co_return got;
  }
  co_return size_t{0};
}

void OriginExchange::Abort() {
  impl_->aborted = true;
  impl_->stream.tcp().close();
}

}  // namespace strata::engine::transfer
