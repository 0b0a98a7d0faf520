#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "common/status.h"
#include "service_engine/transfer/bell.h"

namespace strata::engine::transfer {

// The addresses of a host as sites write it (an IPv6 address in brackets), at most
// kEndpointsPerOriginMax. Unavailable if the name has none, DeadlineExceeded if nobody answers in
// time; the system's resolver then goes on in its own thread, unheard. `strand`: of the caller.
boost::asio::awaitable<StatusOr<std::vector<boost::asio::ip::tcp::endpoint>>> Resolve(
    const boost::asio::any_io_executor& strand, std::string host, uint16_t port,
    SteadyTime deadline);

}  // namespace strata::engine::transfer
