#include "service_engine/transfer/peer_fetch.h"

#include <openssl/evp.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <vector>

#include "multicast/driver/clock.h"
#include "service_engine/transfer/limits.h"

namespace strata::engine::transfer {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds kLookAtStop(100);

class Hash {
 public:
  Hash() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }
  void Add(ByteSpan bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  Sha256 Take() {
    Sha256 sum{};
    EVP_DigestFinal_ex(context_.get(), sum.data(), nullptr);
    return sum;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

tcp::endpoint ToAsio(const Endpoint& endpoint) {
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

// One exchange. Each step waits for its end, for too much time, or for somebody who stops it.
class Exchange {
 public:
  Exchange(const PeerFetch& fetch, const std::function<bool()>& stopped)
      : fetch_(fetch), stopped_(stopped) {
    parser_.header_limit(kOriginHeadBytesMax);
    parser_.body_limit(boost::none);
  }

  StatusOr<PeerBody> Run(const std::function<Status(ByteSpan)>& take) {
    const tcp::endpoint server = ToAsio(fetch_.peer);
    STRATA_RETURN_IF_ERROR(
        Step("connect", [&](auto done) { socket_.async_connect(server, std::move(done)); }));
    http::request<http::empty_body> request(http::verb::get, "/_s/" + fetch_.host + fetch_.target,
                                            11);
    request.set(http::field::host, fetch_.host);
    request.set(http::field::user_agent, "strata-se");
    request.set(http::field::connection, "close");
    STRATA_RETURN_IF_ERROR(Step("write", [&](auto done) {
      http::async_write(socket_, request, [done](const error_code& e, size_t) mutable { done(e); });
    }));
    STRATA_RETURN_IF_ERROR(Step("read", [&](auto done) {
      http::async_read_header(socket_, buffer_, parser_,
                              [done](const error_code& e, size_t) mutable { done(e); });
    }));
    STRATA_RETURN_IF_ERROR(CheckHead());
    return ReadBody(take);
  }

 private:
  Status CheckHead() const {
    const unsigned status = parser_.get().result_int();
    if (status == 404 || status == 504) return NotFound("the other engine does not have it");
    if (status != 200) return Unavailable("the other engine answered %u", status);
    if (const auto length = parser_.content_length(); length && *length > fetch_.bytes_max) {
      return TooLong();
    }
    return Ok();
  }
  Status TooLong() const {
    return ResourceExhausted("it has more than the %llu bytes that it should have",
                             static_cast<unsigned long long>(fetch_.bytes_max));
  }

  StatusOr<PeerBody> ReadBody(const std::function<Status(ByteSpan)>& take) {
    PeerBody body;
    body.last_modified = std::string(parser_.get()[http::field::last_modified]);
    Hash hash;
    std::vector<uint8_t> piece(kPieceBytes);
    while (!parser_.is_done()) {
      parser_.get().body().data = piece.data();
      parser_.get().body().size = piece.size();
      STRATA_RETURN_IF_ERROR(Step("read", [&](auto done) {
        http::async_read(socket_, buffer_, parser_, [done](const error_code& e, size_t) mutable {
          done(e == http::error::need_buffer ? error_code() : e);
        });
      }));
      const ByteSpan got(piece.data(), piece.size() - parser_.get().body().size);
      body.bytes += got.size();
      if (body.bytes > fetch_.bytes_max) return TooLong();
      hash.Add(got);
      STRATA_RETURN_IF_ERROR(take(got));
    }
    body.sha256 = hash.Take();
    return body;
  }

  template <class Begin>
  Status Step(const char* what, const Begin& begin) {
    bool ended = false;
    error_code error;
    begin([&](const error_code& e) {
      ended = true;
      error = e;
    });
    const Timestamp limit = multicast::Now() + fetch_.stall;
    while (!ended) {
      context_.restart();
      context_.run_for(kLookAtStop);
      if (ended) break;
      const bool stop = stopped_();
      if (!stop && multicast::Now() < limit) continue;
      error_code ignored;
      socket_.close(ignored);
      context_.restart();
      context_.run();  // The step refers to what is here.
      if (stop) return MakeStatus(StatusCode::kAborted, "this engine is ending");
      return DeadlineExceeded("%s: nothing came from the other engine for %.0f s", what,
                              Seconds(fetch_.stall));
    }
    if (!error) return Ok();
    if (error == http::error::partial_message) return DataLoss("it was cut short");
    return Unavailable("%s: %s", what, error.message().c_str());
  }

  const PeerFetch& fetch_;
  const std::function<bool()>& stopped_;
  asio::io_context context_{1};
  tcp::socket socket_{context_};
  boost::beast::flat_buffer buffer_{kPieceBytes};
  http::response_parser<http::buffer_body> parser_;
};

}  // namespace

StatusOr<PeerBody> FetchFromPeer(const PeerFetch& fetch,
                                 const std::function<Status(ByteSpan)>& take,
                                 const std::function<bool()>& stopped) {
  try {
    return Exchange(fetch, stopped).Run(take);
  } catch (const std::exception& error) {  // No descriptors left.
    return Unavailable("%s", error.what());
  }
}

}  // namespace strata::engine::transfer
