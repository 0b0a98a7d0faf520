#include "service_manager/routing/scope_ranking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "common/random.h"
#include "farm/content_identity.h"

namespace strata::manager::routing {
namespace {

using farm::EngineStatus;

ScopeCard Card(uint64_t identity, double load = 0, uint64_t free = 100) {
  ScopeCard card;
  card.identity = identity;
  card.status = EngineStatus::kUp;
  card.near = true;
  card.load_factor = load;
  card.free_bandwidth = free;
  return card;
}

std::vector<uint64_t> Ranked(const std::vector<ScopeCard>& cards, bool spread = false,
                             uint64_t draw = 0) {
  std::vector<RankedCard> ranked;
  RankCards(cards, spread, draw, ranked);
  std::vector<uint64_t> identities;
  for (const RankedCard& each : ranked) identities.push_back(each.card.identity);
  return identities;
}

using Order = std::vector<uint64_t>;

TEST(ScopeRankingTest, HealthGoesBeforeLoadBeforeProximity) {
  ScopeCard best = Card(1, 0.9);
  ScopeCard far = Card(2, 0.1);
  far.near = false;
  ScopeCard overloaded = Card(3, 0.1);
  overloaded.overloaded = true;
  ScopeCard degraded = Card(4, 0.1);
  degraded.status = EngineStatus::kDegraded;
  ScopeCard stale = Card(5, 0.1);
  stale.status = EngineStatus::kStale;
  ScopeCard draining = Card(6, 0.1);
  draining.status = EngineStatus::kDraining;
  ScopeCard down = Card(7);
  down.status = EngineStatus::kDown;
  std::vector<ScopeCard> cards = {down, draining, stale, degraded, overloaded, far, best};
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Ranked(cards, true, static_cast<uint64_t>(i) << 59), (Order{1, 2, 3, 4, 5, 6}));
    std::rotate(cards.begin(), cards.begin() + 1, cards.end());
  }
  cards = {down};
  EXPECT_TRUE(Ranked(cards, true).empty());
  EXPECT_TRUE(Ranked({}, true).empty());
}

TEST(ScopeRankingTest, TheRestFollowsByLoadThenByIdentity) {
  EXPECT_EQ(Ranked({Card(9, 0.5), Card(7, 0.2), Card(3, 0.5), Card(8, 0.1)}), (Order{8, 7, 3, 9}));
}

TEST(ScopeRankingTest, DrawsAsFreeCapacitySays) {
  constexpr uint64_t kSeed = 11;
  constexpr int kDraws = 100'000;
  SCOPED_TRACE(kSeed);
  SeededRandom random(kSeed);
  ScopeCard far = Card(4, 0, 1'000'000);
  far.near = false;
  std::vector<ScopeCard> cards = {Card(1, 0.5, 100), Card(2, 0.9, 300), Card(3, 0.1, 600), far};
  const auto shares = [&] {
    std::map<uint64_t, double> first;
    for (int i = 0; i < kDraws; ++i) first[Ranked(cards, true, random.Next()).front()] += 1;
    return first;
  };
  std::map<uint64_t, double> first = shares();
  EXPECT_NEAR(first[1], kDraws * 0.1, kDraws * 0.01);
  EXPECT_NEAR(first[2], kDraws * 0.3, kDraws * 0.01);
  EXPECT_NEAR(first[3], kDraws * 0.6, kDraws * 0.01);
  EXPECT_EQ(first.count(4), 0u);
  // One bandwidth is unknown: free engines count.
  cards[0].free_bandwidth = 0;
  cards[0].free_engines = 2;
  cards[1].free_engines = 1;
  cards[2].free_engines = 1;
  first = shares();
  EXPECT_NEAR(first[1], kDraws * 0.5, kDraws * 0.01);
  EXPECT_NEAR(first[2], kDraws * 0.25, kDraws * 0.01);
}

