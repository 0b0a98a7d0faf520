#include "tests/simulation/federation/campaign.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/simulation/federation/world.h"

namespace strata::simulation::federation {

CampaignResult RunCampaign(const CampaignOptions& options) {
  SeedTotals totals = RunSeeds(options, [](uint64_t seed) -> SeedReport {
    const RunResult result = RunSeed(seed);
    std::vector<uint64_t> counts = {result.told, result.turns};
    counts.insert(counts.end(), result.events.begin(), result.events.end());
    return {.counts = std::move(counts), .failures = result.failures};
  });
  CampaignResult result;
  result.run = totals.run;
  result.failures = std::move(totals.failures);
  if (totals.counts.empty()) return result;
  result.told = totals.counts[0];
  result.turns = totals.counts[1];
  std::copy_n(totals.counts.begin() + 2, result.events.size(), result.events.begin());
  return result;
}

std::string ReplayCommand(uint64_t seed) {
  return "bazel run //tests/simulation/federation:simulate -- --seed " + std::to_string(seed) +
         " --trace";
}

}  // namespace strata::simulation::federation
