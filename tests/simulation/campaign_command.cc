#include "tests/simulation/campaign_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <thread>

namespace strata::simulation {

namespace {

constexpr uint64_t kProgressEach = 1000;

int RunMany(CampaignOptions options, const CampaignCommand& command) {
  uint64_t told = 0;
  options.progress = [&told, seeds = options.seeds](uint64_t done) {
    if (done < told + kProgressEach) return;
    told = done;
    fprintf(stderr, "%" PRIu64 " of %" PRIu64 " seeds\n", done, seeds);
  };
  return command.many(options);
}

}  // namespace

int RunCommand(int argc, char** argv, const CampaignCommand& command) {
  CLI::App app(command.about);
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
  return one->count() > 0 ? command.one(seed, trace) : RunMany(options, command);
}

void PrintFailures(const std::vector<SeedFailure>& failures,
                   std::string (*replay_command)(uint64_t seed)) {
  for (const SeedFailure& failure : failures) {
    printf("seed %" PRIu64 " FAILED %s: %s\n  %s\n", failure.seed, failure.checker.c_str(),
           failure.what.c_str(), replay_command(failure.seed).c_str());
  }
}

}  // namespace strata::simulation
