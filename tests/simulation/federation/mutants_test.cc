#include <gtest/gtest.h>

#include "tests/simulation/federation/federation_mutants.h"

namespace strata::simulation::federation {
namespace {

constexpr uint64_t kSeedsForEach = 64;

TEST(FederationMutantsTest, EachDeliberateFaultIsCaught) {
  for (const MutantResult& result :
       RunMutants(FederationMutants(), {.seeds = kSeedsForEach, .jobs = 2, .only = {}})) {
    EXPECT_TRUE(result.caught) << result.name;
  }
}

}  // namespace
}  // namespace strata::simulation::federation
