#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "farm/ranking.h"
#include "service_manager/directory/location.h"
#include "service_manager/federation/locate/locate_messages.h"
#include "service_manager/routing/client_addresses.h"
#include "service_manager/routing/decision.h"
#include "service_manager/routing/limits.h"
#include "service_manager/routing/request_reader.h"
#include "service_manager/routing/routing_snapshot.h"
#include "service_manager/routing/scope_ranking.h"

namespace strata::manager::routing {

// Decides what a request is answered with: a function of the request, the snapshot, and of who
// holds the content. Pure; one for each thread, since it keeps memory from request to request.
class Router {
 public:
  // Valid until the next call. `lookup` is called once at most.
  const Decision& Decide(const RoutingSnapshot& snapshot, const Request& request, Lookup lookup);
  // For a request of which nobody in the farm is known to hold the content (`held` of the
  // decision): one of the engines of other farms that have it, by `copies`, which other managers
  // have named. What is stale counts only if no origin has the content. If none is of use, somebody
  // here fetches it, as by Decide. Valid until the next call, and as long as `copies`.
  const Decision& DecideAmong(const RoutingSnapshot& snapshot, const Request& request,
                              std::span<const federation::LocatedCopy> copies);

 private:
  Outcome Judge(const RoutingSnapshot& snapshot, Request request, Lookup lookup);
  Outcome JudgeAmong(const RoutingSnapshot& snapshot, Request request,
                     std::span<const federation::LocatedCopy> copies);
  // Ranks those who hold the content, and all who may fetch it if nobody does.
  void Rank(const RoutingSnapshot& snapshot, uint64_t draw, size_t locations);
  Outcome Redirect(const RoutingSnapshot& snapshot, const Request& request);
  Outcome Forward(const RoutingSnapshot& snapshot, const Request& request);
  // Ranks engines of other farms.
  void Rank(bool spread, uint64_t draw, std::span<const federation::LocatedCopy> copies);
  Outcome RedirectAway(const Request& request);
  Outcome ForwardAway(const RoutingSnapshot& snapshot, const Request& request);
  void AddEngine(const Authorities* engine);
  void AddEngines(const RoutingSnapshot& snapshot, std::span<const farm::Candidate> candidates);
  void Explain(const RoutingSnapshot& snapshot, Outcome outcome, size_t locations);

  RequestReader reader_;
  Decision decision_;
  // Memory.
  std::array<directory::Location, kLocationsRankedMax> locations_;
  std::vector<const farm::EngineCard*> holders_;
  std::vector<farm::Candidate> ranked_;
  std::vector<farm::Candidate> spare_;
  std::vector<ScopeCard> cards_;  // Of `copies`; a place in them, and in found_.
  std::vector<RankedCard> away_;
  std::vector<ClientAddresses> found_;
};

}  // namespace strata::manager::routing
