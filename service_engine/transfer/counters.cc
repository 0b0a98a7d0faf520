#include "service_engine/transfer/counters.h"

#include <string>

namespace strata::engine::transfer {
namespace {

Counter& Told(MetricRegistry& registry, const std::string& answer) {
  return registry.AddCounter({.name = "strata_agent_misses_told_total",
                              .help = "Answers to misses, by what they say.",
                              .labels = {{"answer", answer}}});
}
Counter& Asked(MetricRegistry& registry, const std::string& request) {
  return registry.AddCounter({.name = "strata_agent_requests_total",
                              .help = "Requests of the content server to its agent.",
                              .labels = {{"request", request}}});
}
Counter& Fetched(MetricRegistry& registry, const std::string& outcome) {
  return registry.AddCounter({.name = "strata_agent_fetches_total",
                              .help = "Fetches from origins, by how they ended.",
                              .labels = {{"outcome", outcome}}});
}
Counter& OriginError(MetricRegistry& registry, const std::string& error) {
  return registry.AddCounter({.name = "strata_agent_origin_errors_total",
                              .help = "Exchanges with one origin that failed, by reason.",
                              .labels = {{"error", error}}});
}
Counter& Plain(MetricRegistry& registry, const std::string& name, const std::string& help) {
  return registry.AddCounter({.name = "strata_agent_" + name, .help = help});
}
Gauge& Level(MetricRegistry& registry, const std::string& name, const std::string& help) {
  return registry.AddGauge({.name = "strata_agent_" + name, .help = help});
}

}  // namespace

Counters::Counters(MetricRegistry& registry)
    : misses(Asked(registry, "miss")),
      fills(Asked(registry, "fill")),
      joins(Asked(registry, "join")),
      malformed(Asked(registry, "malformed")),
      told_fill(Told(registry, "fill")),
      told_join(Told(registry, "join")),
      told_peer(Told(registry, "peer")),
      told_redirect(Told(registry, "redirect")),
      told_forward(Told(registry, "forward")),
      told_not_held(Told(registry, "not_held")),
      refused_member(Told(registry, "no_member")),
      refused_loop(Told(registry, "loop")),
      refused_site(Told(registry, "no_site")),
      refused_full(Told(registry, "full")),
      refused_other(Told(registry, "refused")),
      fetched_whole(Fetched(registry, "whole")),
      fetched_broken(Fetched(registry, "broken")),
      fetched_not(Fetched(registry, "no_answer")),
      ended_by_purge(Fetched(registry, "cut_by_purge")),
      asked_again_by_purge(Fetched(registry, "asked_again_by_purge")),
      fetched_bytes(Plain(registry, "fetched_bytes_total", "Bytes of bodies from origins.")),
      spool_errors(Plain(registry, "spool_errors_total",
                         "Fetches given up because the spool could not be written or read.")),
      in_flight(Level(registry, "fetches_in_flight", "Fetches on the board now.")),
      origin_unreachable(OriginError(registry, "unreachable")),
      origin_silent(OriginError(registry, "silent")),
      origin_failed(OriginError(registry, "status_5xx")),
      origin_broken(OriginError(registry, "broken")),
      origin_reused(Plain(registry, "origin_connections_reused_total",
                          "Requests to origins on a connection that was there already.")),
      origin_stale(Plain(registry, "origin_connections_stale_total",
                         "Kept connections that the origin had closed: asked again on new ones.")),
      origin_resumed(Plain(registry, "origin_tls_resumed_total",
                           "TLS sessions with origins that were taken up again.")),
      origin_idle(Level(registry, "origin_connections_idle",
                        "Connections to origins that wait for the next request.")),
      invalidated(Plain(registry, "invalidated_total",
                        "Copies that a request of an unsafe method made invalid.")),
      invalidated_late(Plain(registry, "invalidated_late_total",
                             "Those that were not gone when the client got his answer.")),
      connections(Level(registry, "connections", "Connections of the content server now.")),
      connections_refused(Plain(registry, "connections_refused_total",
                                "Connections closed at once, since there were too many.")),
      readers_cut(Plain(registry, "readers_cut_total",
                        "Answers broken off, since their fetch was or the reader took nothing.")) {}

}  // namespace strata::engine::transfer
