#include "farm/director.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "common/random.h"
#include "farm/test_farm.h"

namespace strata::farm {
namespace {

using std::chrono::seconds;
using testing::FigureEight;
using testing::kA;
using testing::kB;
using testing::kC;
using testing::KeyOfTitle;
using testing::kStart;
using testing::TestFarm;

class DirectorTest : public ::testing::Test {
 protected:
  std::vector<EngineId> Holders(const std::string& title, uint64_t draw = 0,
                                Timestamp now = kStart) {
    std::vector<EngineId> engines;
    const Director director(farm_.table(), settings_);
    for (const Candidate& c : director.Holders(KeyOfTitle(title), draw, now)) {
      engines.push_back(c.engine);
    }
    return engines;
  }
  std::vector<EngineId> Fillers(const std::string& title) {
    std::vector<EngineId> engines;
    const Director director(farm_.table(), settings_);
    for (const Candidate& c : director.Fillers(KeyOfTitle(title), kStart)) {
      engines.push_back(c.engine);
    }
    return engines;
  }
  // A fresh report of `engine`, all of whose parameters are `share` of what it can do.
  void Report(EngineId engine, double share, Timestamp now = kStart) {
    const Row* row = farm_.table().Find(engine);
    Load load;
    load.sequence = row->load.sequence + 1;
    load.bandwidth_out = static_cast<uint64_t>(share * 1e9);
    load.bandwidth_in = load.bandwidth_out;
    load.memory_used = static_cast<uint64_t>(share * 100);
    load.cpu = share;
    farm_.Report(engine, load, now);
  }

