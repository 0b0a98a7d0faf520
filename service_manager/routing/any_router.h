#pragma once

#include <memory>
#include <span>
#include <variant>

#include "service_manager/federation/locate/locate_messages.h"
#include "service_manager/routing/decision.h"
#include "service_manager/routing/federation_router.h"
#include "service_manager/routing/federation_snapshot.h"
#include "service_manager/routing/router.h"
#include "service_manager/routing/routing_snapshot.h"

namespace strata::manager::routing {

// What requests are answered from: a farm's, or that of a manager above level 1. Null: nothing was
// published yet.
using AnySnapshot =
    std::variant<std::shared_ptr<const RoutingSnapshot>, std::shared_ptr<const FederationSnapshot>>;

bool IsThere(const AnySnapshot& snapshot);

// Router or FederationRouter, as the snapshot is. Pure; one for each thread.
class AnyRouter {
 public:
  // `snapshot` is there. Valid until the next call.
  const Decision& Decide(const AnySnapshot& snapshot, const Request& request, Lookup lookup);
  // For a request of which nobody is known to hold the content: from `copies`, which other managers
  // have named. Valid until the next call, and as long as `copies`.
  const Decision& DecideAmong(const AnySnapshot& snapshot, const Request& request,
                              std::span<const federation::LocatedCopy> copies);

 private:
  Router farm_;
  FederationRouter federation_;
};

}  // namespace strata::manager::routing
