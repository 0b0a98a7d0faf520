#include "service_manager/frontend/counters.h"

namespace strata::manager::frontend {
namespace {

constexpr std::array<const char*, kEndings> kNames = {
    "redirected", "forwarded", "forward_failed", "preflight", "explained",   "no_site",
    "no_engine",  "not_ready", "malformed",      "too_large", "rate_limited"};

std::array<Counter*, kEndings> RequestsOf(MetricRegistry& registry) {
  std::array<Counter*, kEndings> counters{};
  for (size_t i = 0; i < kEndings; ++i) {
    counters[i] = &registry.AddCounter({.name = "strata_frontend_requests_total",
                                        .help = "Requests of clients, by how they ended.",
                                        .labels = {{"ending", kNames[i]}}});
  }
  return counters;
}

constexpr std::array<const char*, kLocatedResults> kLocatedNames = {"found", "nothing", "failed",
                                                                    "late", "too_many"};

std::array<Counter*, kLocatedResults> LocatesOf(MetricRegistry& registry) {
  std::array<Counter*, kLocatedResults> counters{};
  for (size_t i = 0; i < kLocatedResults; ++i) {
    counters[i] = &registry.AddCounter({.name = "strata_frontend_locates_total",
                                        .help = "Requests for what nobody here was known to hold, "
                                                "by what other managers said.",
                                        .labels = {{"result", kLocatedNames[i]}}});
  }
  return counters;
}

Counter& Plain(MetricRegistry& registry, const char* name, const char* help) {
  return registry.AddCounter({.name = name, .help = help});
}

}  // namespace

Counters::Counters(MetricRegistry& registry)
    : requests(RequestsOf(registry)),
      locates(LocatesOf(registry)),
      connections(Plain(registry, "strata_frontend_connections_total",
                        "Connections of clients that were accepted.")),
      connections_refused(Plain(registry, "strata_frontend_connections_refused_total",
                                "Connections that were closed at once: there were too many.")),
      accept_failures(Plain(registry, "strata_frontend_accept_failures_total",
                            "Connections that the system could not hand over.")),
      idle_timeouts(Plain(registry, "strata_frontend_idle_timeouts_total",
                          "Connections that were closed because no request came.")),
      request_timeouts(Plain(registry, "strata_frontend_request_timeouts_total",
                             "Connections that were closed because a request or the reading of "
                             "its answer took too long.")),
      engine_failures(Plain(registry, "strata_frontend_engine_failures_total",
                            "Times that an engine was asked in vain for a forwarded request.")),
      engine_connections(Plain(registry, "strata_frontend_engine_connections_total",
                               "Connections to engines that were opened.")),
      engine_reuses(Plain(registry, "strata_frontend_engine_reuses_total",
                          "Forwarded requests that used an open connection to their engine.")),
      forwarded_bytes(Plain(registry, "strata_frontend_forwarded_bytes_total",
                            "Bytes of engines' answers that were forwarded to clients.")),
      open(registry.AddGauge({.name = "strata_frontend_connections_open",
                              .help = "Connections of clients that are open."})) {}

}  // namespace strata::manager::frontend
