#pragma once

#include <openssl/ssl.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "service_engine/transfer/bell.h"

namespace strata::engine::transfer {

// One connection to an origin: TCP with TLS upon it or not, as one stream. What goes on runs where
// its caller runs, so that one exchange after the other may have it, each on a strand of its own.
class OriginConnection {
 public:
  using Tcp = boost::beast::tcp_stream;
  using executor_type = Tcp::executor_type;
  using Error = boost::system::error_code;

  explicit OriginConnection(const boost::asio::any_io_executor& executor) : plain_(executor) {}

  executor_type get_executor() { return tcp().get_executor(); }
  Tcp& tcp() { return tls_ ? tls_->next_layer() : plain_; }
  boost::asio::ssl::stream<Tcp>& StartTls(boost::asio::ssl::context& context) {
    return tls_.emplace(std::move(plain_), context);
  }
  SSL* tls() { return tls_ ? tls_->native_handle() : nullptr; }
  SteadyTime made() const { return made_; }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_compose<Token, void(Error, size_t)>(
        [this, buffers, begun = false](auto& self, Error error = {}, size_t bytes = 0) mutable {
          if (std::exchange(begun, true)) return self.complete(error, bytes);
          if (tls_) return tls_->async_read_some(buffers, std::move(self));
          plain_.async_read_some(buffers, std::move(self));
        },
        token, tcp());
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_compose<Token, void(Error, size_t)>(
        [this, buffers, begun = false](auto& self, Error error = {}, size_t bytes = 0) mutable {
          if (std::exchange(begun, true)) return self.complete(error, bytes);
          if (tls_) return tls_->async_write_some(buffers, std::move(self));
          plain_.async_write_some(buffers, std::move(self));
        },
        token, tcp());
  }

 private:
  Tcp plain_;
  std::optional<boost::asio::ssl::stream<Tcp>> tls_;
  const SteadyTime made_ = std::chrono::steady_clock::now();
};

}  // namespace strata::engine::transfer
