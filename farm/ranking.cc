#include "farm/ranking.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "common/bytes.h"
#include "farm/weighted_draw.h"

namespace strata::farm {
namespace {

Candidate CandidateOf(const EngineCard& card) {
  return {.engine = card.id,
          .status = card.status,
          .load_factor = card.load_factor,
          .overloaded = card.overloaded,
          .chance = 0};
}

// Better ones first; the id settles what is equal, so that all directors agree.
bool Better(const EngineCard* a, const EngineCard* b) {
  if (a->status != b->status) return a->status < b->status;
  if (a->overloaded != b->overloaded) return b->overloaded;
  if (a->load_factor != b->load_factor) return a->load_factor < b->load_factor;
  return a->id < b->id;
}

uint64_t FillWeight(const ContentKey& key, EngineId engine) {
  std::array<uint8_t, ContentKey::kBytes + 4> bytes;
  ByteWriter out(bytes);
  Encode(key, out);
  out.U32(engine.value());
  return XXH3_64bits(bytes.data(), bytes.size());
}

// The first of the ranked that are as good as the best: among them the draw decides.
size_t CountOfGood(const std::vector<Candidate>& ranked) {
  const Candidate& best = ranked.front();
  const auto last = std::find_if(ranked.begin(), ranked.end(), [&best](const Candidate& c) {
    return c.status != best.status || c.overloaded != best.overloaded;
  });
  return static_cast<size_t>(last - ranked.begin());
}

// `sizes` are those of the good ones, in their order.
void DrawFirst(std::span<const EngineCard* const> sizes, uint64_t draw,
               std::vector<Candidate>& ranked) {
  const std::span<Candidate> good(ranked.data(), sizes.size());
  // Where somebody's size is unknown all count alike.
  const bool sized = std::all_of(sizes.begin(), sizes.end(),
                                 [](const EngineCard* card) { return card->bandwidth_out > 0; });
  absl::InlinedVector<double, 16> chances;
  for (const EngineCard* card : sizes) {
    const double size = sized ? static_cast<double>(card->bandwidth_out) : 1;
    chances.push_back(size * FreeShare(card->load_factor));
  }
  const size_t drawn = DrawByWeight({chances.data(), chances.size()}, draw);
  for (size_t i = 0; i < good.size(); ++i) good[i].chance = chances[i];
  const auto first = ranked.begin() + static_cast<std::ptrdiff_t>(drawn);
  std::rotate(ranked.begin(), first, first + 1);
}

}  // namespace

EngineCard CardOf(const Row& row, EngineStatus status, const DirectorSettings& settings) {
  EngineCard card;
  card.id = row.engine.id;
  card.status = status;
  card.load_factor = LoadFactor(row, settings.weights);
  card.overloaded = card.load_factor >= settings.overloaded;
  const uint64_t storage = row.engine.capacity.storage;
  const double room = static_cast<double>(storage) * (1 - settings.fill_room);
  card.has_room = storage == 0 || static_cast<double>(row.load.storage_used) <= room;
  card.bandwidth_out = row.engine.capacity.bandwidth_out;
  return card;
}

namespace {

template <class Wanted>
void RankThose(std::span<const EngineCard* const> holders, const Wanted& wanted, bool spread,
               uint64_t draw, std::vector<Candidate>& ranked) {
  ranked.clear();
  absl::InlinedVector<const EngineCard*, 16> cards;
  for (const EngineCard* card : holders) {
    if (wanted(*card)) cards.push_back(card);
  }
  if (cards.empty()) return;
  std::sort(cards.begin(), cards.end(), Better);
  for (const EngineCard* card : cards) ranked.push_back(CandidateOf(*card));
  if (spread) {
    DrawFirst({cards.data(), CountOfGood(ranked)}, draw, ranked);
  } else {
    ranked.front().chance = 1;
  }
}

}  // namespace

void RankHolders(std::span<const EngineCard* const> holders, bool spread, uint64_t draw,
                 std::vector<Candidate>& ranked) {
  RankThose(
      holders, [](const EngineCard& card) { return card.Serves(); }, spread, draw, ranked);
}

void RankDraining(std::span<const EngineCard* const> holders, bool spread, uint64_t draw,
                  std::vector<Candidate>& ranked) {
  RankThose(
      holders, [](const EngineCard& card) { return card.status == EngineStatus::kDraining; },
      spread, draw, ranked);
}

void RankFillers(const ContentKey& key, std::span<const EngineCard> engines,
                 std::vector<Candidate>& ranked) {
  absl::InlinedVector<std::pair<uint64_t, const EngineCard*>, 16> weighted;
  for (const EngineCard& card : engines) {
    if (card.Serves() && card.has_room) weighted.emplace_back(FillWeight(key, card.id), &card);
  }
  std::sort(weighted.begin(), weighted.end(), [](const auto& a, const auto& b) {
    if (a.second->status != b.second->status) return a.second->status < b.second->status;
    return a.first > b.first;
  });
  ranked.clear();
  for (const auto& [weight, card] : weighted) ranked.push_back(CandidateOf(*card));
}

}  // namespace strata::farm
