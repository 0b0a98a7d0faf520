#include "tests/simulation/mutant_campaign.h"

#ifndef STRATA_WITH_MUTANTS
#define STRATA_WITH_MUTANTS
#endif

#include <fcntl.h>
#include <unistd.h>

#include "multicast/core/mutants.h"
#include "tests/simulation/campaign.h"

namespace strata::simulation {

using multicast::Mutant;

namespace {

// A mutant that dies of a failed check of its own says so at length.
void CloseStderr() {
  int nowhere = open("/dev/null", O_WRONLY);
  if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
}

}  // namespace

std::vector<std::string> MutantNames() {
  std::vector<std::string> names;
#define X(id) names.push_back(#id);
  STRATA_MUTANTS(X)
#undef X
  return names;
}

MutantResult RunMutant(size_t index, const MutantOptions& options) {
  auto mutant = static_cast<Mutant>(index + 1);
  CampaignResult campaign = RunCampaign({.first_seed = 0,
                                         .seeds = options.seeds,
                                         .jobs = options.jobs,
                                         .stop_at_first_failure = true,
                                         .before =
                                             [mutant] {
                                               CloseStderr();
                                               multicast::active_mutant = mutant;
                                             },
                                         .progress = {}});
  MutantResult result{.name = MutantNames()[index],
                      .caught = !campaign.failures.empty(),
                      .checker = {},
                      .what = {},
                      .seed = 0,
                      .seeds = campaign.run};
  if (result.caught) {
    const SeedFailure& failure = campaign.failures.front();
    result.checker = failure.checker;
    result.what = failure.what;
    result.seed = failure.seed;
  }
  return result;
}

std::vector<MutantResult> RunMutants(const MutantOptions& options) {
  std::vector<MutantResult> results;
  for (size_t i = 0; i < MutantNames().size(); ++i) {
    results.push_back(RunMutant(i, options));
    if (options.progress) options.progress(results.back());
  }
  return results;
}

}  // namespace strata::simulation