  TestFarm farm_ = FigureEight();
  DirectorSettings settings_{.weights = {}, .spread = false, .overloaded = 0.95, .fill_room = 0.02};
};

// ---- The figure's vectors (digest, section 1).

TEST_F(DirectorTest, SendsEachTitleToItsLeastLoadedHolder) {
  EXPECT_EQ(Holders("Casablanca"), (std::vector{kB, kA}));
  EXPECT_EQ(Holders("Spiderman"), (std::vector{kB, kC}));
  EXPECT_EQ(Holders("Dare Devil"), (std::vector{kA, kC}));
}

TEST_F(DirectorTest, RanksHoldersThatAreNamedAsItsOwn) {
  const Director director(farm_.table(), settings_);
  const auto ranked = director.Rank({kA, kB, EngineId(99)}, 0, kStart);
  ASSERT_EQ(ranked.size(), 2u);
  EXPECT_EQ(ranked[0].engine, kB);
  EXPECT_EQ(ranked[1].engine, kA);
}

TEST_F(DirectorTest, GoesToTheOtherHolderWhenOneIsDown) {
  farm_.Apply(HealthChanged{kB, Health::kDown, "probe: connection refused"});
  EXPECT_EQ(Holders("Casablanca"), (std::vector{kA}));
  EXPECT_EQ(Holders("Spiderman"), (std::vector{kC}));
}

TEST_F(DirectorTest, ANewCopyIsUsedAtOnce) {
  farm_.Add(kB, "Dare Devil");
  EXPECT_EQ(Holders("Dare Devil"), (std::vector{kB, kA, kC}));
}

// ---- Order.

TEST_F(DirectorTest, NobodyHoldsWhatNobodyHolds) { EXPECT_TRUE(Holders("Metropolis").empty()); }

TEST_F(DirectorTest, AnEngineThatLeftTheViewIsDown) {
  farm_.table().SetView({kA, kC});
  EXPECT_EQ(Holders("Casablanca"), (std::vector{kA}));
}

TEST_F(DirectorTest, ADrainingEngineGetsNothing) {
  farm_.Apply(DrainChanged{kB, true});
  EXPECT_EQ(Holders("Casablanca"), (std::vector{kA}));
}

TEST_F(DirectorTest, ADrainingEngineIsAskedForWhatOnlyItsLibraryHas) {
  farm_.Add(kB, "Only here");
  Asset cached = testing::AssetOf(1000);
  cached.kind = AssetKind::kCache;
  farm_.Add(kB, "From an origin", cached);
  farm_.Apply(DrainChanged{kB, true});
  EXPECT_EQ(Holders("Only here"), (std::vector{kB}));
  EXPECT_TRUE(Holders("From an origin").empty());
  const Director director(farm_.table(), settings_);
  ASSERT_EQ(director.Rank({kB}, 0, kStart).size(), 1u);
  ASSERT_EQ(director.Rank({kA, kB}, 0, kStart).size(), 1u);
  farm_.Add(kC, "Only here");
  EXPECT_EQ(Holders("Only here"), (std::vector{kC}));
  farm_.Apply(HealthChanged{kB, Health::kDown, "killed"});
  farm_.Remove(kC, "Only here");
  EXPECT_TRUE(Holders("Only here").empty());
}

TEST_F(DirectorTest, TheDegradedComeAfterTheUpAndTheStaleLast) {
  farm_.Add(kC, "Casablanca");
  farm_.Apply(HealthChanged{kB, Health::kDegraded, "5xx: 3 %"});
  EXPECT_EQ(Holders("Casablanca"), (std::vector{kA, kC, kB}));
  Report(kB, 0.3, kStart + seconds(4));
  Report(kA, 0.3, kStart + seconds(4));
  EXPECT_EQ(Holders("Casablanca", 0, kStart + seconds(6)), (std::vector{kA, kB, kC}));
}

TEST_F(DirectorTest, TheOverloadedComeAfterTheOthers) {
  Report(kB, 0.96);
  Report(kA, 0.94);
  EXPECT_EQ(Holders("Casablanca"), (std::vector{kA, kB}));
  settings_.spread = true;  // Even then.
  EXPECT_EQ(Holders("Casablanca", UINT64_MAX), (std::vector{kA, kB}));
}

TEST_F(DirectorTest, ExpiredAndPartialCopiesAreNone) {
  Asset asset = testing::AssetOf(7);
  asset.lifetime = seconds(3);
  farm_.Add(kB, "Casablanca", asset);
  EXPECT_EQ(Holders("Casablanca"), (std::vector{kB, kA}));
  Report(kA, 0.3, kStart + seconds(3));
  EXPECT_EQ(Holders("Casablanca", 0, kStart + seconds(3)), (std::vector{kA}));
  asset.complete = false;
  farm_.Add(kA, "Casablanca", asset);
  EXPECT_TRUE(Holders("Casablanca", 0, kStart + seconds(3)).empty());
}

TEST_F(DirectorTest, LeavesOutWhomTheCallerExcludes) {
  const Director director(farm_.table(), settings_);
  const auto holders = director.Holders(KeyOfTitle("Casablanca"), 0, kStart, kB);
  ASSERT_EQ(holders.size(), 1u);
  EXPECT_EQ(holders[0].engine, kA);
}

TEST_F(DirectorTest, TellsWhy) {
  const Director director(farm_.table(), settings_);
  const auto holders = director.Holders(KeyOfTitle("Dare Devil"), 0, kStart);
  ASSERT_EQ(holders.size(), 2u);
  EXPECT_EQ(holders[0].chance, 1);
  EXPECT_EQ(holders[1].chance, 0);
  EXPECT_LT(holders[0].load_factor, holders[1].load_factor);
  EXPECT_EQ(holders[0].status, EngineStatus::kUp);
}

// ---- Spreading.

// Eight engines that all hold one title.
class SpreadTest : public DirectorTest {
 protected:
  static constexpr uint32_t kEngines = 8;
  static constexpr int kRequests = 8000;

