#include "tests/simulation/federation/named_events.h"

namespace strata::simulation::federation {

std::string_view ToString(Event event) {
  constexpr std::array<std::string_view, kEvents> kNames = {
      "stream resumed with records under way",
      "stream begun anew",
      "full queue",
      "change of a dirty range",
      "digests differed",
      "deposed manager refused",
      "take-over by a parent that had less",
      "child and parent replaced at once",
      "power lost with what a child had told",
      "manager began with a bent store",
      "policy replaced during its walk",
      "change of a range while it was read",
      "level missing between child and parent",
      "child came back to who had forgotten it",
      "new stream ended the one before",
      "stream cut soon after it began anew",
      "question that waited for another's answer",
      "question answered by what was kept",
      "purge of what was looked for",
      "answer too late, or from before a purge",
      "asked who had not applied the last purge",
      "link lost while an answer was waited for",
      "question without a hop left",
      "others found beside copies nobody hears of",
  };
  return kNames[static_cast<size_t>(event)];
}

void NamedEvents::OnStream(size_t child, uint64_t epoch, uint64_t parents_store) {
  const auto [last, first] = last_streams_.try_emplace(child, epoch, parents_store);
  if (first) return;
  const bool both = last->second.first != epoch && last->second.second != parents_store;
  if (both) Count(Event::kBothTookOver);
  last->second = {epoch, parents_store};
}

}  // namespace strata::simulation::federation
