#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "service_manager/directory/location.h"
#include "service_manager/federation/holder_name.h"
#include "service_manager/federation/locate/locate_messages.h"
#include "service_manager/routing/client_addresses.h"
#include "service_manager/routing/decision.h"
#include "service_manager/routing/federation_snapshot.h"
#include "service_manager/routing/limits.h"
#include "service_manager/routing/region_map.h"
#include "service_manager/routing/request_reader.h"
#include "service_manager/routing/scope_ranking.h"

namespace strata::manager::routing {

// What Router is at level 1, for levels above: docs/protocols/federation.md, section 5. The answer
// is an engine itself, or the front end of a child, which answers in its turn; in either case
// under the path that names the host, since names of engines are known in their farm only. While
// a child serves there is an answer; after that, the site's first origin.
//
// Pure; one for each thread, since it keeps memory from request to request.
class FederationRouter {
 public:
  // From what the own directory knows. Valid until the next call; `lookup` is called once at most.
  const Decision& Decide(const FederationSnapshot& snapshot, const Request& request, Lookup lookup);
  // For a request of which nobody beneath is known to hold the content (`held` of the decision):
  // from `copies`, which other managers have named (section 4 there); without any, as before. Valid
  // until the next call, and as long as `copies`.
  const Decision& DecideAmong(const FederationSnapshot& snapshot, const Request& request,
                              std::span<const federation::LocatedCopy> copies);

 private:
  // Where a client may be sent.
  struct Target {
    const ClientAddresses* addresses = nullptr;
    const federation::HolderName* engine = nullptr;  // Null: a child.
    int child = -1;
    uint32_t number = 0;  // Of an engine in the own directory.
  };

  // Reads the request; false if it is answered already.
  bool Begin(const FederationSnapshot& snapshot, const Request& request);
  void Collect(const FederationSnapshot& snapshot);
  void Collect(const FederationSnapshot& snapshot, std::span<const federation::LocatedCopy> copies);
  void AddChild(const FederationSnapshot& snapshot, int child, bool near);
  void AddTarget(ScopeCard card, const Target& target);
  // Whether clients of the request's site are sent to children rather than to engines.
  bool Delegates(const FederationSnapshot& snapshot) const;
  // Why a copy at that scope is of no use now; null if it is.
  const char* WhyNot(const FederationSnapshot& snapshot, const std::string& scope,
                     const ScopeCard& card, directory::LocationFlags flags) const;
  bool IsNear(const RegionSet& regions) const;

  // Sets `ranked` to the children that may fetch what nobody is known to hold.
  void RankChildren(const FederationSnapshot& snapshot, std::vector<RankedCard>& ranked);
  const Decision& Answer(const FederationSnapshot& snapshot);
  Outcome Redirect(const FederationSnapshot& snapshot);
  Outcome Forward(const FederationSnapshot& snapshot);
  Outcome ToOrigin();
  void AddEngines(std::span<const RankedCard> ranked);
  std::vector<ExplainedEngine> ExplainTargets(const FederationSnapshot& snapshot) const;
  void ExplainLeftOut(const FederationSnapshot& snapshot,
                      std::vector<ExplainedEngine>& explained) const;

  RequestReader reader_;
  Request request_;
  RegionId region_;  // The client's.
  Decision decision_;
  // Memory.
  std::array<directory::Location, kLocationsRankedMax> locations_;
  size_t locations_count_ = 0;
  std::vector<Target> targets_;
  std::vector<ScopeCard> cards_;  // Of the targets.
  std::vector<RankedCard> ranked_;
  std::vector<RankedCard> spare_;
  std::vector<ClientAddresses> found_;
};

}  // namespace strata::manager::routing
