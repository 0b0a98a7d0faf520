#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/simulation/federation/catalogue.h"
#include "tests/simulation/federation/plan.h"
#include "tests/simulation/federation/policy_plan.h"
#include "tests/simulation/federation/store.h"
#include "tests/simulation/federation/stream.h"
#include "tests/simulation/federation/truth.h"

namespace strata::simulation::federation {
namespace {

using manager::directory::kLibrary;
using std::chrono::milliseconds;

constexpr farm::ContentKey kKey{1, 2};
const HolderName kNorth{"lan-a", "north"};
const HolderName kSouth{"lan-b", "south"};

Content Film() {
  return {.key = kKey, .uri = "http://films.example/a/1", .site = "films", .size = 1};
}

// ---- Store

StoreBatch PutBy(Holder holder, const HolderName& name) {
  return {NameHolder{holder, name}, PutCopy{kKey, holder, kLibrary, 1, "http://a.example/"}};
}

TEST(StoreTest, ALossOfPowerForgetsWhatWasNotSynced) {
  Store store;
  store.Write(PutBy(Holder(1), kNorth));
  store.Write(PutBy(Holder(2), kSouth));
  store.SyncUpTo(1);
  EXPECT_EQ(store.state().KnowledgeOf(), (Knowledge{{kKey, {{kNorth, 1}, {kSouth, 1}}}}));
  store.LosePower();
  EXPECT_EQ(store.state().KnowledgeOf(), (Knowledge{{kKey, {{kNorth, 1}}}}));
  EXPECT_EQ(store.written(), 1U);
  EXPECT_EQ(store.synced(), 1U);
}

TEST(StoreTest, AContentGoesWithItsLastCopy) {
  Store store;
  store.Write(PutBy(Holder(1), kNorth));
  store.Write({RemoveCopy{kKey, Holder(1)}});
  EXPECT_TRUE(store.state().contents.empty());
}

TEST(StoreTest, WhatIsBentIsBentDurably) {
  Store store;
  store.Write(PutBy(Holder(1), kNorth));
  store.SyncUpTo(1);
  store.Bend({RemoveCopy{kKey, Holder(1)}});
  store.LosePower();
  EXPECT_TRUE(store.state().contents.empty());
}

// ---- Stream

class StreamTest : public testing::Test {
 protected:
  void Run() {
    while (queue_.RunOne(queue_.now() + std::chrono::seconds(10))) {
    }
  }

