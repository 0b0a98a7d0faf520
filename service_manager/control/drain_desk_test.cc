#include "service_manager/control/drain_desk.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "multicast/driver/clock.h"
#include "service_manager/control/orders.h"
#include "service_manager/control/test_farm.h"

namespace strata::manager::control {
namespace {

using farm::AssetKind;
using farm::ContentKey;
using testing::Eventually;
using testing::TestEngine;
using testing::TestFarm;

const bool kPrivateNetwork = TestFarm::EnterNetwork();

ContentKey Key(uint64_t number) { return {.high = number, .low = number}; }

class DrainDeskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kPrivateNetwork) GTEST_SKIP() << "needs a network namespace";
    farm_.Start();
    desk_ = std::make_unique<DrainDesk>(farm_.control(), farm_.metrics());
    orders_ = std::make_unique<Orders>(farm_.control(), random_, Orders::Limits());
    south_ = farm_.Join("south-1");
    north_ = farm_.Join("north-1", 2);
  }
  void TearDown() override {
    south_.reset();
    north_.reset();
    orders_.reset();
    desk_.reset();
  }

  static farm::EngineId IdOf(const TestEngine& engine) { return engine.engine().info.id; }
  // The engine has it, and says so.
  static void Hold(TestEngine& engine, uint64_t number, AssetKind kind = AssetKind::kLibrary) {
    farm::Asset asset;
    asset.kind = kind;
    asset.size = 10 * number;
    ASSERT_TRUE(
        engine.member()
            .SendAndWait(farm::AssetsChanged{IdOf(engine), {{Key(number), asset}}}, kPatience)
            .ok());
  }
  // It is there, and has nothing to do for so many requests.
  void Load(TestEngine& engine, uint32_t requests) {
    farm::LoadReport report{IdOf(engine), engine.engine().registration, {}};
    report.load.sequence = ++sequence_;
    report.load.active_requests = requests;
    (void)engine.member().Send(report);
  }
  void Drain() { ASSERT_TRUE(orders_->Drain("south-1", true).ok()); }
  DrainDesk::Report Report() { return desk_->Find(IdOf(*south_)).value_or(DrainDesk::Report()); }
  bool AwaitLeft(uint64_t contents) {
    return Eventually([&] {
      const auto report = desk_->Find(IdOf(*south_));
      return report && report->progress.contents_left == contents;
    });
  }
  DrainDesk::Work Ask(TestEngine& engine, const std::vector<DrainDesk::Prepared>& prepared = {},
                      const std::vector<DrainDesk::Copied>& copied = {}) {
    const DrainPlan::Target target{
        .engine = IdOf(engine), .takes = &engine == north_.get(), .free_bytes = 1000};
    const auto work = desk_->Exchange(target, prepared, copied);
    EXPECT_TRUE(work.ok()) << work.status().ToString();
    return work.ok() ? *work : DrainDesk::Work();
  }

  static constexpr Duration kPatience = std::chrono::seconds(10);
  SeededRandom random_{3};
  TestFarm farm_;
  uint64_t sequence_ = 0;
  std::unique_ptr<DrainDesk> desk_;
  std::unique_ptr<Orders> orders_;
  std::unique_ptr<TestEngine> south_;
  std::unique_ptr<TestEngine> north_;
};

TEST_F(DrainDeskTest, NothingIsKnownOfAnEngineThatIsNotDrained) {
  Hold(*south_, 1);
  EXPECT_FALSE(desk_->Find(IdOf(*south_)).has_value());
  EXPECT_TRUE(Ask(*south_).prepare.empty());
}

TEST_F(DrainDeskTest, OnlyWhatNobodyElseKeepsIsLeft) {
  Hold(*south_, 1);
  Hold(*south_, 2);
  Hold(*north_, 2);
  Hold(*south_, 3);
  Hold(*north_, 3, AssetKind::kCache);  // It may go.
  Hold(*south_, 4, AssetKind::kCache);  // An origin gives it again.
  Drain();
  ASSERT_TRUE(AwaitLeft(2));
  EXPECT_EQ(Report().progress.bytes_left, 40u);
  EXPECT_FALSE(Report().safe);
}

TEST_F(DrainDeskTest, AContentGoesFromOneEngineToTheOther) {
  Hold(*south_, 1);
  Drain();
  ASSERT_TRUE(AwaitLeft(1));
  EXPECT_TRUE(Ask(*north_).copies.empty());
  const DrainDesk::Work work = Ask(*south_);
  ASSERT_EQ(work.prepare, std::vector{Key(1)});
  DrainDesk::Prepared prepared;
  prepared.key = Key(1);
  prepared.original.uri = "http://films.example/1";
  prepared.original.size = 10;
  EXPECT_TRUE(Ask(*south_, {prepared}).prepare.empty());
  const DrainDesk::Work copies = Ask(*north_);
  ASSERT_EQ(copies.copies.size(), 1u);
  EXPECT_EQ(copies.copies[0].source, IdOf(*south_));
  EXPECT_EQ(copies.copies[0].original.uri, "http://films.example/1");
  Hold(*north_, 1);
  EXPECT_TRUE(Ask(*north_, {}, {{Key(1), ""}}).copies.empty());
  ASSERT_TRUE(AwaitLeft(0));
  EXPECT_EQ(Report().copied, 1u);
  EXPECT_TRUE(Eventually([&] {
    Load(*south_, 0);
    return Report().safe;
  }));
}

TEST_F(DrainDeskTest, ItIsNotSafeWhileRequestsRun) {
  Drain();
  ASSERT_TRUE(AwaitLeft(0));
  // Longer than it would take otherwise.
  for (int looks = 0; looks < 5; ++looks) {
    const Timestamp until = multicast::Now() + std::chrono::seconds(1);
    EXPECT_TRUE(Eventually([&] {
      Load(*south_, 3);
      EXPECT_FALSE(Report().safe);
      return multicast::Now() >= until;
    }));
  }
  EXPECT_TRUE(Eventually([&] {
    Load(*south_, 0);
    return Report().safe;
  }));
}

TEST_F(DrainDeskTest, WhoGoesOffAfterwardsTakesNothingAlong) {
  Drain();
  ASSERT_TRUE(AwaitLeft(0));
  south_.reset();
  const farm::EngineId id = farm_.control().registrar().Find("south-1")->info.id;
  EXPECT_TRUE(Eventually([&] {
    const auto report = desk_->Find(id);
    return report && report->safe;
  }));
}

TEST_F(DrainDeskTest, ADrainThatIsTakenBackIsForgotten) {
  Hold(*south_, 1);
  Drain();
  ASSERT_TRUE(AwaitLeft(1));
  ASSERT_TRUE(orders_->Drain("south-1", false).ok());
  desk_->LookNow();
  EXPECT_FALSE(desk_->Find(IdOf(*south_)).has_value());
}

}  // namespace
}  // namespace strata::manager::control
