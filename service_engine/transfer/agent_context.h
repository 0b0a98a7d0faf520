#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <memory>

#include "service_engine/core/proxy_fields.h"
#include "service_engine/transfer/agent_server.h"
#include "service_engine/transfer/counters.h"
#include "service_engine/transfer/fetch_table.h"
#include "service_engine/transfer/origin_exchange.h"
#include "service_engine/transfer/origin_pool.h"
#include "service_engine/transfer/origin_rest.h"

namespace strata::engine::transfer {

// What all connections and fetches of an agent share.
struct AgentContext {
  AgentContext(AgentOptions the_options, AgentTable& the_table, MetricRegistry& metrics,
               std::unique_ptr<OriginTrust> the_trust);

  const AgentOptions options;
  const ProxyIdentity identity;
  AgentTable& table;
  Counters counters;
  const std::unique_ptr<OriginTrust> trust;
  OriginRest rest;
  OriginPool pool;  // Cleared before `io` goes.
  FetchTable fetches;
  std::atomic<size_t> forwards = 0;
  std::atomic<size_t> connections = 0;
  std::atomic<uint64_t> requests = 0;  // Makes draws differ.
  // Last, so that what still runs in it goes before all that it uses.
  boost::asio::io_context io;
};

}  // namespace strata::engine::transfer
