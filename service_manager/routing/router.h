#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "farm/ranking.h"
#include "service_manager/directory/location.h"
#include "service_manager/routing/decision.h"
#include "service_manager/routing/limits.h"
#include "service_manager/routing/request_reader.h"
#include "service_manager/routing/routing_snapshot.h"

namespace strata::manager::routing {

// Decides what a request is answered with: a function of the request, the snapshot, and of who
// holds the content. Pure; one for each thread, since it keeps memory from request to request.
class Router {
 public:
  // Valid until the next call. `lookup` is called once at most.
  const Decision& Decide(const RoutingSnapshot& snapshot, const Request& request, Lookup lookup);

 private:
  Outcome Judge(const RoutingSnapshot& snapshot, Request request, Lookup lookup);
  // Ranks those who hold the content, and all who may fetch it if nobody does.
  void Rank(const RoutingSnapshot& snapshot, uint64_t draw, size_t locations);
  Outcome Redirect(const RoutingSnapshot& snapshot, const Request& request);
  Outcome Forward(const RoutingSnapshot& snapshot, const Request& request);
  void AddEngines(const RoutingSnapshot& snapshot, std::span<const farm::Candidate> candidates);
  void Explain(const RoutingSnapshot& snapshot, Outcome outcome, size_t locations);

  RequestReader reader_;
  Decision decision_;
  // Memory.
  std::array<directory::Location, kLocationsRankedMax> locations_;
  std::vector<const farm::EngineCard*> holders_;
  std::vector<farm::Candidate> ranked_;
  std::vector<farm::Candidate> spare_;
};

}  // namespace strata::manager::routing
