#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "service_engine/transfer/agent_context.h"

namespace strata::engine::transfer {

// Answers one connection of nginx until it is closed.
boost::asio::awaitable<void> Serve(AgentContext& agent,
                                   boost::asio::local::stream_protocol::socket socket);

}  // namespace strata::engine::transfer
