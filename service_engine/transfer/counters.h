#pragma once

#include "common/metrics.h"

namespace strata::engine::transfer {

// Everything that the agent counts.
struct Counters {
  explicit Counters(MetricRegistry& registry);

  // What nginx asked.
  Counter& misses;
  Counter& fills;
  Counter& joins;
  Counter& malformed;  // Requests that are no HTTP, or not of the contract.
  // What a miss was told.
  Counter& told_fill;
  Counter& told_join;
  Counter& told_peer;
  Counter& told_redirect;
  Counter& told_forward;
  Counter& told_not_held;
  Counter& refused_member;
  Counter& refused_loop;
  Counter& refused_site;
  Counter& refused_full;
  Counter& refused_other;
  // Fetches.
  Counter& fetched_whole;
  Counter& fetched_broken;
  Counter& fetched_not;  // No origin had an answer.
  Counter& ended_by_purge;
  Counter& asked_again_by_purge;
  Counter& fetched_bytes;
  Counter& spool_errors;
  Gauge& in_flight;
  // Origins.
  Counter& origin_unreachable;
  Counter& origin_silent;
  Counter& origin_failed;   // 5xx.
  Counter& origin_broken;   // No HTTP, or cut short.
  Counter& origin_reused;   // Requests on a connection that was there.
  Counter& origin_stale;    // Those that the origin had closed: asked again on a new one.
  Counter& origin_resumed;  // TLS sessions taken up again.
  Gauge& origin_idle;
  // Copies that a request of an unsafe method made invalid.
  Counter& invalidated;
  Counter& invalidated_late;  // The client had his answer before.
  // Connections of nginx.
  Gauge& connections;
  Counter& connections_refused;
  Counter& readers_cut;
};

}  // namespace strata::engine::transfer
