#include "service_manager/control/orders.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "service_manager/control/test_farm.h"

namespace strata::manager::control {
namespace {

using std::chrono::milliseconds;
using testing::Eventually;
using testing::TestFarm;

const bool kPrivateNetwork = TestFarm::EnterNetwork();

constexpr char kFilms[] = "name: films\nhosts: [films.example]\n";
constexpr char kFilmsLonger[] = "name: films\nhosts: [films.example]\nttl: 1h\n";
constexpr char kUri[] = "http://films.example/a.mp4";

class OrdersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kPrivateNetwork) GTEST_SKIP() << "needs a network namespace";
    farm_.Start();
    Orders::Limits limits;
    limits.site = milliseconds(500);  // Waited for by those who are not answered only.
    limits.closes = milliseconds(0);
    orders_ = std::make_unique<Orders>(farm_.control(), random_, limits);
  }
  void ApplyFilms() {
    const auto applied = orders_->ApplySite("films.yaml", kFilms, "ann", false);
    ASSERT_TRUE(applied.ok()) << applied.status().ToString();
  }
  uint64_t VersionTold() {
    uint64_t version = 0;
    farm_.control().member().Read([&version](const farm::TableReplica& replica) {
      const farm::Site* site = replica.ledger().sites().Find("films");
      if (site != nullptr) version = site->version;
    });
    return version;
  }

  SeededRandom random_{2};
  TestFarm farm_;
  std::unique_ptr<Orders> orders_;
};

// ---- Sites.

TEST_F(OrdersTest, AnAppliedSiteIsServedByEveryEngineThatIsThere) {
  const auto north = farm_.Join("north-1");
  const auto applied = orders_->ApplySite("films.yaml", kFilms, "ann", false);
  ASSERT_TRUE(applied.ok()) << applied.status().ToString();
  EXPECT_EQ(applied->site.version, 1u);
  EXPECT_TRUE(applied->away.empty());
  EXPECT_EQ(VersionTold(), 1u);
}

TEST_F(OrdersTest, ADryRunChangesNothing) {
  const auto looked = orders_->ApplySite("films.yaml", kFilms, "ann", true);
  ASSERT_TRUE(looked.ok()) << looked.status().ToString();
  EXPECT_FALSE(farm_.control().sites().Find("films", 0).ok());
  EXPECT_EQ(VersionTold(), 0u);
}

