#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>

#include "tests/simulation/campaign.h"
#include "tests/simulation/campaign_command.h"
#include "tests/simulation/simulation.h"

// Runs one seed, or many: `simulate --seed 17 --trace`, `simulate --from 0 --seeds 100000`.
namespace strata::simulation {
namespace {

int RunOne(uint64_t seed, bool trace) {
  RunResult result = RunSeed(seed, {.trace = trace, .keep_hash = false});
  Scenario scenario = Scenario::Draw(seed);
  printf("seed %" PRIu64 " (%s, %zu members): %" PRIu64 " commits, %" PRIu64 " events\n", seed,
         std::string(ToString(scenario.profile)).c_str(), scenario.members.size(), result.commits,
         result.turns);
  if (scenario.profile == Profile::kLossOnly) {
    printf("%" PRIu64 " requests for %" PRIu64 " gaps, %" PRIu64 " bytes sent again for %" PRIu64
           " lost\n",
           result.economy.requests, result.economy.gaps, result.economy.repair_bytes,
           result.economy.lost_bytes);
  }
  for (const Failure& failure : result.failures) {
    printf("FAILED %s: %s\n", failure.checker.c_str(), failure.what.c_str());
  }
  return result.failures.empty() ? 0 : 1;
}

int RunMany(const CampaignOptions& options) {
  CampaignResult result = RunCampaign(options);
  PrintFailures(result.failures, ReplayCommand);
  printf("events seen in %" PRIu64 " seeds, %" PRIu64 " commits:\n%s", result.run, result.commits,
         EventsTable(result.events, kEventsNeeded).c_str());
  const Economy& economy = result.economy;
  bool cheap = economy.Good(0, 0);
  printf("repair in loss-only seeds: %" PRIu64 " requests for %" PRIu64 " gaps, %" PRIu64
         " bytes for %" PRIu64 " lost%s\n",
         economy.requests, economy.gaps, economy.repair_bytes, economy.lost_bytes,
         cheap ? "" : "  TOO MUCH");
  bool tame = std::any_of(result.events.begin(), result.events.end(),
                          [](uint64_t count) { return count < kEventsNeeded; });
  bool judged = options.seeds >= 1000;  // A few seeds cannot see everything.
  printf("%" PRIu64 " seeds clean, %zu failed\n", result.clean, result.failures.size());
  return result.failures.empty() && (!judged || (!tame && cheap)) ? 0 : 1;
}

}  // namespace
}  // namespace strata::simulation

int main(int argc, char** argv) {
  return strata::simulation::RunCommand(argc, argv,
                                        {.about = "Runs the multicast core in a simulated network.",
                                         .one = strata::simulation::RunOne,
                                         .many = strata::simulation::RunMany});
}
