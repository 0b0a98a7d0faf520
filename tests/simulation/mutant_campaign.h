#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace strata::simulation {

// What became of one deliberate fault of the core.
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
  std::function<void(const MutantResult&)> progress;
};

// Runs every mutant of multicast/core/mutants.h until a checker catches it.
std::vector<MutantResult> RunMutants(const MutantOptions& options);
// The names, in their order.
std::vector<std::string> MutantNames();
// One of them, by its place in MutantNames().
MutantResult RunMutant(size_t index, const MutantOptions& options);

}  // namespace strata::simulation
