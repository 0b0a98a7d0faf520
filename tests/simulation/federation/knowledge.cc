#include "tests/simulation/federation/knowledge.h"

namespace strata::simulation::federation {

namespace {

std::string ToString(const Copies& copies) {
  std::string text = "{";
  for (const auto& [holder, flags] : copies) {
    if (text.size() > 1) text += ", ";
    text += manager::federation::ToString(holder) + " flags " + std::to_string(flags);
  }
  return text + "}";
}

}  // namespace

std::string DifferenceOf(const Knowledge& known, const Knowledge& expected) {
  static const Copies kNone;
  const auto copies_in = [](const Knowledge& of, const farm::ContentKey& key) -> const Copies& {
    const auto found = of.find(key);
    return found == of.end() ? kNone : found->second;
  };
  for (const Knowledge* side : {&expected, &known}) {
    for (const auto& [key, unused] : *side) {
      const Copies& has = copies_in(known, key);
      const Copies& shall = copies_in(expected, key);
      if (has == shall) continue;
      return "content " + farm::ToString(key) + " is known at " + ToString(has) + " and not at " +
             ToString(shall);
    }
  }
  return "";
}

}  // namespace strata::simulation::federation
