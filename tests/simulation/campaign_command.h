#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/simulation/seed_campaign.h"

namespace strata::simulation {

// A program that runs one seed, or many: `--seed 17 --trace`, `--from 0 --seeds 100000 --jobs 2`.
struct CampaignCommand {
  const char* about = "";
  std::function<int(uint64_t seed, bool trace)> one;        // The exit status.
  std::function<int(const CampaignOptions& options)> many;  // As well.
};
int RunCommand(int argc, char** argv, const CampaignCommand& command);

// A failed seed in two lines: what is wrong, and what to type to see it again.
void PrintFailures(const std::vector<SeedFailure>& failures,
                   std::string (*replay_command)(uint64_t seed));

}  // namespace strata::simulation
