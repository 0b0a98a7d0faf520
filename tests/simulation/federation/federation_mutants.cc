#include "tests/simulation/federation/federation_mutants.h"

#include <utility>

#include "service_manager/federation/mutants.h"
#include "tests/simulation/federation/campaign.h"

namespace strata::simulation::federation {

MutantSet FederationMutants() {
  MutantSet set;
#define X(id) set.names.push_back(#id);
  STRATA_FEDERATION_MUTANTS(X)
#undef X
  set.activate = [](size_t index) {
    manager::federation::active_mutant = static_cast<manager::federation::Mutant>(index + 1);
  };
  set.campaign = [](const CampaignOptions& options) {
    CampaignResult result = RunCampaign(options);
    return MutantSet::Outcome{.run = result.run, .failures = std::move(result.failures)};
  };
  return set;
}

}  // namespace strata::simulation::federation