  SpreadTest() {
    settings_.spread = true;
    for (uint32_t i = 1; i <= kEngines; ++i) {
      const EngineId id(i);
      if (farm_.table().Find(id) == nullptr) farm_.Register(id, "e" + std::to_string(i));
      farm_.Add(id, "Popular");
      Report(id, 0.5);
    }
  }
  // How many of the requests each engine gets.
  std::map<EngineId, int> Requests() {
    SeededRandom random(1);
    std::map<EngineId, int> requests;
    for (int i = 0; i < kRequests; ++i) ++requests[Holders("Popular", random.Next())[0]];
    return requests;
  }
};

TEST_F(SpreadTest, EqualEnginesGetEqualShares) {
  for (const auto& [engine, count] : Requests()) EXPECT_NEAR(count, 1000, 100);
}

TEST_F(SpreadTest, WhoHasTwiceTheFreeCapacityGetsTwiceTheRequests) {
  Report(kA, 0.75);  // A quarter is free instead of a half.
  EngineInfo large = farm_.table().Find(kB)->engine;
  large.capacity.bandwidth_out *= 2;
  large.capacity.bandwidth_in *= 2;
  large.capacity.memory *= 2;
  farm_.Apply(EngineRegistered{large, 2});
  Load load = farm_.table().Find(kC)->load;
  load.sequence = 1;
  load.bandwidth_out *= 2;
  load.bandwidth_in *= 2;
  load.memory_used *= 2;
  farm_.Report(kB, load);
  std::map<EngineId, int> requests = Requests();
  EXPECT_NEAR(requests[kA], requests[kC] / 2, 80);
  EXPECT_NEAR(requests[kB], requests[kC] * 2, 200);
}

TEST_F(SpreadTest, WhereASizeIsUnknownAllCountAlike) {
  EngineInfo unknown = farm_.table().Find(kB)->engine;
  unknown.capacity = {};
  farm_.Apply(EngineRegistered{unknown, 2});
  Load load;
  load.sequence = 1;
  load.cpu = 0.5;
  farm_.Report(kB, load);
  for (const auto& [engine, count] : Requests()) EXPECT_NEAR(count, 1000, 100);
}

TEST_F(SpreadTest, ChancesAddUpToOneAndTheLastOnesHaveNone) {
  farm_.Apply(HealthChanged{kA, Health::kDegraded, "slow"});
  const Director director(farm_.table(), settings_);
  double sum = 0;
  for (const Candidate& c : director.Holders(KeyOfTitle("Popular"), 77, kStart)) {
    sum += c.chance;
    EXPECT_EQ(c.chance == 0, c.engine == kA);
  }
  EXPECT_NEAR(sum, 1, 1e-9);
}

TEST_F(SpreadTest, TheEndsOfTheDrawAreTheFirstAndTheLastOfTheGood) {
  EXPECT_EQ(Holders("Popular", 0)[0], EngineId(1));
  EXPECT_EQ(Holders("Popular", UINT64_MAX)[0], EngineId(8));
}

TEST_F(SpreadTest, OneRequestIsAlwaysAnsweredAlike) {
  EXPECT_EQ(Holders("Popular", 12345), Holders("Popular", 12345));
}

// ---- Filling.

TEST_F(DirectorTest, TheFillerOfAContentIsAlwaysTheSame) {
  const std::vector<EngineId> fillers = Fillers("Metropolis");
  EXPECT_EQ(fillers.size(), 3u);
  EXPECT_EQ(Fillers("Metropolis"), fillers);
  Report(fillers[0], 0.9);
  EXPECT_EQ(Fillers("Metropolis"), fillers);
}

TEST_F(DirectorTest, ContentsAreSpreadOverFillers) {
  std::map<EngineId, int> contents;
  for (int i = 0; i < 3000; ++i) ++contents[Fillers("film " + std::to_string(i))[0]];
  for (const EngineId engine : {kA, kB, kC}) {
    EXPECT_GT(contents[engine], 900);
    EXPECT_LT(contents[engine], 1100);
  }
}

TEST_F(DirectorTest, OnlyTheContentsOfAFailedEngineMove) {
  std::map<std::string, EngineId> before;
  for (int i = 0; i < 300; ++i) {
    const std::string title = "film " + std::to_string(i);
    before[title] = Fillers(title)[0];
  }
  farm_.Apply(HealthChanged{kB, Health::kDown, "killed"});
  for (const auto& [title, engine] : before) {
    const EngineId now = Fillers(title)[0];
    if (engine == kB) {
      EXPECT_NE(now, kB);
    } else {
      EXPECT_EQ(now, engine);
    }
  }
}

TEST_F(DirectorTest, AFullEngineFillsNothing) {
  Load load = farm_.table().Find(kB)->load;
  ++load.sequence;
  load.storage_used = 99;
  farm_.Report(kB, load);
  for (int i = 0; i < 30; ++i) {
    for (const EngineId engine : Fillers("film " + std::to_string(i))) EXPECT_NE(engine, kB);
  }
}

}  // namespace
}  // namespace strata::farm
