#include <gtest/gtest.h>

#include <algorithm>

#include "tests/simulation/core_mutants.h"

namespace strata::simulation {
namespace {

constexpr uint64_t kSeedsForEach = 320;

TEST(MutantsTest, AtLeastFifteenDeliberateFaultsAreCaught) {
  const auto results = RunMutants(CoreMutants(), {.seeds = kSeedsForEach, .jobs = 2, .only = {}});
  const auto caught = std::count_if(results.begin(), results.end(),
                                    [](const MutantResult& result) { return result.caught; });
  EXPECT_GE(caught, static_cast<int64_t>(kCoreMutantsCaughtAtLeast));
}

}  // namespace
}  // namespace strata::simulation
