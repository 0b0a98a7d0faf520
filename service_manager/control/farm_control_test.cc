#include "service_manager/control/farm_control.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

#include "service_manager/control/test_farm.h"

namespace strata::manager::control {
namespace {

using testing::Eventually;
using testing::TestEngine;
using testing::TestFarm;

const bool kPrivateNetwork = TestFarm::EnterNetwork();

class FarmControlTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kPrivateNetwork) GTEST_SKIP() << "needs a network namespace";
    farm_.Start();
  }
  std::optional<farm::Row> RowOf(const TestEngine& engine) {
    std::optional<farm::Row> found;
    farm_.control().member().Read([&](const farm::TableReplica& replica) {
      const farm::Row* row = replica.table().Find(engine.engine().info.id);
      if (row != nullptr) found = *row;
    });
    return found;
  }
  bool HasEvent(const std::string& part) {
    for (const FarmEvent& event : farm_.control().events().Recent(kEventsKept)) {
      if (event.text.find(part) != std::string::npos) return true;
    }
    return false;
  }
  double Metric(const std::string& name) {
    for (const MetricSample& sample : farm_.metrics().Samples()) {
      if (sample.name == name) return sample.value;
    }
    ADD_FAILURE() << "no metric " << name;
    return -1;
  }

  TestFarm farm_;
};

TEST_F(FarmControlTest, AnEngineThatRegistersIsInTheTableAndThenInTheView) {
  EXPECT_TRUE(farm_.control().joined());
  EXPECT_TRUE(farm_.control().Health().ok());
  const auto engine = farm_.Join("north-1");
  const std::optional<farm::Row> row = RowOf(*engine);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->engine.name, "north-1");
  EXPECT_EQ(row->registration, engine->engine().registration);
  EXPECT_TRUE(HasEvent("north-1 registered"));
  EXPECT_TRUE(HasEvent("north-1 is in the group"));
}

TEST_F(FarmControlTest, ASecondProcessOfANameIsRefusedWhileTheFirstLives) {
  const auto engine = farm_.Join("north-1", 1);
  const farm::EngineInfo info = engine->engine().info;
  EXPECT_EQ(farm_.control().Register(info, Bytes(kInstanceBytes, 2)).status().code(),
            StatusCode::kAlreadyExists);
  const auto again = farm_.control().Register(info, Bytes(kInstanceBytes, 1));
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->registration, engine->engine().registration);
}

TEST_F(FarmControlTest, ARenewalOfAnotherRegistrationIsRefused) {
  const auto engine = farm_.Join("north-1", 1);
  const Bytes instance(kInstanceBytes, 1);
  const uint64_t registration = engine->engine().registration;
  const auto renewed = farm_.control().Renew("north-1", instance, registration);
  ASSERT_TRUE(renewed.ok()) << renewed.status().ToString();
  EXPECT_EQ(*renewed, 0u);
  EXPECT_FALSE(farm_.control().Renew("north-1", instance, registration + 1).ok());
  EXPECT_EQ(farm_.control().Renew("south-1", instance, 1).status().code(), StatusCode::kNotFound);
}

TEST_F(FarmControlTest, ASoleManagerHandsOverToNobodyAndDoesNotWaitForIt) {
  const auto begun = std::chrono::steady_clock::now();
  const auto heir = farm_.control().succession().HandOver(std::chrono::seconds(60));
  EXPECT_EQ(heir.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(30));
  EXPECT_TRUE(farm_.control().leads());
}

TEST_F(FarmControlTest, AManagerThatStartsAgainTellsTheFarmWhatItsStoreHas) {
  farm::Site site;
  site.name = "films";
  site.hosts = {"films.example"};
  ASSERT_TRUE(farm_.control().sites().Apply(site, "name: films", "ann").ok());
  ASSERT_TRUE(
      farm_.control().purges().Append("films", {{1, 2}}, {"http://films.example/"}, "ann").ok());
  farm::EngineInfo north;
  north.name = "north-1";
  ASSERT_TRUE(farm_.control().Register(north, Bytes(kInstanceBytes, 1)).ok());
  ASSERT_TRUE(farm_.control().registrar().SetDraining("north-1", true).ok());
  farm_.Stop();
  farm_.Start();
  EXPECT_TRUE(Eventually([this] {
    bool all = false;
    farm_.control().member().Read([&all](const farm::TableReplica& replica) {
      const auto* log = replica.ledger().FindLog("films");
      all = replica.ledger().sites().Find("films") != nullptr && log != nullptr &&
            log->position == 1 && replica.table().rows().size() == 1 &&
            replica.table().rows().begin()->second.draining;
    });
    return all;
  }));
}

TEST_F(FarmControlTest, EnginesAreChosenByTheNewestWeights) {
  EXPECT_EQ(farm_.control().director()->weights.cpu, 3);
  farm::DirectorSettings settings;
  settings.weights.cpu = 7;
  farm_.control().SetDirector(settings);
  EXPECT_EQ(farm_.control().director()->weights.cpu, 7);
}

TEST_F(FarmControlTest, TheStatesOfAllAreComparedWithoutAnybodyAsking) {
  farm_.Stop();
  farm_.Start(std::chrono::milliseconds(100));
  const auto engine = farm_.Join("north-1", 1);
  const auto other = farm_.Join("south-1", 1);
  EXPECT_TRUE(Eventually([this] { return Metric("strata_farm_verifications_total") >= 2; }));
  EXPECT_TRUE(farm_.control().Differing().empty());
  engine->SetLying(true);
  EXPECT_TRUE(Eventually([this] { return !farm_.control().Differing().empty(); }));
  EXPECT_EQ(farm_.control().Differing(), std::vector<std::string>{"north-1"});
  EXPECT_GE(Metric("strata_farm_digests_differing_total"), 1);
  EXPECT_EQ(Metric("strata_farm_engines_differing"), 1);
  EXPECT_TRUE(HasEvent("north-1 holds another state"));
  // The engine hears of it when it renews.
  const auto renewed =
      farm_.control().Renew("north-1", Bytes(kInstanceBytes, 1), engine->engine().registration);
  ASSERT_TRUE(renewed.ok());
  EXPECT_NE(*renewed, 0u);
  engine->SetLying(false);
  EXPECT_TRUE(Eventually([this] { return farm_.control().Differing().empty(); }));
  EXPECT_EQ(Metric("strata_farm_engines_differing"), 0);
}

TEST_F(FarmControlTest, WhoStartsOverIsAMemberWithTheSameStateSoon) {
  const auto engine = farm_.Join("north-1", 1);
  const uint32_t view = farm_.control().member().view().number;
  ASSERT_TRUE(engine->member().StartOver().ok());
  EXPECT_TRUE(Eventually(
      [&] { return farm_.control().member().view().number > view && engine->member().joined(); }));
  farm::TableDigest own;
  EXPECT_TRUE(Eventually([&] {
    farm::TableDigest theirs;
    farm_.control().member().Read([&](const farm::TableReplica& r) { own = r.digest(); });
    engine->member().Read([&](const farm::TableReplica& r) { theirs = r.digest(); });
    return own == theirs;
  }));
}

}  // namespace
}  // namespace strata::manager::control
