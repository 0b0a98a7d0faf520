#include "farm/state_table.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "common/random.h"
#include "farm/test_farm.h"

namespace strata::farm {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AssetOf;
using testing::FigureEight;
using testing::kA;
using testing::kB;
using testing::kC;
using testing::KeyOfTitle;
using testing::kManager;
using testing::kStart;
using testing::TestFarm;
using Applied = StateTable::Applied;

std::vector<EngineId> HoldersOf(const StateTable& table, const std::string& title) {
  const StateTable::Holders* holders = table.FindHolders(KeyOfTitle(title));
  return holders == nullptr ? std::vector<EngineId>()
                            : std::vector<EngineId>(holders->begin(), holders->end());
}

Load LoadOf(uint64_t sequence) {
  Load load;
  load.sequence = sequence;
  return load;
}

// ---- Rows.

TEST(StateTableTest, ShowsTheFigure) {
  TestFarm farm = FigureEight();
  EXPECT_EQ(farm.table().rows().size(), 3u);
  EXPECT_EQ(farm.table().contents(), 3u);
  EXPECT_EQ(HoldersOf(farm.table(), "Casablanca"), (std::vector{kA, kB}));
  EXPECT_EQ(HoldersOf(farm.table(), "Dare Devil"), (std::vector{kA, kC}));
  const Row* row = farm.table().FindByName("C");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->assets, 2u);
  EXPECT_EQ(row->asset_bytes, 2000u);
  EXPECT_EQ(farm.table().StatusOf(*row, kStart), EngineStatus::kUp);
}

TEST(StateTableTest, AnEngineWithoutAFreshReportIsStale) {
  TestFarm farm;
  farm.Register(kA, "A");
  const Row& row = *farm.table().Find(kA);
  EXPECT_EQ(farm.table().StatusOf(row, kStart), EngineStatus::kStale);
  Load load;
  load.sequence = 1;
  farm.Report(kA, load);
  EXPECT_EQ(farm.table().StatusOf(row, kStart + seconds(5)), EngineStatus::kUp);
  EXPECT_EQ(farm.table().StatusOf(row, kStart + milliseconds(5001)), EngineStatus::kStale);
}

TEST(StateTableTest, DownIsWorseThanDrainingAndThatWorseThanStale) {
  TestFarm farm;
  farm.Register(kA, "A");
  const Row& row = *farm.table().Find(kA);
  farm.Apply(DrainChanged{kA, true});
  EXPECT_EQ(farm.table().StatusOf(row, kStart), EngineStatus::kDraining);
  farm.table().SetView({kB});
  EXPECT_EQ(farm.table().StatusOf(row, kStart), EngineStatus::kDown);
}

TEST(StateTableTest, TheNewestLoadWins) {
  TestFarm farm;
  farm.Register(kA, "A");
  Load load;
  load.sequence = 7;
  load.cpu = 0.7;
  farm.Report(kA, load);
  load.sequence = 6;
  load.cpu = 0.6;
  EXPECT_EQ(farm.table().ApplyLoad({kA, 1, load}, kA, kStart), Applied::kOld);
  EXPECT_EQ(farm.table().Find(kA)->load.cpu, 0.7);
}

TEST(StateTableTest, LoadsOfAnEarlierLifeAreOld) {
  TestFarm farm;
  farm.Register(kA, "A");
  Load load;
  load.sequence = 1000;
  farm.Report(kA, load);
  farm.Register(kA, "A");
  EXPECT_EQ(farm.table().ApplyLoad({kA, 1, load}, kA, kStart), Applied::kOld);
  load.sequence = 1;
  EXPECT_EQ(farm.table().ApplyLoad({kA, 2, load}, kA, kStart), Applied::kYes);
}

TEST(StateTableTest, ARegistrationKeepsTheCopies) {
  TestFarm farm = FigureEight();
  farm.Register(kA, "A");
  EXPECT_EQ(HoldersOf(farm.table(), "Casablanca"), (std::vector{kA, kB}));
}

TEST(StateTableTest, AnOldRegistrationChangesNothing) {
  TestFarm farm = FigureEight();
  farm.Register(kA, "A2");
  EXPECT_EQ(
      farm.table().Apply(EngineRegistered{testing::Engine(kA, "A"), 1}, kManager, true, kStart),
      Applied::kOld);
  EXPECT_EQ(farm.table().Find(kA)->engine.name, "A2");
}

