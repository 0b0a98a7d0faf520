#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>

#include "tests/simulation/campaign_command.h"
#include "tests/simulation/federation/campaign.h"
#include "tests/simulation/federation/world.h"

// Runs one seed, or many: `simulate --seed 17 --trace`, `simulate --from 0 --seeds 100000`.
namespace strata::simulation::federation {
namespace {

constexpr uint64_t kSeedsToJudge = 500;  // A few seeds cannot see everything.

int RunOne(uint64_t seed, bool trace) {
  const RunResult result = RunSeed(seed, {.trace = trace, .keep_hash = false});
  const Plan plan = Plan::Draw(seed);
  printf("seed %" PRIu64 " (%s, %zu scopes): %" PRIu64 " changes told, %" PRIu64 " events\n", seed,
         std::string(ToString(plan.profile)).c_str(), plan.scopes.size(), result.told,
         result.turns);
  for (const Failure& failure : result.failures) {
    printf("FAILED %s: %s\n", failure.checker.c_str(), failure.what.c_str());
  }
  return result.failures.empty() ? 0 : 1;
}

int RunMany(const CampaignOptions& options) {
  const CampaignResult result = RunCampaign(options);
  PrintFailures(result.failures, ReplayCommand);
  const auto name = [](size_t event) { return ToString(static_cast<Event>(event)); };
  printf("events seen in %" PRIu64 " seeds, %" PRIu64 " changes told:\n%s", result.run, result.told,
         CountsTable(result.events, name, kEventsNeeded).c_str());
  const bool tame = std::any_of(result.events.begin(), result.events.end(),
                                [](uint64_t count) { return count < kEventsNeeded; });
  const bool judged = options.seeds >= kSeedsToJudge;
  printf("%" PRIu64 " seeds clean, %zu failed\n", result.run - result.failures.size(),
         result.failures.size());
  return result.failures.empty() && (!judged || !tame) ? 0 : 1;
}

}  // namespace
}  // namespace strata::simulation::federation

int main(int argc, char** argv) {
  return strata::simulation::RunCommand(
      argc, argv,
      {.about = "Runs managers of all levels in a simulated federation.",
       .one = strata::simulation::federation::RunOne,
       .many = strata::simulation::federation::RunMany});
}
