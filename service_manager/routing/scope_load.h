#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/status.h"
#include "common/time.h"
#include "farm/engine.h"
#include "farm/ranking.h"

// What a manager publishes of its scope, so that those above it choose well:
// docs/protocols/federation.md, 5.1. Pure; any thread.

namespace strata::manager::routing {

class RoutingSnapshot;

// The engines of a scope in a few numbers.
struct ScopeLoad {
  uint32_t engines = 0;     // That serve: neither draining nor down.
  uint32_t overloaded = 0;  // Of these, those that their farm calls so.
  // Bits a second that these can still send; 0 is unknown: one of them does not tell its bandwidth.
  uint64_t free_bandwidth = 0;
  double worst = 0;  // Load factor of the busiest.
  double mean = 0;

  bool Serves() const { return engines > 0; }
  bool IsOverloaded() const { return overloaded == engines; }

  friend bool operator==(const ScopeLoad&, const ScopeLoad&) = default;
};

// That of one farm.
ScopeLoad LoadOf(std::span<const farm::EngineCard> engines);
// That of several scopes together.
ScopeLoad Merged(std::span<const ScopeLoad> parts);

// An engine that is not as good as its scope's load says: it is not up, or it is overloaded.
struct ImpairedEngine {
  std::string name;
  farm::EngineStatus status = farm::EngineStatus::kUp;
  bool overloaded = false;

  friend bool operator==(const ImpairedEngine&, const ImpairedEngine&) = default;
};

struct ScopeReport {
  std::string scope;
  Duration age{};  // Since this was so; sent in milliseconds, 49 days at most.
  ScopeLoad load;
  std::vector<ImpairedEngine> impaired;  // Of a farm's engines; empty for higher scopes.

  friend bool operator==(const ScopeReport&, const ScopeReport&) = default;
};

// What a child tells: of its own scope, then of those beneath, by rising scope, each once.
using LoadReport = std::vector<ScopeReport>;

// That of the manager of a farm, whose scope is `scope`; what it knows is of this moment.
LoadReport ReportOf(const std::string& scope, const RoutingSnapshot& farm);

// A report within its limits (limits.h) as bytes. Load factors lose what is below 2^-16.
Bytes Encode(const LoadReport& report);
// InvalidArgument, naming the field, for what Encode would not write.
StatusOr<LoadReport> DecodeLoadReport(ByteSpan bytes);

}  // namespace strata::manager::routing
