#include "farm/director.h"

#include "absl/container/inlined_vector.h"

namespace strata::farm {

EngineCard Director::Judge(const Row& row, Timestamp now) const {
  return CardOf(row, table_.StatusOf(row, now), settings_);
}

std::vector<Candidate> Director::Holders(const ContentKey& key, uint64_t draw, Timestamp now,
                                         std::optional<EngineId> except) const {
  std::vector<Candidate> candidates;
  const StateTable::Holders* holders = table_.FindHolders(key);
  if (holders == nullptr) return candidates;
  absl::InlinedVector<EngineCard, 8> cards;
  for (const EngineId engine : *holders) {
    const Asset& asset = *table_.FindAsset(engine, key);
    if (engine == except || !asset.complete || table_.ExpiryOf(engine, key) <= now) continue;
    EngineCard card = Judge(*table_.Find(engine), now);
    // What came from an origin can come from there again.
    const bool cached = asset.kind == AssetKind::kCache;
    if (card.status != EngineStatus::kDraining || !cached) cards.push_back(card);
  }
  absl::InlinedVector<const EngineCard*, 8> pointers;
  for (const EngineCard& card : cards) pointers.push_back(&card);
  RankHolders({pointers.data(), pointers.size()}, settings_.spread, draw, candidates);
  if (candidates.empty()) {
    RankDraining({pointers.data(), pointers.size()}, settings_.spread, draw, candidates);
  }
  return candidates;
}

std::vector<Candidate> Director::Rank(const std::vector<EngineId>& holders, uint64_t draw,
                                      Timestamp now) const {
  std::vector<EngineCard> cards;
  for (const EngineId engine : holders) {
    if (const Row* row = table_.Find(engine); row != nullptr) cards.push_back(Judge(*row, now));
  }
  std::vector<const EngineCard*> pointers;
  pointers.reserve(cards.size());
  for (const EngineCard& card : cards) pointers.push_back(&card);
  std::vector<Candidate> candidates;
  RankHolders({pointers.data(), pointers.size()}, settings_.spread, draw, candidates);
  if (candidates.empty()) {
    RankDraining({pointers.data(), pointers.size()}, settings_.spread, draw, candidates);
  }
  return candidates;
}

std::vector<Candidate> Director::Fillers(const ContentKey& key, Timestamp now) const {
  std::vector<EngineCard> cards;
  cards.reserve(table_.rows().size());
  for (const auto& [id, row] : table_.rows()) cards.push_back(Judge(row, now));
  std::vector<Candidate> candidates;
  RankFillers(key, cards, candidates);
  return candidates;
}

}  // namespace strata::farm
