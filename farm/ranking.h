#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "farm/content_key.h"
#include "farm/engine.h"
#include "farm/load_factor.h"
#include "farm/state_table.h"

namespace strata::farm {

// How an engine is chosen for a request: docs/protocols/farm.md, section 5. Whoever directs ranks
// with these functions, whatever holds its rows and locations. Pure; any thread.

struct DirectorSettings {
  LoadWeights weights;
  // Requests are spread over all good holders; else all go to the least loaded.
  bool spread = true;
  // From this load factor on an engine comes after all that are below.
  double overloaded = 0.95;
  // An engine with less room than this share of its storage fills nothing.
  double fill_room = 0.02;
};

// What the choice has to know of an engine: its row, judged at one moment.
struct EngineCard {
  EngineId id{};
  EngineStatus status = EngineStatus::kDown;
  double load_factor = 0;
  bool overloaded = false;
  bool has_room = true;        // To fetch what nobody holds.
  uint64_t bandwidth_out = 0;  // Its capacity, in bits a second; 0 is unknown.

  // Draining engines, and those that are down, get no requests; but see RankDraining.
  bool Serves() const { return status != EngineStatus::kDraining && status != EngineStatus::kDown; }

  friend bool operator==(const EngineCard&, const EngineCard&) = default;
};

// `status` as the table says it of the row (StateTable::StatusOf).
EngineCard CardOf(const Row& row, EngineStatus status, const DirectorSettings& settings);

// One engine that may serve a request, and why it stands where it stands.
struct Candidate {
  EngineId engine{};
  EngineStatus status = EngineStatus::kDown;
  double load_factor = 0;
  bool overloaded = false;
  double chance = 0;  // Of being drawn as the first, of one.

  friend bool operator==(const Candidate&, const Candidate&) = default;
};

// Sets `ranked` to those of `holders` that serve, best first: the up before the degraded before the
// stale, of these the overloaded last, then by load factor. With `spread`, one of those that are of
// the best's status, and overloaded or not as it is, is drawn and stands first, with a chance that
// follows its free capacity: directors with tables of the same age must not all choose one engine
// (0009 in docs/decisions). `draw`: any hash of the request that differs from request to request.
void RankHolders(std::span<const EngineCard* const> holders, bool spread, uint64_t draw,
                 std::vector<Candidate>& ranked);

// Sets `ranked` to those of `holders` that are draining, in the same order: for contents that
// nobody else has, until they are copied. Not for what an origin can give again.
void RankDraining(std::span<const EngineCard* const> holders, bool spread, uint64_t draw,
                  std::vector<Candidate>& ranked);

// Sets `ranked` to those of `engines` that may fetch `key` from its origin when nobody holds it:
// first always the same one, as long as it is up and has room (highest random weight; Thaler and
// Ravishankar 1998). The others follow in the order in which they would take its place.
void RankFillers(const ContentKey& key, std::span<const EngineCard> engines,
                 std::vector<Candidate>& ranked);

}  // namespace strata::farm
