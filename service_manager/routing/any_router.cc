#include "service_manager/routing/any_router.h"

namespace strata::manager::routing {
namespace {

using FarmPtr = std::shared_ptr<const RoutingSnapshot>;
using FederationPtr = std::shared_ptr<const FederationSnapshot>;

}  // namespace

bool IsThere(const AnySnapshot& snapshot) {
  return std::visit([](const auto& either) { return either != nullptr; }, snapshot);
}

const Decision& AnyRouter::Decide(const AnySnapshot& snapshot, const Request& request,
                                  Lookup lookup) {
  if (const auto* farm = std::get_if<FarmPtr>(&snapshot)) {
    return farm_.Decide(**farm, request, lookup);
  }
  return federation_.Decide(*std::get<FederationPtr>(snapshot), request, lookup);
}

const Decision& AnyRouter::DecideAmong(const AnySnapshot& snapshot, const Request& request,
                                       std::span<const federation::LocatedCopy> copies) {
  if (const auto* farm = std::get_if<FarmPtr>(&snapshot)) {
    return farm_.DecideAmong(**farm, request, copies);
  }
  return federation_.DecideAmong(*std::get<FederationPtr>(snapshot), request, copies);
}

}  // namespace strata::manager::routing
