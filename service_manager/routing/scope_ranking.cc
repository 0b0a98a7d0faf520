#include "service_manager/routing/scope_ranking.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "common/bytes.h"
#include "farm/weighted_draw.h"

namespace strata::manager::routing {
namespace {

// Health, load, proximity: lower is better.
auto ClassOf(const ScopeCard& card) { return std::tuple(card.status, card.overloaded, !card.near); }

bool Better(const RankedCard& a, const RankedCard& b) {
  return std::tuple(ClassOf(a.card), a.card.load_factor, a.card.identity) <
         std::tuple(ClassOf(b.card), b.card.load_factor, b.card.identity);
}

// The first of the ranked that are as good as the best.
std::span<RankedCard> GoodOf(std::vector<RankedCard>& ranked) {
  const auto best = ClassOf(ranked.front().card);
  const auto end = std::find_if(ranked.begin(), ranked.end(), [&best](const RankedCard& each) {
    return ClassOf(each.card) != best;
  });
  return {ranked.begin(), end};
}

void DrawFirst(uint64_t draw, std::vector<RankedCard>& ranked) {
  const std::span<RankedCard> good = GoodOf(ranked);
  // Where somebody's bandwidth is unknown engines are counted.
  const bool sized = std::all_of(good.begin(), good.end(), [](const RankedCard& each) {
    return each.card.free_bandwidth > 0;
  });
  absl::InlinedVector<double, 16> chances;
  for (const RankedCard& each : good) {
    chances.push_back(sized ? static_cast<double>(each.card.free_bandwidth)
                            : each.card.free_engines);
  }
  const size_t drawn = farm::DrawByWeight({chances.data(), chances.size()}, draw);
  for (size_t i = 0; i < good.size(); ++i) good[i].chance = chances[i];
  std::rotate(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(drawn),
              good.begin() + static_cast<std::ptrdiff_t>(drawn) + 1);
}

uint64_t FillWeight(const farm::ContentKey& key, uint64_t identity) {
  std::array<uint8_t, farm::ContentKey::kBytes + 8> bytes;
  ByteWriter out(bytes);
  Encode(key, out);
  out.U64(identity);
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace

ScopeCard CardOfScope(uint64_t identity, const ScopeLoad& load, bool fresh) {
  ScopeCard card;
  card.identity = identity;
  if (load.Serves()) card.status = fresh ? farm::EngineStatus::kUp : farm::EngineStatus::kStale;
  card.overloaded = load.IsOverloaded();
  card.load_factor = load.mean;
  card.free_bandwidth = load.free_bandwidth;
  card.free_engines = load.engines * farm::FreeShare(load.mean);
  return card;
}

ScopeCard CardOfEngine(uint64_t identity, const ScopeLoad& load, bool fresh,
                       const ImpairedEngine* impaired) {
  ScopeCard card = CardOfScope(identity, load, fresh);
  if (load.Serves()) {
    card.free_engines /= load.engines;
    if (card.free_bandwidth > 0) {
      card.free_bandwidth = std::max<uint64_t>(1, card.free_bandwidth / load.engines);
    }
  }
  if (impaired != nullptr) {  // Perhaps one that drains, of a farm where nobody serves.
    card.status =
        std::max(fresh ? farm::EngineStatus::kUp : farm::EngineStatus::kStale, impaired->status);
    card.overloaded = card.overloaded || impaired->overloaded;
  }
  return card;
}

void RankCards(std::span<const ScopeCard> cards, bool spread, uint64_t draw,
               std::vector<RankedCard>& ranked) {
  ranked.clear();
  for (const ScopeCard& card : cards) {
    if (card.status != farm::EngineStatus::kDown) ranked.push_back({.card = card, .chance = 0});
  }
  if (ranked.empty()) return;
  std::sort(ranked.begin(), ranked.end(), Better);
  if (spread) {
    DrawFirst(draw, ranked);
  } else {
    ranked.front().chance = 1;
  }
}

void RankToFill(const farm::ContentKey& key, std::span<const ScopeCard> cards,
                std::vector<RankedCard>& ranked) {
  absl::InlinedVector<std::pair<uint64_t, const ScopeCard*>, 16> weighted;
  for (const ScopeCard& card : cards) {
    if (card.Serves()) weighted.emplace_back(FillWeight(key, card.identity), &card);
  }
  std::sort(weighted.begin(), weighted.end(), [](const auto& a, const auto& b) {
    return std::tuple(ClassOf(*a.second), b.first) < std::tuple(ClassOf(*b.second), a.first);
  });
  ranked.clear();
  for (const auto& [weight, card] : weighted) ranked.push_back({.card = *card, .chance = 0});
  if (!ranked.empty()) ranked.front().chance = 1;
}

}  // namespace strata::manager::routing
