#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/random.h"
#include "common/time.h"
#include "service_manager/directory/location.h"
#include "tests/simulation/federation/world.h"

// A tree that is wider than seeds draw one: an exchange, 2 CDNs, 10 data centers, 40 farms.
namespace strata::simulation::federation {
namespace {

using manager::directory::kComplete;
using manager::directory::kLibrary;

constexpr size_t kCdns = 2;
constexpr size_t kCentersOfCdn = 5;
constexpr size_t kFarmsOfCenter = 4;
constexpr size_t kEnginesOfFarm = 3;
// A content has copies in so many CDNs, data centers of each, farms of each, at engines of each.
constexpr size_t kShared = 2;
constexpr size_t kCopies = kShared * kShared * kShared * kShared;

// What each link tells, from level 1 up.
using Forwards = std::array<Forwarding, 3>;

size_t Add(Plan& plan, const std::string& scope, int level, std::optional<size_t> parent) {
  plan.scopes.push_back(
      {.scope = scope, .level = level, .parent = parent, .engines = {}, .policy = {}});
  return plan.scopes.size() - 1;
}

void MakeWide(Plan& plan) {
  plan.scopes.clear();
  const size_t exchange = Add(plan, "exchange", 4, {});
  for (size_t i = 1; i <= kCdns; ++i) {
    const std::string cdn = "cdn-" + std::to_string(i);
    const size_t at_cdn = Add(plan, cdn, 3, exchange);
    for (size_t j = 1; j <= kCentersOfCdn; ++j) {
      const std::string center = cdn + "/dc-" + std::to_string(j);
      const size_t at_center = Add(plan, center, 2, at_cdn);
      for (size_t k = 1; k <= kFarmsOfCenter; ++k) {
        const size_t farm = Add(plan, center + "/lan-" + std::to_string(k), 1, at_center);
        for (size_t e = 1; e <= kEnginesOfFarm; ++e) {
          plan.scopes[farm].engines.push_back("engine-" + std::to_string(e));
        }
      }
    }
  }
}

Plan CalmPlan(const Forwards& forwards) {
  Plan plan = Plan::Draw(0);
  plan.link.queue_records = 10'000;
  plan.link.check_cycle = Duration::zero();
  MakeWide(plan);
  for (ScopePlan& scope : plan.scopes) {
    if (!scope.parent) continue;
    scope.policy = {{.site = "",
                     .folder = "",
                     .library = {},
                     .forward = forwards[static_cast<size_t>(scope.level - 1)]}};
  }
  return plan;
}

// Contents come to so many places of each level, and go again; what each level was told of it.
class WideTree {
 public:
  explicit WideTree(const Forwards& forwards) : world_(CalmPlan(forwards), {}) {}

  void ComeAndGo() {
    world_.RunFor(std::chrono::seconds(2));  // All links are there.
    std::vector<Copy> copies;
    for (const Content& content : world_.wiring().plan.catalogue) Place(content, copies);
    copies_ = copies.size();
    for (const auto flags :
         {std::optional<LocationFlags>(kLibrary | kComplete), std::optional<LocationFlags>()}) {
      Shuffle(copies);
      for (const Copy& copy : copies) {
        world_.scope(copy.farm).SetCopy(copy.content->key, copy.engine, flags);
        world_.RunFor(std::chrono::milliseconds(5));
      }
      world_.Settle();
    }
  }

  size_t changes() const { return 2 * copies_; }
  // Changes that managers of this level have told their parents.
  uint64_t ToldFrom(int level) {
    uint64_t told = 0;
    const std::vector<ScopePlan>& scopes = world_.wiring().plan.scopes;
    for (size_t at = 0; at < scopes.size(); ++at) {
      if (scopes[at].level != level) continue;
      told += world_.scope(at).leader()->parent_link()->sender().counts().told;
    }
    return told;
  }
  std::string failure() {
    const auto& failures = world_.wiring().failures;
    return failures.empty() ? "" : failures.front().checker + ": " + failures.front().what;
  }