TEST(StateTableTest, RemovingAnEngineRemovesItsCopies) {
  TestFarm farm = FigureEight();
  farm.Apply(EngineRemoved{kA});
  EXPECT_EQ(farm.table().Find(kA), nullptr);
  EXPECT_EQ(HoldersOf(farm.table(), "Casablanca"), (std::vector{kB}));
  EXPECT_EQ(HoldersOf(farm.table(), "Dare Devil"), (std::vector{kC}));
}

// ---- Who may say what.

TEST(StateTableTest, AnEngineSpeaksForItselfOnly) {
  TestFarm farm = FigureEight();
  const AssetsChanged theft{kA, {{KeyOfTitle("Casablanca"), std::nullopt}}};
  EXPECT_EQ(farm.table().Apply(theft, kB, false, kStart), Applied::kNotItsBusiness);
  EXPECT_EQ(farm.table().Apply(HealthChanged{kA, Health::kDown, ""}, kB, false, kStart),
            Applied::kNotItsBusiness);
  EXPECT_EQ(farm.table().ApplyLoad({kA, 1, LoadOf(9)}, kB, kStart), Applied::kNotItsBusiness);
}

TEST(StateTableTest, RegistrationRemovalAndDrainAreTheManagers) {
  TestFarm farm = FigureEight();
  const Message messages[] = {EngineRegistered{testing::Engine(kA, "A"), 9}, EngineRemoved{kA},
                              DrainChanged{kA, true}};
  for (const Message& message : messages) {
    EXPECT_EQ(farm.table().Apply(message, kA, false, kStart), Applied::kNotItsBusiness);
  }
}

TEST(StateTableTest, NothingIsKnownOfAnEngineThatIsNotRegistered) {
  TestFarm farm;
  EXPECT_EQ(farm.table().Apply(InventoryBegins{kA}, kA, false, kStart), Applied::kUnknownEngine);
  EXPECT_EQ(farm.table().ApplyLoad({kA, 1, LoadOf(1)}, kA, kStart), Applied::kUnknownEngine);
}

TEST(StateTableTest, LoadsAreNeverCommitted) {
  TestFarm farm = FigureEight();
  EXPECT_EQ(farm.table().Apply(LoadReport{kA, 1, LoadOf(9)}, kA, false, kStart), Applied::kNotHere);
}

// ---- Copies.

TEST(StateTableTest, AReplacedCopyIsCountedOnce) {
  TestFarm farm = FigureEight();
  farm.Add(kA, "Casablanca", AssetOf(5000));
  EXPECT_EQ(farm.table().Find(kA)->assets, 2u);
  EXPECT_EQ(farm.table().Find(kA)->asset_bytes, 6000u);
  EXPECT_EQ(farm.table().FindAsset(kA, KeyOfTitle("Casablanca"))->size, 5000u);
}

TEST(StateTableTest, RemovingWhatIsNotThereIsNothing) {
  TestFarm farm = FigureEight();
  const TableDigest before = farm.table().digest();
  farm.Remove(kA, "Metropolis");
  EXPECT_EQ(farm.table().digest(), before);
}

TEST(StateTableTest, AnInventoryReplacesWhatItDoesNotRepeat) {
  TestFarm farm = FigureEight();
  farm.Apply(InventoryBegins{kA}, kA, false);
  EXPECT_TRUE(farm.table().Find(kA)->telling);
  farm.Add(kA, "Casablanca");
  farm.Add(kA, "Metropolis");
  EXPECT_EQ(HoldersOf(farm.table(), "Dare Devil"), (std::vector{kA, kC}));  // Not yet.
  farm.Apply(InventoryEnds{kA}, kA, false);
  EXPECT_EQ(HoldersOf(farm.table(), "Dare Devil"), (std::vector{kC}));
  EXPECT_EQ(HoldersOf(farm.table(), "Casablanca"), (std::vector{kA, kB}));
  EXPECT_EQ(HoldersOf(farm.table(), "Metropolis"), (std::vector{kA}));
}

TEST(StateTableTest, AnInventoryThatARestartCutOffTakesNothingAway) {
  TestFarm farm = FigureEight();
  farm.Apply(InventoryBegins{kA}, kA, false);
  farm.Register(kA, "A");
  farm.Apply(InventoryEnds{kA}, kA, false);
  EXPECT_EQ(farm.table().Find(kA)->assets, 2u);
}

