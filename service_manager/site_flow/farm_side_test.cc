#include "service_manager/site_flow/farm_side.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "farm/content_identity.h"
#include "service_manager/control/test_farm.h"
#include "service_manager/site_flow/flow_state.h"

// A site from above in a real farm: one manager, engines without servers.

namespace strata::manager::site_flow {
namespace {

using control::testing::Eventually;
using control::testing::TestFarm;

const bool kPrivateNetwork = TestFarm::EnterNetwork();

constexpr char kOwn[] = "cdn-one/lan-a";

class FarmSideTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kPrivateNetwork) GTEST_SKIP() << "needs a network namespace";
  }
  ~FarmSideTest() override { End(); }

  void Begin() {
    farm_.Start();
    side_ = std::make_unique<FarmSide>(farm_.control());
    FlowState::Options options;
    options.own = {.scope = kOwn, .level = 1};
    options.farm = side_.get();
    state_ = std::make_unique<FlowState>(std::move(options), farm_.control().sites(),
                                         farm_.control().purges());
    state_->Lead();
    side_->Start([this](const std::string& site) { state_->OnEngines(site); });
  }
  void End() {
    if (side_ != nullptr) side_->Stop();
    state_.reset();
    side_.reset();
    farm_.Stop();
  }
  void TakeSite(uint64_t version) {
    control::SiteVersion films;
    films.site.name = "films";
    films.site.version = version;
    films.site.hosts = {"films.example"};
    films.site.scopes = {"cdn-one"};
    films.home = "cdn-one";
    News news;
    news.site = films;
    const Status taken = state_->TakeNews("cdn-one", news);
    ASSERT_TRUE(taken.ok()) << ToString(taken);
  }
  void TakePurge(uint64_t position) {
    News news;
    news.purges = PurgeNews{.site = "films", .entries = {}};
    news.purges->entries.push_back(
        {.purged = {"films", position, {farm::KeyOf("http://films.example/a")}},
         .uris = {"http://films.example/a"},
         .ordered_by = "ann",
         .at_ms = 0});
    const Status taken = state_->TakeNews("cdn-one", news);
    ASSERT_TRUE(taken.ok()) << ToString(taken);
  }
  bool AwaitRow(uint32_t serving, uint32_t applied) {
    return Eventually([&] {
      const auto rows = state_->RowsOf("films");
      return rows.size() == 1 && rows.front().serving == serving && rows.front().applied == applied;
    });
  }

  TestFarm farm_;
  std::unique_ptr<FarmSide> side_;
  std::unique_ptr<FlowState> state_;
};

TEST_F(FarmSideTest, WhatComesFromAboveIsDoneByTheEngines) {
  Begin();
  const auto north = farm_.Join("north");
  const auto south = farm_.Join("south", 2);
  TakeSite(7);
  ASSERT_TRUE(AwaitRow(2, 2));
  farm_.control().member().Read([](const farm::TableReplica& replica) {
    const farm::Site* site = replica.ledger().sites().Find("films");
    ASSERT_NE(site, nullptr);
    EXPECT_EQ(site->version, 7U) << "the number of its home";
    EXPECT_TRUE(site->scopes.empty());
  });
  TakePurge(40);
  ASSERT_TRUE(AwaitRow(2, 2));
  EXPECT_EQ(state_->RowsOf("films").front().all_up_to, 40U);
  south->SetProblem("disk full");
  TakePurge(41);
  ASSERT_TRUE(AwaitRow(2, 1));
  ASSERT_TRUE(Eventually([&] {
    const auto rows = state_->RowsOf("films");
    return rows.front().behind.size() == 1 && rows.front().behind.front().problem == "disk full";
  }));
  News removed;
  removed.removed = "films";
  ASSERT_TRUE(state_->TakeNews("cdn-one", removed).ok());
  EXPECT_TRUE(state_->RowsOf("films").empty());
  farm_.control().member().Read([](const farm::TableReplica& replica) {
    EXPECT_EQ(replica.ledger().sites().Find("films"), nullptr);
  });
}

TEST_F(FarmSideTest, AfterARestartOfItsManagerTheFarmIsKnownSoon) {
  Begin();
  auto north = farm_.Join("north");
  TakeSite(7);
  TakePurge(40);
  ASSERT_TRUE(AwaitRow(1, 1));
  side_->Stop();
  state_.reset();
  side_ = std::make_unique<FarmSide>(farm_.control());
  FlowState::Options options;
  options.own = {.scope = kOwn, .level = 1};
  options.farm = side_.get();
  state_ = std::make_unique<FlowState>(std::move(options), farm_.control().sites(),
                                       farm_.control().purges());
  state_->Lead();
  EXPECT_EQ(state_->RowsOf("films").front().applied, 0U) << "nobody has said anything yet";
  side_->Start([this](const std::string& site) { state_->OnEngines(site); });
  EXPECT_TRUE(AwaitRow(1, 1));
}

}  // namespace
}  // namespace strata::manager::site_flow
