#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/federation/named_events.h"
#include "tests/simulation/seed_campaign.h"

namespace strata::simulation::federation {

struct CampaignResult {
  uint64_t run = 0;
  uint64_t told = 0;  // Changes.
  uint64_t turns = 0;
  std::vector<SeedFailure> failures;  // The first of each seed, by seed.
  EventCounts events{};
};

// Runs many seeds in worker processes.
CampaignResult RunCampaign(const CampaignOptions& options);

// Each named event at least so often, or the campaign was too tame to prove anything.
inline constexpr uint64_t kEventsNeeded = 20;

// What to type to see this seed again.
std::string ReplayCommand(uint64_t seed);

}  // namespace strata::simulation::federation