TEST(StateTableTest, ACopyExpiresWhenItsLifetimeIsOver) {
  TestFarm farm = FigureEight();
  Asset asset = AssetOf(1);
  asset.lifetime = seconds(60);
  farm.Add(kA, "Casablanca", asset);
  EXPECT_EQ(farm.table().ExpiryOf(kA, KeyOfTitle("Casablanca")), kStart + seconds(60));
  EXPECT_EQ(farm.table().ExpiryOf(kB, KeyOfTitle("Casablanca")), Timestamp::Never());
}

// ---- Digests.

TEST(StateTableTest, TheDigestForgetsNoChangeAndNoOrder) {
  TestFarm one = FigureEight();
  TestFarm other = FigureEight();
  EXPECT_EQ(one.table().digest(), other.table().digest());
  one.Add(kA, "x", AssetOf(1));
  EXPECT_NE(one.table().digest(), other.table().digest());
  one.Add(kB, "y", AssetOf(2));
  other.Add(kB, "y", AssetOf(2));
  other.Add(kA, "x", AssetOf(1));
  EXPECT_EQ(one.table().digest(), other.table().digest());
  one.Apply(HealthChanged{kA, Health::kDegraded, "slow disk"});
  EXPECT_NE(one.table().digest(), other.table().digest());
  one.Apply(HealthChanged{kA, Health::kUp, ""});
  EXPECT_EQ(one.table().digest(), other.table().digest());
}

TEST(StateTableTest, LoadsAndViewsAreNotInTheDigest) {
  TestFarm one = FigureEight();
  TestFarm other = FigureEight();
  one.Report(kA, LoadOf(5));
  one.table().SetView({kA});
  EXPECT_EQ(one.table().digest(), other.table().digest());
}

TEST(StateTableTest, AnEmptyTableHasTheDigestOfNothingAgain) {
  TestFarm farm = FigureEight();
  for (const EngineId engine : {kA, kB, kC}) farm.Apply(EngineRemoved{engine});
  EXPECT_EQ(farm.table().digest(), TableDigest());
  EXPECT_EQ(farm.table().digest().ToString(), std::string(32, '0'));
}

// ---- Snapshots.

TEST(StateTableTest, ASnapshotIsTheTable) {
  TestFarm farm = FigureEight();
  farm.Apply(DrainChanged{kB, true});
  farm.Apply(HealthChanged{kC, Health::kDegraded, "slow"});
  StateTable copy;
  ASSERT_TRUE(copy.Restore(farm.table().Snapshot(kStart), kStart).ok());
  EXPECT_EQ(copy.digest(), farm.table().digest());
  EXPECT_EQ(copy.Snapshot(kStart), farm.table().Snapshot(kStart));
  EXPECT_EQ(HoldersOf(copy, "Spiderman"), (std::vector{kB, kC}));
  EXPECT_TRUE(copy.Find(kB)->draining);
  EXPECT_EQ(copy.Find(kC)->reason, "slow");
}

TEST(StateTableTest, LifetimesGoOnThroughASnapshot) {
  TestFarm farm = FigureEight();
  Asset asset = AssetOf(1);
  asset.lifetime = seconds(60);
  farm.Add(kA, "Casablanca", asset);
  StateTable copy;
  const Timestamp elsewhere = Timestamp::FromNanos(5);
  ASSERT_TRUE(copy.Restore(farm.table().Snapshot(kStart + seconds(20)), elsewhere).ok());
  EXPECT_EQ(copy.ExpiryOf(kA, KeyOfTitle("Casablanca")), elsewhere + seconds(40));
  EXPECT_EQ(copy.digest(), farm.table().digest());
}

TEST(StateTableTest, AnInventoryGoesOnThroughASnapshot) {
  TestFarm farm = FigureEight();
  farm.Apply(InventoryBegins{kA}, kA, false);
  farm.Add(kA, "Casablanca");
  StateTable copy;
  ASSERT_TRUE(copy.Restore(farm.table().Snapshot(kStart), kStart).ok());
  for (StateTable* table : {&copy, &farm.table()}) {
    EXPECT_EQ(table->Apply(InventoryEnds{kA}, kA, false, kStart), Applied::kYes);
    EXPECT_EQ(HoldersOf(*table, "Casablanca"), (std::vector{kA, kB}));
    EXPECT_EQ(HoldersOf(*table, "Dare Devil"), (std::vector{kC}));
  }
  EXPECT_EQ(copy.digest(), farm.table().digest());
}

