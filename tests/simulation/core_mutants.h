#pragma once

#include "tests/simulation/mutant_campaign.h"

namespace strata::simulation {

// The mutants of multicast/core/mutants.h.
MutantSet CoreMutants();
inline constexpr size_t kCoreMutantsCaughtAtLeast = 15;

}  // namespace strata::simulation
