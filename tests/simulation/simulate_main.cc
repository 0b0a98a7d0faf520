#include <CLI/CLI.hpp>
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>
#include <thread>

#include "tests/simulation/campaign.h"
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

int RunMany(CampaignOptions options) {
  constexpr uint64_t kProgressEach = 1000;
  uint64_t told = 0;
  options.progress = [&told, &options](uint64_t done) {
    if (done < told + kProgressEach) return;
    told = done;
    fprintf(stderr, "%" PRIu64 " of %" PRIu64 " seeds\n", done, options.seeds);
  };
  CampaignResult result = RunCampaign(options);
  for (const SeedFailure& failure : result.failures) {
    printf("seed %" PRIu64 " FAILED %s: %s\n  %s\n", failure.seed, failure.checker.c_str(),
           failure.what.c_str(), ReplayCommand(failure.seed).c_str());
  }
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

int Main(int argc, char** argv) {
  CLI::App app("Runs the multicast core in a simulated network.");
  uint64_t seed = 0;
  bool trace = false;
  CampaignOptions options;
  options.jobs = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  auto* one = app.add_option("--seed", seed, "run this seed only");
  app.add_flag("--trace", trace, "with --seed: print everything that happens, a line each");
  app.add_option("--from", options.first_seed, "first seed");
  app.add_option("--seeds", options.seeds, "how many seeds");
  app.add_option("--jobs", options.jobs, "how many at once");
  CLI11_PARSE(app, argc, argv);
  return one->count() > 0 ? RunOne(seed, trace) : RunMany(options);
}

}  // namespace
}  // namespace strata::simulation

int main(int argc, char** argv) { return strata::simulation::Main(argc, argv); }
