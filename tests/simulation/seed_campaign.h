#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/failure.h"

namespace strata::simulation {

// What campaigns over many seeds have in common, whatever a seed is about.

struct CampaignOptions {
  uint64_t first_seed = 0;
  uint64_t seeds = 100;
  int jobs = 1;
  bool stop_at_first_failure = false;
  std::function<void()> before;                 // In each worker process, first.
  std::function<void(uint64_t done)> progress;  // After each seed.
};

struct SeedFailure {
  uint64_t seed = 0;
  std::string checker;  // "crash" if the process died, "hang" if it did not end.
  std::string what;     // In one line.
};

// What a run of one seed says.
struct SeedReport {
  std::vector<uint64_t> counts;        // To be added up over all seeds; as many of each.
  std::vector<Failure> failures = {};  // The first one counts.
};

struct SeedTotals {
  uint64_t run = 0;
  std::vector<uint64_t> counts;       // Sums; empty if no seed told any.
  std::vector<SeedFailure> failures;  // By seed.
};

// Runs many seeds, each by `run` in a worker process, so that one that crashes or hangs is one
// failure and not the end.
SeedTotals RunSeeds(const CampaignOptions& options,
                    const std::function<SeedReport(uint64_t seed)>& run);

// Named events and how often each was seen, a line each; `least` marks those seen less often.
std::string CountsTable(std::span<const uint64_t> counts, std::string_view (*name)(size_t event),
                        uint64_t least);

}  // namespace strata::simulation
