#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "farm/content_key.h"
#include "farm/ranking.h"
#include "service_manager/directory/location.h"
#include "service_manager/routing/routing_snapshot.h"

namespace strata::manager::routing {

// What was thought about one engine.
struct ExplainedEngine {
  std::string name;
  uint32_t id = 0;
  std::string status;
  double load_factor = 0;
  bool overloaded = false;
  uint32_t rank = 0;   // From 1 on, in this request's order; 0: it is left out.
  double chance = 0;   // Of being drawn as the first, of one.
  std::string reason;  // Why it stands where it stands.
};

// Why a request is answered as it is, for operators.
struct Explanation {
  std::string site;
  std::string canonical_uri;
  std::string key;
  bool held = false;          // By somebody who serves; otherwise the ranked would fetch it.
  std::string answer;         // "redirect to http://…", "forward to …", "503".
  std::string client_region;  // Above level 1; empty: none.
  std::vector<ExplainedEngine> engines;  // The ranked in their order, then the others by id.
};

// The engines' part of an explanation. `ranked` is the order that was found, of holders if `held`,
// else of fillers; `locations` are all that the directory knows.
std::vector<ExplainedEngine> ExplainEngines(const RoutingSnapshot& snapshot,
                                            std::span<const directory::Location> locations,
                                            std::span<const farm::Candidate> ranked, bool held);

// For people: a few lines and an aligned table.
std::string AsText(const Explanation& explanation);
// For programs: one JSON object.
std::string AsJson(const Explanation& explanation);

}  // namespace strata::manager::routing
