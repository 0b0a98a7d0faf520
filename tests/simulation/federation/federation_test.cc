#include <gtest/gtest.h>

#include <algorithm>

#include "tests/simulation/federation/campaign.h"
#include "tests/simulation/federation/world.h"

namespace strata::simulation::federation {
namespace {

constexpr uint64_t kSeedsOfACampaign = 500;

TEST(FederationSimulationTest, FiveHundredSeedsRunCleanAndAreNotTame) {
  const CampaignResult result = RunCampaign({.first_seed = 0,
                                             .seeds = kSeedsOfACampaign,
                                             .jobs = 1,
                                             .stop_at_first_failure = false,
                                             .before = {},
                                             .progress = {}});
  for (const SeedFailure& failure : result.failures) {
    ADD_FAILURE() << "seed " << failure.seed << ", " << failure.checker << ": " << failure.what
                  << "\n  " << ReplayCommand(failure.seed);
  }
  EXPECT_EQ(result.run, kSeedsOfACampaign);
  for (size_t i = 0; i < kEvents; ++i) {
    EXPECT_GE(result.events[i], kEventsNeeded) << ToString(static_cast<Event>(i));
  }
}

TEST(FederationSimulationTest, ASeedTellsTheSameStoryTwice) {
  for (uint64_t seed = 0; seed < 2 * kProfileCount; ++seed) {
    const RunResult first = RunSeed(seed, {.trace = false, .keep_hash = true});
    const RunResult second = RunSeed(seed, {.trace = false, .keep_hash = true});
    EXPECT_EQ(first.trace_hash, second.trace_hash) << ReplayCommand(seed);
    EXPECT_EQ(first.turns, second.turns);
  }
}

}  // namespace
}  // namespace strata::simulation::federation
