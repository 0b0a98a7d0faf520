#include "tests/simulation/federation/world.h"

#include <gtest/gtest.h>

#include <string>

namespace strata::simulation::federation {
namespace {

using manager::directory::kLibrary;

// Two CDNs of three data centers with a farm each, and nothing that goes wrong.
class WorldTest : public testing::Test {
 protected:
  WorldTest() : world_(CalmPlan(), {}) {}

  static Plan CalmPlan() {
    Plan plan = Plan::Draw(0);
    plan.link.queue_records = 1000;
    plan.link.check_cycle = Duration::zero();
    return plan;
  }

  size_t At(const std::string& scope) {
    size_t at = 0;
    while (world_.wiring().scope(at) != scope) ++at;
    return at;
  }
  bool Knows(const std::string& scope, const Content& content) {
    return directory(scope).KnowledgeOfIndex().contains(content.key);
  }
  ManagerDirectory& directory(const std::string& scope) {
    return world_.scope(At(scope)).leader()->directory();
  }
  const Content& film() { return world_.wiring().plan.catalogue.front(); }
  // An engine of the farm has the film from now on.
  void Place(const std::string& farm) {
    world_.scope(At(farm)).SetCopy(film().key, {farm, "engine-1"}, kLibrary);
  }
  // Of the first failure.
  std::string failed_checker() {
    const auto& failures = world_.wiring().failures;
    return failures.empty() ? "" : failures.front().checker;
  }

  World world_;
};

TEST_F(WorldTest, TheScopingOfSeedTwo) {
  Place("cdn-two/dc-three/lan-a");
  world_.Settle();
  EXPECT_EQ(failed_checker(), "");
  for (const char* scope : {"cdn-two/dc-three", "cdn-two", "exchange"}) {
    EXPECT_TRUE(Knows(scope, film())) << scope;
  }
  for (const char* scope : {"cdn-one", "cdn-one/dc-one", "cdn-one/dc-two", "cdn-one/dc-three",
                            "cdn-two/dc-one", "cdn-two/dc-two"}) {
    EXPECT_FALSE(Knows(scope, film())) << scope;
  }
}

// ---- Each checker catches what it is for.

TEST_F(WorldTest, AnInventedCopyIsNoticed) {
  Place("cdn-two/dc-three/lan-a");
  world_.Settle();
  ManagerDirectory& top = directory("exchange");
  top.Put(film().key, {top.NumberOf({"cdn-one", ""}), 0}, film().size, film().uri);
  top.Commit();
  world_.Settle();
  EXPECT_EQ(failed_checker(), "liveness");
}

TEST_F(WorldTest, AChangeThatIsNeverToldIsNoticed) {
  world_.RunFor(std::chrono::seconds(1));
  world_.wiring().truth.Set(At("cdn-one/dc-one/lan-a"), film().key,
                            {"cdn-one/dc-one/lan-a", "engine-1"}, kLibrary);
  world_.Settle();
  EXPECT_EQ(failed_checker(), "liveness");
}

TEST_F(WorldTest, AMissingUriIsNoticed) {
  Place("cdn-two/dc-three/lan-a");
  world_.Settle();
  ManagerDirectory& top = directory("exchange");
  top.Put(film().key, {top.NumberOf({"cdn-two", ""}), kLibrary}, film().size, "http://x.example/");
  top.Commit();
  world_.Settle();
  EXPECT_EQ(failed_checker(), "uri");
}

}  // namespace
}  // namespace strata::simulation::federation
