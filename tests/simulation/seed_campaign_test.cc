#include "tests/simulation/seed_campaign.h"

#include <gtest/gtest.h>

#include <csignal>
#include <set>

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

TEST(SeedCampaignTest, EachSeedTellsItsLineOnce) {
  std::multiset<std::string> lines;
  const auto died = RunSeeds(Seeds(5, 7, 3),
                             {.run = [](uint64_t seed) { return "seed\n" + std::to_string(seed); },
                              .told =
                                  [&lines](const std::string& line) {
                                    lines.insert(line);
                                    return false;
                                  }});
  EXPECT_TRUE(died.empty());
  EXPECT_EQ(lines, (std::multiset<std::string>{"seed 5", "seed 6", "seed 7", "seed 8", "seed 9",
                                               "seed 10", "seed 11"}));
}

TEST(SeedCampaignTest, ASeedThatDiesIsAFailureAndTheOthersRun) {
  uint64_t told = 0;
  const auto died = RunSeeds(Seeds(0, 4, 1), {.run =
                                                  [](uint64_t seed) {
                                                    if (seed == 2) raise(SIGKILL);
                                                    return std::to_string(seed);
                                                  },
                                              .told =
                                                  [&told](const std::string&) {
                                                    ++told;
                                                    return false;
                                                  }});
  EXPECT_EQ(told, 3U);
  ASSERT_EQ(died.size(), 1U);
  EXPECT_EQ(died.front().seed, 2U);
  EXPECT_EQ(died.front().checker, "crash");
}

TEST(SeedCampaignTest, TheFirstFailureEndsIfToldTo) {
  CampaignOptions options = Seeds(0, 1000, 1);
  options.stop_at_first_failure = true;
  uint64_t ended = 0;
  options.progress = [&ended](uint64_t done) { ended = done; };
  RunSeeds(options, {.run =
                         [](uint64_t seed) {
                           if (seed == 3) raise(SIGKILL);
                           return std::to_string(seed);
                         },
                     .told = [](const std::string&) { return false; }});
  EXPECT_EQ(ended, 4U);
}

}  // namespace
}  // namespace strata::simulation
