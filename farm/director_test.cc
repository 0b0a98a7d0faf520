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
  std::vector<EngineId> Holders(const std::string& title, uint64_t spread = 0,
                                Timestamp now = kStart) {
    std::vector<EngineId> engines;
    const Director director(farm_.table(), settings_);
    for (const Candidate& c : director.Holders(KeyOfTitle(title), spread, now)) {
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
  DirectorSettings settings_{
      .weights = {}, .near_equal = 0.01, .overloaded = 0.95, .fill_room = 0.02};
};

// ---- The figure's vectors (digest, section 1).

TEST_F(DirectorTest, SendsEachTitleToItsLeastLoadedHolder) {
  EXPECT_EQ(Holders("Casablanca"), (std::vector{kB, kA}));
  EXPECT_EQ(Holders("Spiderman"), (std::vector{kB, kC}));
  EXPECT_EQ(Holders("Dare Devil"), (std::vector{kA, kC}));
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
  settings_.near_equal = 1;  // Even then.
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
  EXPECT_TRUE(holders[0].near_best);
  EXPECT_FALSE(holders[1].near_best);
  EXPECT_LT(holders[0].load_factor, holders[1].load_factor);
  EXPECT_EQ(holders[0].status, EngineStatus::kUp);
}

// ---- Spreading.

// 1,000 requests between two reports, of engines that are about as loaded: how many the most asked
// engine gets, in units of what each would get if all got the same.
class SpreadTest : public DirectorTest {
 protected:
  static constexpr uint32_t kEngines = 8;

  SpreadTest() {
    for (uint32_t i = 1; i <= kEngines; ++i) {
      const EngineId id(i);
      if (farm_.table().Find(id) == nullptr) farm_.Register(id, "e" + std::to_string(i));
      farm_.Add(id, "Popular");
      Report(id, 0.5 + 0.005 * i);
    }
  }
  double Peak(double near_equal) {
    settings_.near_equal = near_equal;
    SeededRandom random(1);
    std::map<EngineId, int> requests;
    for (int i = 0; i < 1000; ++i) ++requests[Holders("Popular", random.Next())[0]];
    int most = 0;
    for (const auto& [engine, count] : requests) most = std::max(most, count);
    return most * static_cast<double>(kEngines) / 1000;
  }
};

TEST_F(SpreadTest, WithoutNearEqualsAllGoToOne) { EXPECT_EQ(Peak(0), kEngines); }

TEST_F(SpreadTest, NearEqualsShareTheRequestsBetweenTwoReports) {
  const double peak = Peak(0.1);
  EXPECT_LT(peak, 2.0);
  EXPECT_GT(peak, 1.5);  // Still more to the less loaded.
}

TEST_F(SpreadTest, EveryNearEqualGetsSome) {
  settings_.near_equal = 0.1;
  SeededRandom random(2);
  std::map<EngineId, int> requests;
  for (int i = 0; i < 1000; ++i) ++requests[Holders("Popular", random.Next())[0]];
  EXPECT_EQ(requests.size(), kEngines);
}

TEST_F(SpreadTest, OneRequestIsAlwaysAnsweredAlike) {
  settings_.near_equal = 0.1;
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
