#include <CLI/CLI.hpp>
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>
#include <thread>

#include "tests/simulation/mutant_campaign.h"

// Lists each mutant of the core with the checker that caught it: `mutants --seeds 2000`.
namespace strata::simulation {
namespace {

constexpr size_t kCaughtAtLeast = 15;

int Main(int argc, char** argv) {
  CLI::App app("Runs deliberate faults of the multicast core against the simulation's checkers.");
  MutantOptions options;
  options.jobs = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::string only;
  app.add_option("--seeds", options.seeds, "at most so many for each mutant");
  app.add_option("--jobs", options.jobs, "how many at once");
  app.add_option("--only", only, "this mutant only");
  CLI11_PARSE(app, argc, argv);
  size_t caught = 0;
  size_t run = 0;
  auto names = MutantNames();
  for (size_t i = 0; i < names.size(); ++i) {
    if (!only.empty() && names[i] != only) continue;
    MutantResult result = RunMutant(i, options);
    caught += result.caught ? 1 : 0;
    ++run;
    printf("%-26s %-18s after %4" PRIu64 " seeds %s\n", result.name.c_str(),
           result.caught ? result.checker.c_str() : "NOT CAUGHT", result.seeds,
           result.what.substr(0, 100).c_str());
    fflush(stdout);
  }
  printf("%zu of %zu mutants caught\n", caught, run);
  return caught >= std::min(kCaughtAtLeast, run) ? 0 : 1;
}

}  // namespace
}  // namespace strata::simulation

int main(int argc, char** argv) { return strata::simulation::Main(argc, argv); }
