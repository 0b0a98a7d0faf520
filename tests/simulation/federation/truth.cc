#include "tests/simulation/federation/truth.h"

namespace strata::simulation::federation {

Truth::Truth(const Plan& plan) : plan_(plan), farms_(plan.scopes.size()) {
  for (const ScopePlan& scope : plan.scopes) policies_.push_back(scope.policy);
  for (const Content& content : plan.catalogue) contents_[content.key] = content;
}

void Truth::Set(size_t farm, const farm::ContentKey& key, const HolderName& engine,
                std::optional<LocationFlags> flags) {
  Knowledge& known = farms_[farm];
  if (flags) {
    known[key][engine] = *flags;
    return;
  }
  known[key].erase(engine);
  if (known[key].empty()) known.erase(key);
}

Knowledge Truth::ExpectedAt(size_t scope) const {
  Knowledge expected = farms_[scope];
  for (const size_t child : plan_.ChildrenOf(scope)) {
    for (const auto& [key, copies] : ExpectedAbove(child)) {
      expected[key].insert(copies.begin(), copies.end());
    }
  }
  return expected;
}

Knowledge Truth::ExpectedAbove(size_t scope) const {
  Knowledge above;
  for (const auto& [key, copies] : ExpectedAt(scope)) {
    Copies projection =
        ProjectionOf(policies_[scope], plan_.scopes[scope].scope, content(key), copies);
    if (!projection.empty()) above[key] = std::move(projection);
  }
  return above;
}

}  // namespace strata::simulation::federation
