#pragma once

#include <array>
#include <cstdint>

#include "common/metrics.h"

namespace strata::manager::frontend {

// How a request ended, for the counters.
enum class Ending : uint8_t {
  kRedirected,
  kForwarded,
  kForwardFailed,  // No engine could be asked, or the answer broke off.
  kPreflight,
  kExplained,
  kNoSite,
  kNoEngine,
  kNotReady,  // Nothing has been published yet.
  kMalformed,
  kTooLarge,
  kRateLimited,
};
inline constexpr size_t kEndings = 11;

// What other managers said who were asked where a content is.
enum class Located : uint8_t {
  kFound,
  kNothing,
  kFailed,   // They could not be asked.
  kLate,     // Not within the time.
  kTooMany,  // Nobody was asked: too many questions were open.
};
inline constexpr size_t kLocatedResults = 5;

// What the front end counts; made once for a registry.
struct Counters {
  explicit Counters(MetricRegistry& registry);

  Counter& Of(Ending ending) { return *requests[static_cast<size_t>(ending)]; }
  Counter& Of(Located result) { return *locates[static_cast<size_t>(result)]; }

  std::array<Counter*, kEndings> requests;
  std::array<Counter*, kLocatedResults> locates;
  Counter& connections;
  Counter& connections_refused;
  Counter& accept_failures;
  Counter& idle_timeouts;
  Counter& request_timeouts;
  Counter& engine_failures;  // An engine could not be reached, or ended before its answer.
  Counter& engine_connections;
  Counter& engine_reuses;
  Counter& forwarded_bytes;
  Gauge& open;
};

}  // namespace strata::manager::frontend
