#include "tests/simulation/core_mutants.h"

#ifndef STRATA_WITH_MUTANTS
#define STRATA_WITH_MUTANTS
#endif

#include "multicast/core/mutants.h"
#include "tests/simulation/campaign.h"

namespace strata::simulation {

MutantSet CoreMutants() {
  MutantSet set;
#define X(id) set.names.push_back(#id);
  STRATA_MUTANTS(X)
#undef X
  set.activate = [](size_t index) {
    multicast::active_mutant = static_cast<multicast::Mutant>(index + 1);
  };
  set.campaign = [](const CampaignOptions& options) {
    CampaignResult result = RunCampaign(options);
    return MutantSet::Outcome{.run = result.run, .failures = std::move(result.failures)};
  };
  return set;
}

}  // namespace strata::simulation