 private:
  struct Copy {
    const Content* content;
    size_t farm;
    HolderName engine;
  };

  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random_.Below(i)]);
  }
  // Some of the scopes beneath.
  std::vector<size_t> Below(size_t at) {
    std::vector<size_t> children = world_.wiring().plan.ChildrenOf(at);
    Shuffle(children);
    children.resize(kShared);
    return children;
  }
  void Place(const Content& content, std::vector<Copy>& copies) {
    std::vector<size_t> scopes = {0};
    for (int level = 3; level >= 1; --level) {
      std::vector<size_t> next;
      for (const size_t at : scopes) {
        const std::vector<size_t> children = Below(at);
        next.insert(next.end(), children.begin(), children.end());
      }
      scopes = std::move(next);
    }
    for (const size_t farm : scopes) {
      const ScopePlan& plan = world_.wiring().plan.scopes[farm];
      std::vector<std::string> engines = plan.engines;
      Shuffle(engines);
      for (size_t i = 0; i < kShared; ++i) {
        copies.push_back({&content, farm, {plan.scope, engines[i]}});
      }
    }
  }

  World world_;
  SeededRandom random_{1};
  size_t copies_ = 0;
};

struct Told {
  const char* policy;
  Forwards forwards;
  std::array<uint64_t, 3> one_in;  // Of the changes of copies, told from levels 1, 2, 3.
};

class WideTreeTest : public testing::TestWithParam<Told> {};

// docs/operator/scale.md has these numbers, and computes with them.
TEST_P(WideTreeTest, EachLevelIsToldWhatItsPolicySays) {
  WideTree tree(GetParam().forwards);
  tree.ComeAndGo();
  ASSERT_EQ(tree.failure(), "");
  printf("%s: %zu changes of copies; told from levels 1, 2, 3:", GetParam().policy, tree.changes());
  for (int level = 1; level <= 3; ++level) {
    const uint64_t told = tree.ToldFrom(level);
    printf(" %llu", static_cast<unsigned long long>(told));
    EXPECT_EQ(told * GetParam().one_in[static_cast<size_t>(level - 1)], tree.changes()) << level;
  }
  printf("\n");
}

constexpr Forwards kAllFull = {Forwarding::kFull, Forwarding::kFull, Forwarding::kFull};
constexpr Forwards kMixed = {Forwarding::kFull, Forwarding::kFull, Forwarding::kScope};
constexpr Forwards kAllScope = {Forwarding::kScope, Forwarding::kScope, Forwarding::kScope};

INSTANTIATE_TEST_SUITE_P(Policies, WideTreeTest,
                         testing::Values(Told{"full", kAllFull, {1, 1, 1}},
                                         Told{"mixed", kMixed, {1, 1, kCopies / 2}},
                                         Told{"scope", kAllScope, {2, 4, kCopies / 2}}),
                         [](const auto& told) { return std::string(told.param.policy); });

// All faults, as in any seed: 52 links heal as three do.
TEST(WideTreeFaultsTest, AllLevelsKnowWhatPolicySaysAfterAllFaults) {
  for (const Profile profile : {Profile::kFlaps, Profile::kTakeOvers, Profile::kChaos}) {
    Plan plan = Plan::Draw(static_cast<uint64_t>(profile));
    MakeWide(plan);
    plan.link.check_cycle = Duration::zero();  // 4,096 ranges of each link: they take their time.
    plan.fault_weights[static_cast<size_t>(Fault::kBend)] = 0;  // Found by checks only.
    SeededRandom random(plan.seed);
    for (ScopePlan& scope : plan.scopes) {
      if (scope.parent) scope.policy = DrawPolicy(random);
    }
    const RunResult result = World(plan, {}).Run();
    for (const Failure& failure : result.failures) {
      ADD_FAILURE() << ToString(profile) << ": " << failure.checker << ": " << failure.what;
    }
    EXPECT_GT(result.told, 0U);
    printf("%s: %llu changes told\n", std::string(ToString(profile)).c_str(),
           static_cast<unsigned long long>(result.told));
  }
}

}  // namespace
}  // namespace strata::simulation::federation
