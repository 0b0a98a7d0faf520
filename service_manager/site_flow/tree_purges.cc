#include "service_manager/site_flow/tree_purges.h"

#include <string>
#include <vector>

namespace strata::manager::site_flow {
namespace {

std::string ProblemOf(const v1::ScopeOutcome& scope) {
  std::string text = scope.problem();
  for (const v1::EngineRow& engine : scope.others()) {
    if (!text.empty()) text += "; ";
    text += engine.name() + ": ";
    if (!engine.problem().empty()) {
      text += engine.problem();
    } else {
      text += engine.away() ? "away, it purges before it serves" : "no answer within the time";
    }
  }
  return text;
}

manager::v1::Purge ToPurge(const v1::PurgeReport& report) {
  manager::v1::Purge purge;
  purge.set_site(report.site());
  purge.set_position(report.position());
  purge.set_id(report.id());
  for (const std::string& uri : report.uris()) purge.add_uris(uri);
  for (const v1::ScopeOutcome& scope : report.scopes()) {
    manager::v1::ScopeConfirmation* out = purge.add_scopes();
    out->set_scope(scope.scope());
    out->set_outcome(scope.outcome());
    out->set_engines(scope.engines());
    out->set_confirmed(scope.confirmed());
    out->set_problem(ProblemOf(scope));
    out->set_held(scope.held());
  }
  return purge;
}

}  // namespace

rpc::TreePurges TreePurgesOf(PurgeOrders& orders) {
  rpc::TreePurges tree;
  tree.takes = [&orders](const std::string& site) { return orders.Takes(site); };
  tree.purge = [&orders](const std::string& site, const std::vector<std::string>& uris,
                         const std::string& by) -> StatusOr<manager::v1::Purge> {
    STRATA_ASSIGN_OR_RETURN(const v1::PurgeReport report, orders.Purge(site, uris, by));
    return ToPurge(report);
  };
  return tree;
}

}  // namespace strata::manager::site_flow
