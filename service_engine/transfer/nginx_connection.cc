#include "service_engine/transfer/nginx_connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>
#include <chrono>
#include <cstdio>
#include <utility>
#include <vector>

#include "service_engine/transfer/bell.h"
#include "service_engine/transfer/limits.h"

namespace strata::engine::transfer {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::local::stream_protocol;
using boost::system::error_code;

}  // namespace

std::string_view NginxRequest::Field(std::string_view name) const {
  const std::string* value = FindField(fields, name);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

AnswerText::AnswerText(int status, std::string_view reason) {
  const auto known = http::int_to_status(static_cast<unsigned>(status));
  if (reason.empty()) reason = http::obsolete_reason(known);
  text_ = "HTTP/1.1 " + std::to_string(status) + " ";
  text_.append(reason).append("\r\n");
}

AnswerText& AnswerText::Add(std::string_view name, std::string_view value) {
  text_.append(name).append(": ").append(value).append("\r\n");
  return *this;
}

AnswerText& AnswerText::Add(const HttpFields& fields) {
  for (const HttpField& field : fields) Add(field.name, field.value);
  return *this;
}

std::string AnswerText::Done(std::optional<uint64_t> length) {
  if (length) {
    Add("Content-Length", std::to_string(*length));
  } else {
    Add("Transfer-Encoding", "chunked");
  }
  return DoneWithoutBody();
}

std::string AnswerText::DoneWithoutBody() { return text_ + "\r\n"; }

struct NginxConnection::Impl {
  explicit Impl(stream_protocol::socket socket) : stream(std::move(socket)) {}

  beast::basic_stream<stream_protocol> stream;
  beast::flat_buffer buffer{kHeaderBytesMax + kPieceBytes};
  std::optional<http::request_parser<http::buffer_body>> parser;
};

NginxConnection::NginxConnection(stream_protocol::socket socket)
    : impl_(std::make_unique<Impl>(std::move(socket))) {}
NginxConnection::~NginxConnection() = default;

asio::any_io_executor NginxConnection::strand() { return impl_->stream.get_executor(); }

asio::awaitable<StatusOr<NginxRequest>> NginxConnection::ReadRequest() {
  Impl& self = *impl_;
  self.parser.emplace();
  self.parser->header_limit(static_cast<uint32_t>(kHeaderBytesMax));
  self.parser->body_limit(boost::none);
  self.buffer.reserve(kFrontBytes);
  self.stream.expires_after(kIdleConnection);
  const auto [error, bytes] =
      co_await http::async_read_header(self.stream, self.buffer, *self.parser, kAwait);
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    co_return ResourceExhausted("more than %zu bytes of header lines", kHeaderBytesMax);
  }
  if (error && error != http::error::end_of_stream &&
      error.category() == http::make_error_code(http::error::bad_version).category()) {
    const std::string why = error.message();
    co_return InvalidArgument("no HTTP: %s", why.c_str());
  }
  if (error) co_return NotFound("closed");
  const auto& message = self.parser->get();
  NginxRequest request;
  request.method = std::string(message.method_string());
  // What follows is of the client's own target, which Strata-Target has as it was.
  const std::string_view target(message.target().data(), message.target().size());
  request.path = std::string(target.substr(0, target.find('?')));
  request.http_1_1 = message.version() == 11;
  for (const auto& field : message) {
    request.fields.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  request.has_body = !self.parser->is_done();
  if (const auto length = self.parser->content_length()) request.body_length = *length;
  co_return request;
}

asio::awaitable<StatusOr<size_t>> NginxConnection::ReadBody(std::span<uint8_t> into) {
  Impl& self = *impl_;
  self.buffer.reserve(std::min(into.size(), kPieceBytes));
  auto& body = self.parser->get().body();
  while (!self.parser->is_done()) {
    body.data = into.data();
    body.size = into.size();
    self.stream.expires_after(kRequestBodyStall);
    const auto [error, bytes] =
        co_await http::async_read_some(self.stream, self.buffer, *self.parser, kAwait);
    const size_t got = into.size() - body.size;
    if (error && error != http::error::need_buffer) {
      const std::string why = error.message();
      co_return DataLoss("the request's body was cut short: %s", why.c_str());
    }
    if (got > 0) co_return got;
  }
  co_return size_t{0};
}

bool NginxConnection::AtEndOfRequest() const {
  return impl_->parser.has_value() && impl_->parser->is_done();
}

asio::awaitable<bool> NginxConnection::Write(std::string_view text) {
  impl_->stream.expires_after(kReaderStall);
  const auto [error, bytes] =
      co_await asio::async_write(impl_->stream, asio::buffer(text.data(), text.size()), kAwait);
  co_return !error;
}

asio::awaitable<bool> NginxConnection::WritePiece(ByteSpan piece, bool chunked) {
  std::array<char, 32> size{};
  std::vector<asio::const_buffer> buffers;
  if (chunked) {
    const int n = std::snprintf(size.data(), size.size(), "%zx\r\n", piece.size());
    buffers.emplace_back(size.data(), static_cast<size_t>(n));
  }
  buffers.emplace_back(piece.data(), piece.size());
  if (chunked) buffers.emplace_back("\r\n", 2);
  impl_->stream.expires_after(kReaderStall);
  const auto [error, bytes] = co_await asio::async_write(impl_->stream, buffers, kAwait);
  co_return !error;
}

asio::awaitable<void> NginxConnection::AwaitClose(Duration limit) {
  std::array<char, 256> ignored{};
  impl_->stream.expires_after(limit);
  while (true) {
    const auto [error, bytes] =
        co_await impl_->stream.async_read_some(asio::buffer(ignored), kAwait);
    if (error) break;
  }
  Close();
}

void NginxConnection::BreakOff() {
  error_code ignored;
  impl_->stream.socket().shutdown(stream_protocol::socket::shutdown_send, ignored);
}

void NginxConnection::Cancel() { impl_->stream.cancel(); }

void NginxConnection::Close() { impl_->stream.close(); }

}  // namespace strata::engine::transfer
