#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "farm/content_key.h"
#include "farm/engine.h"
#include "service_manager/routing/scope_load.h"

// Who answers a request above level 1: docs/protocols/federation.md, section 5. What farm/ranking.h
// is to the engines of a farm, this is to engines of many farms and to child scopes. Pure; any
// thread.

namespace strata::manager::routing {

// What the choice has to know of an engine or of a child scope, for one request.
struct ScopeCard {
  size_t place = 0;       // Which one it is; the caller's.
  uint64_t identity = 0;  // The same at each manager of a scope; settles what is equal.
  farm::EngineStatus status = farm::EngineStatus::kDown;  // A scope's is up, stale or down.
  bool overloaded = false;
  bool near = false;  // It is in the client's region.
  double load_factor = 0;
  // What it can take: bits a second, 0 is unknown, and the same counted in idle engines.
  uint64_t free_bandwidth = 0;
  double free_engines = 1;

  bool Serves() const {
    return status != farm::EngineStatus::kDraining && status != farm::EngineStatus::kDown;
  }

  friend bool operator==(const ScopeCard&, const ScopeCard&) = default;
};

// A child scope's, of its load; `fresh`: it was heard of lately.
ScopeCard CardOfScope(uint64_t identity, const ScopeLoad& load, bool fresh);
// That of an engine of whose load nothing is known but its scope's: it is taken for an average one.
// `impaired`: what its farm says of it, null for nothing.
ScopeCard CardOfEngine(uint64_t identity, const ScopeLoad& load, bool fresh,
                       const ImpairedEngine* impaired);

struct RankedCard {
  ScopeCard card;
  double chance = 0;  // Of being drawn as the first, of one.
};

// Sets `ranked` to all of `cards` but the down, best first: the up before the degraded, the stale
// and the draining; of these the overloaded last; of these those near the client first; then by
// load factor. With `spread`, one of those that are alike in the first three is drawn and stands
// first, with a chance that follows what it can take (0009 in docs/decisions). `draw` as for
// farm::RankHolders.
void RankCards(std::span<const ScopeCard> cards, bool spread, uint64_t draw,
               std::vector<RankedCard>& ranked);

// Sets `ranked` to those of `cards` that may fetch `key` when nobody is known to hold it: ordered
// by the same three, then by the highest random weight of key and identity, so that it is the same
// one each time.
void RankToFill(const farm::ContentKey& key, std::span<const ScopeCard> cards,
                std::vector<RankedCard>& ranked);

}  // namespace strata::manager::routing