TEST(ScopeRankingTest, ChancesAreThoseOfTheDraw) {
  std::vector<RankedCard> ranked;
  RankCards(std::vector{Card(1, 0, 100), Card(2, 0, 300)}, true, UINT64_MAX, ranked);
  EXPECT_EQ(ranked[0].card.identity, 2u);
  EXPECT_DOUBLE_EQ(ranked[0].chance, 0.75);
  EXPECT_DOUBLE_EQ(ranked[1].chance, 0.25);
  RankCards(std::vector{Card(1), Card(2)}, false, UINT64_MAX, ranked);
  EXPECT_EQ(ranked[0].card.identity, 1u);
  EXPECT_DOUBLE_EQ(ranked[0].chance, 1);
}

TEST(ScopeRankingTest, WhatNobodyHoldsGoesToTheSameScopeUntilItFails) {
  std::vector<ScopeCard> cards;
  for (uint64_t identity = 1; identity <= 5; ++identity) cards.push_back(Card(identity));
  std::map<uint64_t, int> first;
  for (int i = 0; i < 1000; ++i) {
    const farm::ContentKey key = farm::KeyOf("http://a/" + std::to_string(i));
    std::vector<RankedCard> ranked;
    RankToFill(key, cards, ranked);
    ASSERT_EQ(ranked.size(), 5u);
    const uint64_t before = ranked[0].card.identity;
    ++first[before];
    std::vector<ScopeCard> others = cards;
    others[ranked[1].card.identity - 1].status = EngineStatus::kDown;
    std::vector<RankedCard> again;
    RankToFill(key, others, again);
    EXPECT_EQ(again[0].card.identity, before);
    others[before - 1].status = EngineStatus::kDraining;
    RankToFill(key, others, again);
    EXPECT_EQ(again[0].card.identity, ranked[2].card.identity);
    others = cards;
    others[before - 1].near = false;
    RankToFill(key, others, again);
    EXPECT_EQ(again.back().card.identity, before);
  }
  for (const auto& [identity, count] : first) EXPECT_NEAR(count, 200, 60) << identity;
}

constexpr ScopeLoad kLoad = {
    .engines = 4, .overloaded = 1, .free_bandwidth = 1000, .worst = 1, .mean = 0.5};

TEST(ScopeCardTest, AScopeIsWhatItsLoadSays) {
  const ScopeCard card = CardOfScope(7, kLoad, true);
  EXPECT_EQ(card.status, EngineStatus::kUp);
  EXPECT_FALSE(card.overloaded);
  EXPECT_EQ(card.free_bandwidth, 1000u);
  EXPECT_DOUBLE_EQ(card.free_engines, 2);
  EXPECT_EQ(CardOfScope(7, kLoad, false).status, EngineStatus::kStale);
  EXPECT_EQ(CardOfScope(7, ScopeLoad(), true).status, EngineStatus::kDown);
}

TEST(ScopeCardTest, AnEngineIsAnAverageOneUnlessItsFarmSaysOtherwise) {
  const ScopeCard card = CardOfEngine(7, kLoad, true, nullptr);
  EXPECT_EQ(card.free_bandwidth, 250u);
  EXPECT_DOUBLE_EQ(card.free_engines, 0.5);
  const ImpairedEngine busy = {.name = "e", .status = EngineStatus::kUp, .overloaded = true};
  EXPECT_TRUE(CardOfEngine(7, kLoad, true, &busy).overloaded);
  const ImpairedEngine down = {.name = "e", .status = EngineStatus::kDown, .overloaded = false};
  EXPECT_EQ(CardOfEngine(7, kLoad, true, &down).status, EngineStatus::kDown);
  EXPECT_EQ(CardOfEngine(7, ScopeLoad(), true, nullptr).status, EngineStatus::kDown);
  const ImpairedEngine draining = {
      .name = "e", .status = EngineStatus::kDraining, .overloaded = false};
  EXPECT_EQ(CardOfEngine(7, ScopeLoad(), true, &draining).status, EngineStatus::kDraining);
}

}  // namespace
}  // namespace strata::manager::routing
