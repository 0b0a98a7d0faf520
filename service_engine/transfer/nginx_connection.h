#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/bytes.h"
#include "common/status.h"
#include "common/time.h"
#include "service_engine/core/http_fields.h"

namespace strata::engine::transfer {

// The front of a request of nginx.
struct NginxRequest {
  std::string method;
  std::string path;
  HttpFields fields;
  bool http_1_1 = true;
  bool has_body = false;
  std::optional<uint64_t> body_length;

  // The value of a line; empty if it is not there.
  std::string_view Field(std::string_view name) const;
};

// The front of an answer to nginx, line by line.
class AnswerText {
 public:
  explicit AnswerText(int status, std::string_view reason = {});
  AnswerText& Add(std::string_view name, std::string_view value);
  AnswerText& Add(const HttpFields& fields);
  // The whole, for an answer of this length; nothing: in chunks.
  std::string Done(std::optional<uint64_t> length);
  // An answer that has no body by its status.
  std::string DoneWithoutBody();

 private:
  std::string text_;
};

// One connection of nginx: HTTP/1.1, one request after the other. On its strand.
class NginxConnection {
 public:
  explicit NginxConnection(boost::asio::local::stream_protocol::socket socket);
  ~NginxConnection();

  boost::asio::any_io_executor strand();

  // NotFound if nginx has closed, or nothing came in time; InvalidArgument for what is no HTTP;
  // ResourceExhausted for a head that is too long.
  boost::asio::awaitable<StatusOr<NginxRequest>> ReadRequest();
  // The next bytes of the request's body, as they come; 0 at its end.
  boost::asio::awaitable<StatusOr<size_t>> ReadBody(std::span<uint8_t> into);
  // All of the request has been read, so that another may follow.
  bool AtEndOfRequest() const;

  // False when nginx has closed, or has taken nothing for kReaderStall.
  boost::asio::awaitable<bool> Write(std::string_view text);
  // One piece of a body, framed if it goes in chunks; an empty one ends those.
  boost::asio::awaitable<bool> WritePiece(ByteSpan piece, bool chunked);

  // No more is written; returns when nginx has closed too, or after `limit`.
  boost::asio::awaitable<void> AwaitClose(Duration limit);
  // Ends our direction: an answer that is not whole is seen to be so.
  void BreakOff();
  // Interrupts what is going on; on the strand.
  void Cancel();
  void Close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::engine::transfer
