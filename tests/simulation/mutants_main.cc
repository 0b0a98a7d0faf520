#include "tests/simulation/core_mutants.h"

// Lists each mutant of the core with the checker that caught it: `mutants --seeds 2000`.
int main(int argc, char** argv) {
  return strata::simulation::RunMutantCommand(argc, argv, strata::simulation::CoreMutants(),
                                              strata::simulation::kCoreMutantsCaughtAtLeast);
}