TEST(StateTableTest, ACutSnapshotIsRefusedAndChangesNothing) {
  TestFarm farm = FigureEight();
  const Bytes snapshot = farm.table().Snapshot(kStart);
  TestFarm other;
  other.Register(kB, "B");
  const TableDigest before = other.table().digest();
  for (size_t size = 0; size < snapshot.size(); ++size) {
    const ByteSpan cut(snapshot.data(), size);
    EXPECT_FALSE(other.table().Restore(cut, kStart).ok()) << size;
  }
  Bytes longer = snapshot;
  longer.push_back(0);
  EXPECT_FALSE(other.table().Restore(longer, kStart).ok());
  EXPECT_EQ(other.table().digest(), before);
}

// ---- Who observes copies.

class NewsOfCopies final : public CopyObserver {
 public:
  void OnCopy(EngineId, const ContentKey&, const Asset* asset, bool as_before) override {
    told += asset == nullptr ? "gone " : as_before ? "as before " : "another ";
  }
  std::string Take() { return std::exchange(told, {}); }

  std::string told;
};

TEST(StateTableTest, SaysWhetherACopyIsAsBefore) {
  TestFarm farm;
  farm.Register(kA, "A");
  NewsOfCopies news;
  farm.table().Observe(&news);
  farm.Add(kA, "Casablanca");
  EXPECT_EQ(news.Take(), "another ");
  farm.Add(kA, "Casablanca");
  EXPECT_EQ(news.Take(), "as before ");
  farm.Add(kA, "Casablanca", AssetOf(999));
  EXPECT_EQ(news.Take(), "another ");
  Asset asset = AssetOf(999);
  asset.kind = AssetKind::kCache;
  farm.Add(kA, "Casablanca", asset);
  EXPECT_EQ(news.Take(), "another ");
  farm.Remove(kA, "Casablanca");
  EXPECT_EQ(news.Take(), "gone ");
}

TEST(StateTableTest, ALifetimeIsTheSameAsLongAsItEndsAtTheSameTime) {
  TestFarm farm;
  farm.Register(kA, "A");
  NewsOfCopies news;
  farm.table().Observe(&news);
  const auto put = [&](seconds lifetime, Timestamp now) {
    Asset asset = AssetOf(1);
    asset.lifetime = lifetime;
    farm.Apply(AssetsChanged{kA, {{KeyOfTitle("Casablanca"), asset}}}, kManager, true, now);
    return news.Take();
  };
  EXPECT_EQ(put(seconds(100), kStart), "another ");
  EXPECT_EQ(put(seconds(70), kStart + milliseconds(30'300)), "as before ");
  EXPECT_EQ(put(seconds(100), kStart + seconds(60)), "another ") << "it was found to be fresh";
  EXPECT_EQ(put(seconds(10), kStart + seconds(60)), "another ");
  EXPECT_EQ(put(seconds(0), kStart + seconds(60)), "another ") << "it has no limit any more";
  EXPECT_EQ(put(seconds(0), kStart + seconds(90)), "as before ");
}

// ---- Histories.

// Two tables that apply the same random messages are equal, and equal to one that came by a
// snapshot in between.
TEST(StateTableTest, RandomHistoriesLeaveEqualTables) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    StateTable one;
    StateTable other;
    for (int step = 0; step < 400; ++step) {
      const EngineId engine(static_cast<uint32_t>(1 + random.Below(4)));
      Message message;
      switch (random.Below(10)) {
        case 0:
          message = EngineRegistered{testing::Engine(engine, "e"), random.Below(20)};
          break;
        case 1:
          message = random.Chance(0.2) ? Message(EngineRemoved{engine})
                                       : Message(InventoryBegins{engine});
          break;
        case 2:
          message = InventoryEnds{engine};
          break;
        case 3:
          message = DrainChanged{engine, random.Chance(0.5)};
          break;
        default: {
          AssetsChanged changed{engine, {}};
          for (uint64_t i = random.Below(5); i > 0; --i) {
            const ContentKey key{0, random.Below(30)};
            std::optional<Asset> asset;
            if (random.Chance(0.6)) asset = AssetOf(random.Below(3));
            changed.changes.push_back({key, asset});
          }
          message = changed;
        }
      }
      EXPECT_EQ(one.Apply(message, kManager, true, kStart),
                other.Apply(message, kManager, true, kStart));
      ASSERT_EQ(one.digest(), other.digest());
      if (step != 200) continue;
      ASSERT_TRUE(other.Restore(one.Snapshot(kStart), kStart).ok());
    }
    EXPECT_EQ(one.Snapshot(kStart), other.Snapshot(kStart));
  }
}

}  // namespace
}  // namespace strata::farm
