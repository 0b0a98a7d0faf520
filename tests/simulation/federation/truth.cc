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

std::vector<Truth::Expected> Truth::ExpectedOfAll() const {
  std::vector<Expected> all(farms_.size());
  for (size_t scope = all.size(); scope-- > 0;) {  // Children come behind their parents.
    Expected& expected = all[scope];
    expected.known.insert(farms_[scope].begin(), farms_[scope].end());
    const auto parent = plan_.scopes[scope].parent;
    if (!parent) continue;
    for (const auto& [key, copies] : expected.known) {
      Copies projection =
          ProjectionOf(policies_[scope], plan_.scopes[scope].scope, content(key), copies);
      if (projection.empty()) continue;
      all[*parent].known[key].insert(projection.begin(), projection.end());
      expected.told[key] = std::move(projection);
    }
  }
  return all;
}

Copies Truth::AtAndBelow(size_t scope, const farm::ContentKey& key) const {
  Copies copies;
  for (size_t farm = 0; farm < farms_.size(); ++farm) {
    if (farm != scope && !plan_.IsBelow(scope, farm)) continue;
    const auto there = farms_[farm].find(key);
    if (there != farms_[farm].end()) copies.insert(there->second.begin(), there->second.end());
  }
  return copies;
}

Copies Truth::NearestTo(size_t scope, const farm::ContentKey& key) const {
  Copies copies = AtAndBelow(scope, key);
  for (auto up = plan_.scopes[scope].parent; up && copies.empty(); up = plan_.scopes[*up].parent) {
    copies = AtAndBelow(*up, key);
  }
  return copies;
}

std::vector<std::string> Truth::UntoldTo(size_t scope, const Content& content) const {
  std::vector<std::string> untold;
  for (size_t below = 0; below < plan_.scopes.size(); ++below) {
    if (plan_.IsBelow(scope, below) && MayHide(policies_[below], content)) {
      untold.push_back(plan_.scopes[below].scope);
    }
  }
  return untold;
}

}  // namespace strata::simulation::federation
