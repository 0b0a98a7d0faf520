#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/economy_checker.h"
#include "tests/simulation/named_events.h"
#include "tests/simulation/seed_campaign.h"

namespace strata::simulation {

struct CampaignResult {
  uint64_t run = 0;
  uint64_t clean = 0;
  uint64_t commits = 0;
  uint64_t turns = 0;
  std::vector<SeedFailure> failures;  // The first of each seed, by seed.
  EventCounts events{};
  Economy economy;
};

// Runs many seeds in worker processes, so that a seed that crashes or hangs is one failure and not
// the end.
CampaignResult RunCampaign(const CampaignOptions& options);

// The table of events; `least` marks those seen less often.
std::string EventsTable(const EventCounts& events, uint64_t least);

// Each named event at least so often, or the campaign was too tame to prove anything.
inline constexpr uint64_t kEventsNeeded = 20;

// What to type to see this seed again.
std::string ReplayCommand(uint64_t seed);

}  // namespace strata::simulation
