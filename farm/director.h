#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/time.h"
#include "farm/content_key.h"
#include "farm/ranking.h"
#include "farm/state_table.h"

namespace strata::farm {

// Decides which engine serves a request; any member of the farm can be the director, and all decide
// alike (seed 1: claim 1 of US 7,912,954). A function of the state table and the request alone.
class Director {
 public:
  Director(const StateTable& table, const DirectorSettings& settings)
      : table_(table), settings_(settings) {}

  // The holders of `key` as RankHolders orders them; without `except`, and without copies that have
  // expired or are partial. Draining engines if only they have it, in their libraries.
  std::vector<Candidate> Holders(const ContentKey& key, uint64_t draw, Timestamp now,
                                 std::optional<EngineId> except = std::nullopt) const;

  // The same for holders that somebody else has named: draining engines only if they have it in
  // their libraries.
  std::vector<Candidate> Rank(const std::vector<EngineId>& holders, uint64_t draw,
                              Timestamp now) const;

  // Who fetches `key` when nobody holds it, as RankFillers orders them.
  std::vector<Candidate> Fillers(const ContentKey& key, Timestamp now) const;

 private:
  EngineCard Judge(const Row& row, Timestamp now) const;

  const StateTable& table_;
  const DirectorSettings& settings_;
};

}  // namespace strata::farm
