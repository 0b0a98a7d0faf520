#include "service_engine/transfer/origin_exchange.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <utility>
#include <vector>

#include "service_engine/transfer/limits.h"
#include "service_engine/transfer/origin_connection.h"
#include "service_engine/transfer/origin_pool.h"
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
  return text + "\r\n";
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
  Impl(const asio::any_io_executor& executor, OriginTrust& the_trust, OriginPool& the_pool,
       const farm::Origin& to, SteadyTime until)
      : strand(executor), trust(the_trust), pool(the_pool), origin(to), deadline(until) {}

  void ExpireAfter(Duration time) {
    stream->tcp().expires_at(std::min(deadline, std::chrono::steady_clock::now() + time));
  }
  asio::awaitable<Status> Handshake();
  asio::awaitable<error_code> ReadOneHead();
  OriginHead Head();
  void LearnSession();

  asio::any_io_executor strand;
  OriginTrust& trust;
  OriginPool& pool;
  const farm::Origin origin;
  const SteadyTime deadline;
  std::unique_ptr<OriginConnection> stream;
  bool reused = false;
  bool resumed = false;
  bool silent = false;   // Nothing of an answer came in time.
  bool chunked = false;  // The request's body.
  bool aborted = false;
  beast::flat_buffer buffer{kOriginHeadBytesMax + kPieceBytes};
  std::optional<http::response_parser<http::buffer_body>> parser;
};

OriginExchange::OriginExchange(const asio::any_io_executor& strand, OriginTrust& trust,
                               OriginPool& pool, const farm::Origin& origin, SteadyTime deadline)
    : impl_(std::make_unique<Impl>(strand, trust, pool, origin, deadline)) {}
OriginExchange::~OriginExchange() = default;

bool OriginExchange::Reuse() {
  impl_->stream = impl_->pool.Take(impl_->origin, std::chrono::steady_clock::now());
  impl_->reused = impl_->stream != nullptr;
  return impl_->reused;
}

bool OriginExchange::WasStale() const {
  const Impl& self = *impl_;
  return self.reused && !self.aborted && !self.silent && self.buffer.size() == 0 &&
         !(self.parser && self.parser->got_some());
}

bool OriginExchange::Resumed() const { return impl_->resumed; }

asio::awaitable<Status> OriginExchange::Connect() {
  Impl& self = *impl_;
  const SteadyTime until =
      std::min(self.deadline, std::chrono::steady_clock::now() + self.origin.connect_timeout);
  const auto endpoints = co_await Resolve(self.strand, self.origin.host, self.origin.port, until);
  if (!endpoints.ok()) co_return endpoints.status();
  if (self.aborted) co_return Unavailable("broken off");
  self.stream = std::make_unique<OriginConnection>(self.strand);
  self.stream->tcp().expires_at(until);
  const auto [error, endpoint] = co_await self.stream->tcp().async_connect(*endpoints, kAwait);
  if (error) co_return Failed(self.origin, "connect", error);
  error_code ignored;
  self.stream->tcp().socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  if (self.origin.tls) co_return co_await self.Handshake();
  co_return Ok();
}

// Within the time of Connect.
asio::awaitable<Status> OriginExchange::Impl::Handshake() {
  const auto until = std::min(deadline, std::chrono::steady_clock::now() + origin.connect_timeout);
  auto& tls = stream->StartTls(origin.verify ? trust.impl().verifying : trust.impl().trusting);
  stream->tcp().expires_at(until);
  const bool address = origin.host.front() == '[';
  const std::string name = address ? origin.host.substr(1, origin.host.size() - 2) : origin.host;
  error_code no_address;
  asio::ip::make_address(name, no_address);
  // An address is no server name (RFC 6066, section 3).
  if (no_address) SSL_set_tlsext_host_name(tls.native_handle(), name.c_str());
  error_code error;
  if (origin.verify) tls.set_verify_callback(asio::ssl::host_name_verification(name), error);
  // It was verified when the session began, for the same name.
  const OriginPool::Session session = pool.SessionOf(origin);
  if (session != nullptr) SSL_set_session(tls.native_handle(), session.get());
  const auto [failed] = co_await tls.async_handshake(asio::ssl::stream_base::client, kAwait);
  resumed = !failed && SSL_session_reused(tls.native_handle()) == 1;
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
  const auto [error, bytes] = co_await asio::async_write(*self.stream, asio::buffer(text), kAwait);
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
  const auto [error, bytes] = co_await asio::async_write(*self.stream, buffers, kAwait);
  co_return error ? Failed(self.origin, "request's body", error) : Ok();
}

// Beast's own limit is for what it has not taken in yet: a head that comes line by line has none.
asio::awaitable<error_code> OriginExchange::Impl::ReadOneHead() {
  parser.emplace();
  parser->header_limit(static_cast<uint32_t>(kOriginHeadBytesMax));
  parser->body_limit(boost::none);
  parser->eager(false);
  ExpireAfter(origin.read_timeout);
  size_t taken = 0;
  while (!parser->is_header_done()) {
    error_code error = http::error::need_more;
    if (buffer.size() > 0) {
      const size_t used = parser->put(buffer.data(), error);
      buffer.consume(used);
      taken += used;
      if (taken > kOriginHeadBytesMax) co_return http::error::header_limit;
      if (error && error != http::error::need_more) co_return error;
    }
    if (error != http::error::need_more) continue;
    const auto room = buffer.prepare(kFrontBytes);
    const auto [failed, bytes] = co_await stream->async_read_some(room, kAwait);
    if (failed == asio::error::eof) {
      co_return parser->got_some() ? http::error::partial_message : http::error::end_of_stream;
    }
    if (failed) co_return failed;
    buffer.commit(bytes);
  }
  co_return error_code();
}

// With TLS 1.3 what is needed for another handshake comes after the first one. A copy: the session
// itself is of no use once its connection ends without a farewell.
void OriginExchange::Impl::LearnSession() {
  SSL* tls = reused ? nullptr : stream->tls();
  const SSL_SESSION* session = tls == nullptr ? nullptr : SSL_get_session(tls);
  if (session == nullptr || SSL_SESSION_is_resumable(session) == 0) return;
  OriginPool::Session copy(SSL_SESSION_dup(session), SSL_SESSION_free);
  if (copy != nullptr) pool.Remember(origin, std::move(copy));
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
      self.silent = error == beast::error::timeout;
      if (error.category() != http::make_error_code(http::error::bad_version).category()) {
        co_return Failed(self.origin, "answer", error);
      }
      const std::string why = error.message();
      co_return DataLoss("origin %s: its answer is no HTTP: %s", NameOf(self.origin).c_str(),
                         why.c_str());
    }
    const unsigned status = self.parser->get().result_int();
    if (status >= kStatusOk) {
      self.LearnSession();
      co_return self.Head();
    }
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
        co_await http::async_read_some(*self.stream, self.buffer, *self.parser, kAwait);
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

void OriginExchange::Keep() {
  Impl& self = *impl_;
  const bool over = self.stream != nullptr && self.parser && self.parser->is_done();
  if (!over || self.aborted || !self.parser->keep_alive() || self.buffer.size() != 0) return;
  self.stream->tcp().expires_never();
  self.pool.Keep(self.origin, std::move(self.stream), std::chrono::steady_clock::now());
}

bool OriginExchange::Aborted() const { return impl_->aborted; }

void OriginExchange::Abort() {
  impl_->aborted = true;
  if (impl_->stream != nullptr) impl_->stream->tcp().close();
}

}  // namespace strata::engine::transfer
