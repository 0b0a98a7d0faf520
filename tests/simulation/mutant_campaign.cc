#include "tests/simulation/mutant_campaign.h"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <thread>

namespace strata::simulation {

namespace {

constexpr size_t kWhatCharacters = 100;  // Of a line.

// A mutant that dies of a failed check of its own says so at length.
void CloseStderr() {
  int nowhere = open("/dev/null", O_WRONLY);
  if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
}

MutantResult RunMutant(const MutantSet& set, size_t index, const MutantOptions& options) {
  const auto outcome = set.campaign({.first_seed = 0,
                                     .seeds = options.seeds,
                                     .jobs = options.jobs,
                                     .stop_at_first_failure = true,
                                     .before =
                                         [&set, index] {
                                           CloseStderr();
                                           set.activate(index);
                                         },
                                     .progress = {}});
  MutantResult result{.name = set.names[index],
                      .caught = !outcome.failures.empty(),
                      .checker = {},
                      .what = {},
                      .seed = 0,
                      .seeds = outcome.run};
  if (result.caught) {
    const SeedFailure& failure = outcome.failures.front();
    result.checker = failure.checker;
    result.what = failure.what;
    result.seed = failure.seed;
  }
  return result;
}

void Print(const MutantResult& result) {
  printf("%-26s %-18s after %4" PRIu64 " seeds %s\n", result.name.c_str(),
         result.caught ? result.checker.c_str() : "NOT CAUGHT", result.seeds,
         result.what.substr(0, kWhatCharacters).c_str());
  fflush(stdout);
}

}  // namespace

std::vector<MutantResult> RunMutants(const MutantSet& set, const MutantOptions& options) {
  std::vector<MutantResult> results;
  for (size_t i = 0; i < set.names.size(); ++i) {
    if (!options.only.empty() && set.names[i] != options.only) continue;
    results.push_back(RunMutant(set, i, options));
    Print(results.back());
  }
  return results;
}

int RunMutantCommand(int argc, char** argv, const MutantSet& set, size_t least) {
  CLI::App app("Runs deliberate faults of a core against the simulation's checkers.");
  MutantOptions options;
  options.jobs = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  app.add_option("--seeds", options.seeds, "at most so many for each mutant");
  app.add_option("--jobs", options.jobs, "how many at once");
  app.add_option("--only", options.only, "this mutant only");
  CLI11_PARSE(app, argc, argv);
  const auto results = RunMutants(set, options);
  const auto caught = static_cast<size_t>(std::count_if(
      results.begin(), results.end(), [](const auto& result) { return result.caught; }));
  printf("%zu of %zu mutants caught\n", caught, results.size());
  return caught >= std::min(least, results.size()) ? 0 : 1;
}

}  // namespace strata::simulation
