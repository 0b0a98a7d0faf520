#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/simulation/seed_campaign.h"

namespace strata::simulation {

// The deliberate faults of a core, and the campaign that is to catch them.
struct MutantSet {
  std::vector<std::string> names;
  std::function<void(size_t index)> activate;  // In a worker process, of its own.
  // Runs the campaign: how many seeds ran, and those that failed.
  struct Outcome {
    uint64_t run = 0;
    std::vector<SeedFailure> failures;
  };
  std::function<Outcome(const CampaignOptions& options)> campaign;
};

// What became of one deliberate fault.
struct MutantResult {
  std::string name;
  bool caught = false;
  std::string checker;
  std::string what;
  uint64_t seed = 0;   // That caught it.
  uint64_t seeds = 0;  // Run until then.
};

struct MutantOptions {
  uint64_t seeds = 1000;  // At most, for each mutant.
  int jobs = 1;
  std::string only;  // The mutant of this name; empty: all.
};

// Runs each mutant until a checker catches it, and prints a line for each.
std::vector<MutantResult> RunMutants(const MutantSet& set, const MutantOptions& options);

// The program around it: --seeds, --jobs, --only. Fails if less than `least` were caught.
int RunMutantCommand(int argc, char** argv, const MutantSet& set, size_t least);

}  // namespace strata::simulation
