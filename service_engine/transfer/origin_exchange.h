#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/bytes.h"
#include "common/status.h"
#include "farm/site.h"
#include "service_engine/core/http_fields.h"
#include "service_engine/transfer/bell.h"

namespace strata::engine::transfer {

// The trust of connections to origins: made once, used by all. Any thread.
class OriginTrust {
 public:
  // The system's certificate authorities and those in `extra_ca_file` (none if empty).
  // InvalidArgument, naming the file, if it has none.
  static StatusOr<std::unique_ptr<OriginTrust>> Create(const std::string& extra_ca_file);
  ~OriginTrust();

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  explicit OriginTrust(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The front of an origin's answer.
struct OriginHead {
  int status = 0;
  std::string reason;
  HttpFields fields;               // All of them.
  std::optional<uint64_t> length;  // Of the body.
};

class OriginPool;

// One request to one origin and its answer. One coroutine at a time, on the strand given. Errors:
// Unavailable (not reached, or the connection broke), DeadlineExceeded (silent for the origin's
// read_timeout, or `deadline` is past), PermissionDenied (its certificate), DataLoss (an answer cut
// short, or no HTTP).
class OriginExchange {
 public:
  OriginExchange(const boost::asio::any_io_executor& strand, OriginTrust& trust, OriginPool& pool,
                 const farm::Origin& origin, SteadyTime deadline);
  ~OriginExchange();

  // Takes a connection that was kept; false if there is none. Not for requests that may not be made
  // twice: the origin may be closing it.
  bool Reuse();
  // After an error: the connection was a kept one, and closed before anything of an answer came. To
  // be asked again on a new one.
  bool WasStale() const;
  // A new connection.
  boost::asio::awaitable<Status> Connect();
  // Whether Connect took up an earlier TLS session.
  bool Resumed() const;

  enum class Body : uint8_t { kNone, kLength, kChunked };
  struct Request {
    std::string_view method;
    std::string_view target;
    std::string_view host;
    const HttpFields& fields;
    Body body = Body::kNone;
    uint64_t length = 0;
  };
  boost::asio::awaitable<Status> Send(const Request& request);
  // A piece of a body, framed as the request said. An empty one ends a chunked body.
  boost::asio::awaitable<Status> SendBody(ByteSpan piece);

  boost::asio::awaitable<StatusOr<OriginHead>> ReadHead();
  // The next bytes of the body, as they come; 0 at the end of a body that is whole.
  boost::asio::awaitable<StatusOr<size_t>> ReadSome(std::span<uint8_t> into);

  // The request was sent and the answer read to its end: the connection is kept for the next one,
  // if the origin leaves it open. This exchange is over then.
  void Keep();

  // Breaks off whatever is going on. On the strand, or once nobody uses the exchange.
  void Abort();
  // Then no error is the origin's.
  bool Aborted() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::engine::transfer
