#include "service_engine/transfer/resolve.h"

#include <boost/asio/ip/address.hpp>
#include <memory>
#include <utility>

#include "service_engine/transfer/limits.h"

namespace strata::engine::transfer {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// A look-up that may outlive the one who waits for it.
struct LookUp {
  explicit LookUp(const asio::any_io_executor& strand)
      : resolver(strand), bell(std::make_shared<Bell>(strand)) {}

  tcp::resolver resolver;
  std::shared_ptr<Bell> bell;
  bool done = false;
  boost::system::error_code error;
  std::vector<tcp::endpoint> endpoints;
};

std::string WithoutBrackets(const std::string& host) {
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return brackets ? host.substr(1, host.size() - 2) : host;
}

void Start(const std::shared_ptr<LookUp>& look_up, const std::string& host, uint16_t port) {
  look_up->resolver.async_resolve(
      host, std::to_string(port), tcp::resolver::numeric_service,
      [look_up](boost::system::error_code error, const tcp::resolver::results_type& results) {
        look_up->done = true;
        look_up->error = error;
        for (const auto& entry : results) {
          if (look_up->endpoints.size() < kEndpointsPerOriginMax) {
            look_up->endpoints.push_back(entry.endpoint());
          }
        }
        look_up->bell->Ring();
      });
}

}  // namespace

asio::awaitable<StatusOr<std::vector<tcp::endpoint>>> Resolve(const asio::any_io_executor& strand,
                                                              std::string host, uint16_t port,
                                                              SteadyTime deadline) {
  std::vector<tcp::endpoint> endpoints;
  boost::system::error_code no_address;
  const asio::ip::address address = asio::ip::make_address(WithoutBrackets(host), no_address);
  if (!no_address) {
    endpoints.emplace_back(address, port);
    co_return endpoints;
  }
  const auto look_up = std::make_shared<LookUp>(strand);
  Start(look_up, host, port);
  while (!look_up->done && std::chrono::steady_clock::now() < deadline) {
    co_await look_up->bell->Wait(deadline);
  }
  if (!look_up->done) {
    look_up->resolver.cancel();
    co_return DeadlineExceeded("%s: its name is looked up for too long", host.c_str());
  }
  if (look_up->error || look_up->endpoints.empty()) {
    co_return Unavailable("%s: its name has no address: %s", host.c_str(),
                          look_up->error.message().c_str());
  }
  endpoints = std::move(look_up->endpoints);
  co_return endpoints;
}

}  // namespace strata::engine::transfer
