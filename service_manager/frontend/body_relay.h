#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/write.hpp>
#include <functional>
#include <utility>
#include <vector>

#include "service_manager/frontend/limits.h"

namespace strata::manager::frontend {

enum class RelayEnd : uint8_t { kDone, kSourceFailed, kSinkFailed };

// Moves the body of one message from where it is read to where it is written, a piece at a time:
// the head has been read and written already. What it is given must stay until `done` was called.
template <bool kRequest>
class BodyRelay {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using Body = boost::beast::http::buffer_body;
  using Parser = boost::beast::http::parser<kRequest, Body>;
  using Serializer = boost::beast::http::serializer<kRequest, Body>;
  struct Ends {
    Socket& source;
    boost::beast::flat_buffer& buffer;
    Parser& parser;
    Socket& sink;
    Serializer& serializer;
  };
  using Progress = std::function<void(size_t bytes)>;  // After each piece.
  using Done = std::function<void(RelayEnd)>;

  BodyRelay(const Ends& ends, Progress progress, Done done)
      : ends_(ends), progress_(std::move(progress)), done_(std::move(done)), piece_(kRelayBytes) {}

  // `done` keeps alive what this is a part of.
  void Run() { Read(); }

 private:
  using Error = boost::beast::error_code;

  void Read() {
    typename Body::value_type& body = ends_.parser.get().body();
    body.data = piece_.data();
    body.size = piece_.size();
    boost::beast::http::async_read_some(ends_.source, ends_.buffer, ends_.parser,
                                        [this](const Error& error, size_t) { OnRead(error); });
  }

  void OnRead(const Error& error) {
    namespace http = boost::beast::http;
    if (error && error != http::error::need_buffer) return End(RelayEnd::kSourceFailed);
    typename Body::value_type& body = ends_.parser.get().body();
    const size_t bytes = piece_.size() - body.size;
    const bool last = ends_.parser.is_done();
    progress_(bytes);
    if (bytes == 0 && !last) return Read();
    body.data = bytes == 0 ? nullptr : piece_.data();
    body.size = bytes;
    body.more = !last;
    http::async_write(ends_.sink, ends_.serializer,
                      [this](const Error& failed, size_t) { OnWritten(failed); });
  }

  void OnWritten(const Error& error) {
    namespace http = boost::beast::http;
    const bool wants_more = error == http::error::need_buffer;
    // The end of the stream is how the serializer says that the connection has to be closed.
    if (error && !wants_more && error != http::error::end_of_stream) {
      return End(RelayEnd::kSinkFailed);
    }
    progress_(0);
    if (ends_.parser.is_done()) return End(RelayEnd::kDone);
    Read();
  }

  void End(RelayEnd end) {
    const Done done = std::exchange(done_, nullptr);
    progress_ = nullptr;
    done(end);
  }

  Ends ends_;
  Progress progress_;
  Done done_;
  std::vector<char> piece_;
};

}  // namespace strata::manager::frontend
