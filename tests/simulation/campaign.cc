#include "tests/simulation/campaign.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/simulation/simulation.h"

namespace strata::simulation {

namespace {

std::vector<uint64_t> CountsOf(const RunResult& result) {
  std::vector<uint64_t> counts = {result.commits,
                                  result.turns,
                                  result.economy.gaps,
                                  result.economy.requests,
                                  result.economy.lost_bytes,
                                  result.economy.repair_bytes};
  counts.insert(counts.end(), result.events.begin(), result.events.end());
  return counts;
}

}  // namespace

CampaignResult RunCampaign(const CampaignOptions& options) {
  SeedTotals totals = RunSeeds(options, [](uint64_t seed) -> SeedReport {
    const RunResult result = RunSeed(seed);
    return {.counts = CountsOf(result), .failures = result.failures};
  });
  CampaignResult result;
  result.run = totals.run;
  result.failures = std::move(totals.failures);
  result.clean = result.run - result.failures.size();
  if (totals.counts.empty()) return result;
  const uint64_t* at = totals.counts.data();
  for (uint64_t* sum :
       {&result.commits, &result.turns, &result.economy.gaps, &result.economy.requests,
        &result.economy.lost_bytes, &result.economy.repair_bytes}) {
    *sum = *at++;
  }
  std::copy_n(at, result.events.size(), result.events.begin());
  return result;
}

std::string EventsTable(const EventCounts& events, uint64_t least) {
  return CountsTable(
      events, [](size_t event) { return ToString(static_cast<Event>(event)); }, least);
}

std::string ReplayCommand(uint64_t seed) {
  return "bazel run //tests/simulation:simulate -- --seed " + std::to_string(seed) + " --trace";
}

}  // namespace strata::simulation