  EventQueue queue_;
  SeededRandom random_{7};
  std::shared_ptr<Stream> stream_ = std::make_shared<Stream>(queue_, random_, milliseconds(20));
  std::vector<int> arrived_;
};

TEST_F(StreamTest, WhatIsSentArrivesInOrder) {
  std::vector<int> sent;
  for (int i = 0; i < 50; ++i) {
    sent.push_back(i);
    stream_->Send(Stream::Direction::kUp, [this, i] { arrived_.push_back(i); });
  }
  Run();
  EXPECT_EQ(arrived_, sent);
}

TEST_F(StreamTest, ACutLetsAPrefixArriveAndTellsBothEnds) {
  int told = 0;
  stream_->OnCut(Stream::Direction::kUp, [&told] { ++told; });
  stream_->OnCut(Stream::Direction::kDown, [&told] { ++told; });
  for (int i = 0; i < 50; ++i) {
    queue_.After(milliseconds(i), [this, i] {
      stream_->Send(Stream::Direction::kUp, [this, i] { arrived_.push_back(i); });
    });
  }
  queue_.After(milliseconds(25), [this] { stream_->Cut(milliseconds(5)); });
  Run();
  EXPECT_LT(arrived_.size(), 26U);
  for (size_t i = 0; i < arrived_.size(); ++i) EXPECT_EQ(arrived_[i], static_cast<int>(i));
  EXPECT_EQ(told, 2);
}

TEST_F(StreamTest, WhoClosesHearsNothingMore) {
  int told = 0;
  stream_->OnCut(Stream::Direction::kDown, [&told] { ++told; });
  stream_->Send(Stream::Direction::kUp, [this] { arrived_.push_back(1); });
  stream_->Close(Stream::Direction::kDown, milliseconds(5));
  Run();
  EXPECT_TRUE(arrived_.empty());
  EXPECT_EQ(told, 0);
}

// ---- The policy, written again.

TEST(PolicyPlanTest, TheFirstRuleThatMatchesACopyCounts) {
  const PolicyPlan policy = {
      {.site = "films", .folder = "", .library = true, .forward = Forwarding::kScope},
      {.site = "films", .folder = "b", .library = {}, .forward = Forwarding::kFull},
      {.site = "films", .folder = "", .library = {}, .forward = Forwarding::kNone}};
  const Copies copies = {{kNorth, kLibrary}, {kSouth, 0}};
  EXPECT_EQ(ProjectionOf(policy, "dc-a", Film(), copies), (Copies{{{"dc-a", ""}, kLibrary}}));
  EXPECT_EQ(ProjectionOf({}, "dc-a", Film(), copies), copies);
}

TEST(PolicyPlanTest, TheFlagsOfAScopeAreThoseOfItsCopiesTogether) {
  const PolicyPlan policy = {
      {.site = "", .folder = "", .library = {}, .forward = Forwarding::kScope}};
  const Copies copies = {{kNorth, kLibrary}, {kSouth, manager::directory::kComplete}};
  EXPECT_EQ(ProjectionOf(policy, "dc-a", Film(), copies), (Copies{{{"dc-a", ""}, 3}}));
}

// ---- Plans and the truth.

TEST(PlanTest, EverySeedIsATreeWithFarms) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Plan plan = Plan::Draw(seed);
    size_t farms = 0;
    for (size_t at = 0; at < plan.scopes.size(); ++at) {
      const ScopePlan& scope = plan.scopes[at];
      EXPECT_EQ(scope.parent.has_value(), at > 0) << "seed " << seed;
      if (scope.parent) {
        EXPECT_LT(*scope.parent, at) << "seed " << seed;
        EXPECT_GT(plan.scopes[*scope.parent].level, scope.level) << "seed " << seed;
      }
      EXPECT_EQ(scope.engines.empty(), scope.level > 1) << "seed " << seed;
      farms += plan.IsFarm(at) ? 1 : 0;
    }
    EXPECT_GT(farms, 0U) << "seed " << seed;
  }
}

TEST(CatalogueTest, SeveralContentsShareARange) {
  SeededRandom random(3);
  const auto contents = DrawCatalogue(random, 30);
  ASSERT_EQ(contents.size(), 30U);
  std::set<uint64_t> ranges;
  for (const Content& content : contents) ranges.insert(content.key.high >> 52);
  EXPECT_LE(ranges.size(), 6U);
}

TEST(TruthTest, EachLevelShallKnowWhatTheOneBelowTells) {
  Plan plan = Plan::Draw(0);
  ASSERT_EQ(plan.profile, Profile::kSeedTwo);
  Truth truth(plan);
  const Content& film = plan.catalogue.front();
  const HolderName engine{"cdn-two/dc-three/lan-a", "engine-1"};
  const size_t farm = plan.scopes.size() - 1;
  truth.Set(farm, film.key, engine, kLibrary);
  EXPECT_EQ(truth.ExpectedAt(0), (Knowledge{{film.key, {{{"cdn-two", ""}, kLibrary}}}}));
  EXPECT_EQ(truth.ExpectedAt(*plan.scopes[farm].parent),
            (Knowledge{{film.key, {{engine, kLibrary}}}}));
  EXPECT_EQ(truth.ExpectedAt(1), Knowledge{}) << "CDN one";
  truth.Set(farm, film.key, engine, {});
  EXPECT_EQ(truth.ExpectedAt(0), Knowledge{});
}

TEST(KnowledgeTest, ADifferenceIsTold) {
  const Knowledge one = {{kKey, {{kNorth, 1}}}};
  EXPECT_EQ(DifferenceOf(one, one), "");
  EXPECT_NE(DifferenceOf(one, {}), "");
  EXPECT_NE(DifferenceOf({}, one), "");
  EXPECT_NE(DifferenceOf({{kKey, {{kNorth, 2}}}}, one), "");
}

}  // namespace
}  // namespace strata::simulation::federation
