#include "tests/simulation/federation/federation_mutants.h"

// Lists each mutant of the federation with the checker that caught it: `mutants --seeds 500`.
int main(int argc, char** argv) {
  const auto set = strata::simulation::federation::FederationMutants();
  return strata::simulation::RunMutantCommand(argc, argv, set, set.names.size());
}