TEST_F(OrdersTest, ASiteThatSomeMemberWouldNotUnderstandIsRefused) {
  const std::string delegated = std::string(kFilms) + "choice: delegate\n";
  auto old = farm_.Join("north-1", 1, 1);
  ASSERT_TRUE(Eventually([&] { return farm_.control().member().spoken_version() == 1; }));
  const auto refused = orders_->ApplySite("films.yaml", delegated, "ann", false);
  EXPECT_EQ(refused.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_FALSE(farm_.control().sites().Find("films", 0).ok());
  old.reset();
  ASSERT_TRUE(Eventually([&] { return farm_.control().member().spoken_version() == 2; }));
  const auto applied = orders_->ApplySite("films.yaml", delegated, "ann", false);
  EXPECT_TRUE(applied.ok()) << applied.status().ToString();
  EXPECT_EQ(VersionTold(), 1u);
}

// It came from elsewhere: the store has it, whatever members speak.
TEST_F(OrdersTest, ASiteThatIsNotUnderstoodYetKeepsNothingElseFromBeingTold) {
  auto old = farm_.Join("north-1", 1, 1);
  ASSERT_TRUE(Eventually([&] { return farm_.control().member().spoken_version() == 1; }));
  farm::Site anew;
  anew.name = "anew";
  anew.hosts = {"anew.example"};
  anew.choice = farm::Site::Choice::kDelegate;
  ASSERT_TRUE(farm_.control().sites().Apply(anew, "", "ann").ok());
  farm::Site films;
  films.name = "films";
  films.hosts = {"films.example"};
  ASSERT_TRUE(farm_.control().sites().Apply(films, "", "ann").ok());
  farm_.control().Tell();
  EXPECT_TRUE(Eventually([&] { return VersionTold() == 1; }));
  const auto is_told = [&] {
    bool told = false;
    farm_.control().member().Read([&told](const farm::TableReplica& replica) {
      told = replica.ledger().sites().Find("anew") != nullptr;
    });
    return told;
  };
  EXPECT_FALSE(is_told());
  old.reset();
  EXPECT_TRUE(Eventually(is_told)) << "as soon as all understand it";
}

TEST_F(OrdersTest, ASiteThatAServerRefusesIsAsItWasBefore) {
  const auto north = farm_.Join("north-1");
  ApplyFilms();
  north->SetProblem("nginx: unknown directive");
  const auto refused = orders_->ApplySite("films.yaml", kFilmsLonger, "ann", false);
  EXPECT_EQ(refused.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(MessageOf(refused.status()).find("unknown directive"), std::string::npos);
  EXPECT_EQ(farm_.control().sites().Find("films", 0)->yaml, kFilms);
  EXPECT_EQ(VersionTold(), 3u) << "the version before, as a new one";
}

TEST_F(OrdersTest, WhoDoesNotAnswerIsNamed) {
  const auto north = farm_.Join("north-1");
  north->SetSilent(true);
  const auto applied = orders_->ApplySite("films.yaml", kFilms, "ann", false);
  ASSERT_TRUE(applied.ok()) << applied.status().ToString();
  EXPECT_EQ(applied->away, std::vector<std::string>{"north-1"});
}

TEST_F(OrdersTest, ARemovedSiteIsGoneEverywhere) {
  ApplyFilms();
  EXPECT_TRUE(orders_->RemoveSite("films").ok());
  EXPECT_EQ(VersionTold(), 0u);
  EXPECT_EQ(orders_->RemoveSite("films").code(), StatusCode::kNotFound);
  EXPECT_EQ(orders_->Purge({kUri}, "ann").status().code(), StatusCode::kNotFound);
}

// ---- Purges.

TEST_F(OrdersTest, APurgeIsConfirmedByEveryEngine) {
  const auto north = farm_.Join("north-1");
  const auto south = farm_.Join("south-1");
  ApplyFilms();
  const auto purged = orders_->Purge({kUri, kUri, "http://FILMS.example:80/b"}, "ann");
  ASSERT_TRUE(purged.ok()) << purged.status().ToString();
  ASSERT_EQ(purged->size(), 1u);
  const Orders::PurgeOutcome& films = purged->front();
  EXPECT_EQ(films.position, 1u);
  EXPECT_EQ(films.uris, (std::vector<std::string>{kUri, "http://films.example/b"}));
  ASSERT_EQ(films.engines.size(), 2u);
  for (const Orders::PurgeConfirmation& engine : films.engines) {
    EXPECT_TRUE(engine.confirmed) << engine.engine << ": " << engine.problem;
    EXPECT_EQ(engine.dropped, 2u);
  }
}

TEST_F(OrdersTest, APurgeSaysWhoCouldNotAndWhoWasAway) {
  const auto north = farm_.Join("north-1");
  auto south = farm_.Join("south-1");
  ApplyFilms();
  north->SetProblem("the disk is read-only");
  south.reset();
  ASSERT_TRUE(Eventually([this] { return farm_.control().member().view().members.size() == 2; }));
  const auto purged = orders_->Purge({kUri}, "ann");
  ASSERT_TRUE(purged.ok()) << purged.status().ToString();
  ASSERT_EQ(purged->front().engines.size(), 2u);
  EXPECT_FALSE(purged->front().engines[0].confirmed);
  EXPECT_EQ(purged->front().engines[0].problem, "the disk is read-only");
  EXPECT_EQ(purged->front().engines[1].engine, "south-1");
  EXPECT_FALSE(purged->front().engines[1].confirmed);
}

// One that was cut off serves what it has until it notices.
TEST_F(OrdersTest, APurgeIsNotAnsweredBeforeWhoWasCutOffServesNothing) {
  const auto north = farm_.Join("north-1");
  auto south = farm_.Join("south-1");
  ApplyFilms();
  south.reset();
  ASSERT_TRUE(Eventually([this] { return farm_.control().member().view().members.size() == 2; }));
  Orders::Limits limits;
  limits.closes = std::chrono::seconds(2);
  Orders orders(farm_.control(), random_, limits);
  const farm::EngineId away = farm_.control().registrar().Find("south-1")->info.id;
  ASSERT_LT(farm_.control().AwayFor(away), limits.closes);
  ASSERT_TRUE(orders.Purge({kUri}, "ann").ok());
  EXPECT_GE(farm_.control().AwayFor(away), limits.closes);
  orders.SetPurgeWait(milliseconds(10));
  ASSERT_TRUE(orders.Purge({kUri}, "ann").ok()) << "no longer than it may wait";
}

TEST_F(OrdersTest, ThePurgesWaitCanBeChangedWhileItRuns) {
  const auto north = farm_.Join("north-1");
  ApplyFilms();
  north->SetSilent(true);
  orders_->SetPurgeWait(milliseconds(50));
  const auto begun = std::chrono::steady_clock::now();
  const auto purged = orders_->Purge({kUri}, "ann");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(9));  // The default: 10.
  ASSERT_TRUE(purged.ok()) << purged.status().ToString();
  EXPECT_FALSE(purged->front().engines[0].confirmed);
}

TEST_F(OrdersTest, APurgeThatIsNotUnderstoodPurgesNothing) {
  ApplyFilms();
  EXPECT_EQ(orders_->Purge({}, "ann").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(orders_->Purge({kUri, "films.example"}, "ann").status().code(),
            StatusCode::kInvalidArgument);
  const auto unknown = orders_->Purge({kUri, "http://music.example/a"}, "ann");
  EXPECT_EQ(unknown.status().code(), StatusCode::kNotFound);
  EXPECT_NE(MessageOf(unknown.status()).find("music.example"), std::string::npos);
  const auto entries = farm_.control().purges().After("films", 0);
  ASSERT_TRUE(entries.ok());
  EXPECT_TRUE(entries->empty());
}

// ---- Engines.

TEST_F(OrdersTest, ADrainedEngineIsMarkedAtAll) {
  const auto north = farm_.Join("north-1");
  const farm::EngineId id = north->engine().info.id;
  const auto draining = [&] {
    bool is = false;
    farm_.control().member().Read(
        [&](const farm::TableReplica& replica) { is = replica.table().Find(id)->draining; });
    return is;
  };
  ASSERT_TRUE(orders_->Drain("north-1", true).ok());
  EXPECT_TRUE(draining());
  EXPECT_TRUE(farm_.control().registrar().Find("north-1")->draining);
  ASSERT_TRUE(orders_->Drain("north-1", false).ok());
  EXPECT_FALSE(draining());
  EXPECT_EQ(orders_->Drain("north-2", true).code(), StatusCode::kNotFound);
}

TEST_F(OrdersTest, OnlyAnEngineThatIsStoppedIsRemoved) {
  auto north = farm_.Join("north-1");
  EXPECT_EQ(orders_->RemoveEngine("north-1").code(), StatusCode::kFailedPrecondition);
  north.reset();
  EXPECT_TRUE(Eventually([this] { return orders_->RemoveEngine("north-1").ok(); }));
  EXPECT_EQ(orders_->RemoveEngine("north-1").code(), StatusCode::kNotFound);
}

TEST_F(OrdersTest, VerifyNamesWhoDiffers) {
  const auto north = farm_.Join("north-1");
  const auto south = farm_.Join("south-1");
  auto found = orders_->Verify();
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_TRUE(found->equal);
  south->SetLying(true);
  found = orders_->Verify();
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_FALSE(found->equal);
  ASSERT_EQ(found->members.size(), 2u);
  EXPECT_TRUE(found->members[0].equal);
  EXPECT_FALSE(found->members[1].equal);
  EXPECT_TRUE(Eventually(
      [this] { return farm_.control().Differing() == std::vector<std::string>{"south-1"}; }));
}

}  // namespace
}  // namespace strata::manager::control
