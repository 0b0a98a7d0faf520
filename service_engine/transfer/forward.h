#pragma once

#include <boost/asio/awaitable.hpp>

#include "service_engine/transfer/agent_context.h"
#include "service_engine/transfer/ask.h"
#include "service_engine/transfer/nginx_connection.h"

namespace strata::engine::transfer {

// Hands a request that is neither GET nor HEAD on to the site's origin, with its body, and the
// answer back, both as they come. The first origin that can be reached gets it, and no other: what
// a method does twice only its origin knows. False if the connection is of no use any more.
boost::asio::awaitable<bool> Forward(AgentContext& agent, NginxConnection& nginx,
                                     const NginxRequest& request, const Ask& ask);

}  // namespace strata::engine::transfer
