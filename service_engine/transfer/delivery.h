#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>

#include "service_engine/transfer/agent_context.h"
#include "service_engine/transfer/fetch_table.h"
#include "service_engine/transfer/nginx_connection.h"

namespace strata::engine::transfer {

enum class Delivered : uint8_t {
  kWhole,
  kBroken,  // It began, and the connection is of no use any more.
  kOwn,     // Nothing was written: this fetch is not for this request.
  kGone,    // Nothing was written: the fetch was cut off.
};

// Hands a fetch on to nginx from its first byte, while it comes. To /fill the connection is closed
// by nginx after it, which is how the agent knows that the cache has it.
boost::asio::awaitable<Delivered> Deliver(AgentContext& agent, NginxConnection& nginx,
                                          const NginxRequest& request, FetchTable::Seat& seat,
                                          bool fills);

}  // namespace strata::engine::transfer
