#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/time.h"
#include "farm/content_key.h"
#include "farm/load_factor.h"
#include "farm/state_table.h"

namespace strata::farm {

struct DirectorSettings {
  LoadWeights weights;
  // Requests are spread over all good holders; else all go to the least loaded.
  bool spread = true;
  // From this load factor on an engine comes after all that are below.
  double overloaded = 0.95;
  // An engine with less room than this share of its storage fills nothing.
  double fill_room = 0.02;
};

// One engine that may serve a request, and why it stands where it stands.
struct Candidate {
  EngineId engine{};
  EngineStatus status = EngineStatus::kDown;
  double load_factor = 0;
  bool overloaded = false;
  double chance = 0;  // Of being drawn as the first, of one.

  friend bool operator==(const Candidate&, const Candidate&) = default;
};

// Decides which engine serves a request; any member of the farm can be the director, and all decide
// alike (seed 1: claim 1 of US 7,912,954). A function of the state table and the request alone.
class Director {
 public:
  Director(const StateTable& table, const DirectorSettings& settings)
      : table_(table), settings_(settings) {}

  // The holders of `key`, best first: the up before the degraded before the stale, of these the
  // overloaded last, then by load factor. Draining engines, those that are down and `except` are
  // left out, and copies that have expired or are partial. One of those that are of the best's
  // status, and overloaded or not as it is, is drawn and stands first, with a chance that follows
  // its free capacity: directors with tables of the same age must not all choose one engine (0009
  // in docs/decisions). `draw`: any hash of the request that differs from request to request.
  std::vector<Candidate> Holders(const ContentKey& key, uint64_t draw, Timestamp now,
                                 std::optional<EngineId> except = std::nullopt) const;

  // Who fetches `key` from its origin when nobody holds it: always the same engine, as long as it
  // is up and has room (highest random weight; Thaler and Ravishankar 1998). The others follow in
  // the order in which they would take its place. Engines that are draining or down are left out.
  std::vector<Candidate> Fillers(const ContentKey& key, Timestamp now) const;

 private:
  Candidate Judge(const Row& row, Timestamp now) const;
  void DrawFirst(std::vector<Candidate>& candidates, uint64_t draw) const;

  const StateTable& table_;
  const DirectorSettings& settings_;
};

}  // namespace strata::farm
