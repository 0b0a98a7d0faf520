#include "tests/simulation/seed_campaign.h"

#include <gtest/gtest.h>

#include <csignal>
#include <vector>

namespace strata::simulation {
namespace {

CampaignOptions Seeds(uint64_t first, uint64_t seeds, int jobs) {
  return {.first_seed = first,
          .seeds = seeds,
          .jobs = jobs,
          .stop_at_first_failure = false,
          .before = {},
          .progress = {}};
}

TEST(SeedCampaignTest, CountsAreAddedUpOverAllSeeds) {
  const SeedTotals totals = RunSeeds(Seeds(5, 7, 3), [](uint64_t seed) -> SeedReport {
    return {.counts = {1, seed, seed == 7 ? 100u : 0u}};
  });
  EXPECT_EQ(totals.run, 7u);
  EXPECT_TRUE(totals.failures.empty());
  EXPECT_EQ(totals.counts, (std::vector<uint64_t>{7, 5 + 6 + 7 + 8 + 9 + 10 + 11, 100}));
}

TEST(SeedCampaignTest, FailuresAreToldWithTheirSeedInOneLine) {
  const SeedTotals totals = RunSeeds(Seeds(5, 6, 2), [](uint64_t seed) -> SeedReport {
    if (seed % 3 != 0) return {.counts = {1}};
    return {.counts = {1}, .failures = {{"checker", "bad\nluck"}, {"other", "later"}}};
  });
  EXPECT_EQ(totals.counts, (std::vector<uint64_t>{6})) << "of those that failed too";
  ASSERT_EQ(totals.failures.size(), 2u);
  EXPECT_EQ(totals.failures[0].seed, 6u);
  EXPECT_EQ(totals.failures[1].seed, 9u);
  EXPECT_EQ(totals.failures[0].checker, "checker");
  EXPECT_EQ(totals.failures[0].what, "bad luck");
}

TEST(SeedCampaignTest, ASeedThatDiesIsAFailureAndTheOthersRun) {
  const SeedTotals totals = RunSeeds(Seeds(0, 4, 1), [](uint64_t seed) -> SeedReport {
    if (seed == 2) raise(SIGKILL);
    return {.counts = {1}};
  });
  EXPECT_EQ(totals.run, 4u);
  EXPECT_EQ(totals.counts, (std::vector<uint64_t>{3}));
  ASSERT_EQ(totals.failures.size(), 1u);
  EXPECT_EQ(totals.failures.front().seed, 2u);
  EXPECT_EQ(totals.failures.front().checker, "crash");
}

TEST(SeedCampaignTest, TheFirstFailureEndsIfToldTo) {
  CampaignOptions options = Seeds(0, 1000, 1);
  options.stop_at_first_failure = true;
  uint64_t ended = 0;
  options.progress = [&ended](uint64_t done) { ended = done; };
  RunSeeds(options, [](uint64_t seed) -> SeedReport {
    if (seed == 3) raise(SIGKILL);
    return {.counts = {}};
  });
  EXPECT_EQ(ended, 4u);
}

}  // namespace
}  // namespace strata::simulation
