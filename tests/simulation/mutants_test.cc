#include <gtest/gtest.h>

#include <cstdio>

#include "tests/simulation/mutant_campaign.h"

namespace strata::simulation {
namespace {

constexpr uint64_t kSeedsForEach = 320;
constexpr size_t kCaughtAtLeast = 15;

TEST(MutantsTest, AtLeastFifteenDeliberateFaultsAreCaught) {
  size_t caught = 0;
  for (const MutantResult& result :
       RunMutants({.seeds = kSeedsForEach, .jobs = 2, .progress = {}})) {
    caught += result.caught ? 1 : 0;
    printf("%-26s %-18s after %llu seeds\n", result.name.c_str(),
           result.caught ? result.checker.c_str() : "not caught",
           static_cast<unsigned long long>(result.seeds));
  }
  EXPECT_GE(caught, kCaughtAtLeast);
}

}  // namespace
}  // namespace strata::simulation
