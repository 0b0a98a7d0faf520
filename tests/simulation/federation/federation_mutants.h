#pragma once

#include "tests/simulation/mutant_campaign.h"

namespace strata::simulation::federation {

// The mutants of service_manager/federation/mutants.h.
MutantSet FederationMutants();

}  // namespace strata::simulation::federation
