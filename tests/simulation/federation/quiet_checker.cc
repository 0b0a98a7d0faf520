#include "tests/simulation/federation/quiet_checker.h"

namespace strata::simulation::federation {

namespace feed = manager::federation;

std::string QuietChecker::UnrestOf(size_t scope) const {
  ScopeManagers& managers = *scopes_[scope];
  if (!managers.calm()) return "has nobody who leads alone";
  const ParentLink* link = managers.leader()->parent_link();
  return link == nullptr || link->Settled() ? "" : link->Describe();
}

std::string QuietChecker::FaultOf(size_t scope, const Truth::Expected& expected) const {
  return DifferenceOf(scopes_[scope]->leader()->directory().KnowledgeOfIndex(), expected.known);
}

bool QuietChecker::Holds(std::string& why) const {
  // Who knows what is looked at only when nobody has anything to tell: it takes far longer.
  for (size_t scope = 0; scope < scopes_.size(); ++scope) {
    why = UnrestOf(scope);
    if (why.empty()) continue;
    why = wiring_.scope(scope) + " " + why;
    return false;
  }
  const std::vector<Truth::Expected> expected = wiring_.truth.ExpectedOfAll();
  for (size_t scope = scopes_.size(); scope-- > 0;) {  // From below: what is wrong there goes up.
    why = FaultOf(scope, expected[scope]);
    if (why.empty()) why = LinkFaultOf(scope, expected[scope]);
    if (why.empty()) continue;
    why = wiring_.scope(scope) + " " + why;
    return false;
  }
  return true;
}

void QuietChecker::Check() {
  for (size_t scope = 0; scope < scopes_.size(); ++scope) {
    const std::string unrest = UnrestOf(scope);
    if (unrest.empty()) continue;
    wiring_.Fail("knowledge", wiring_.scope(scope) + " " + unrest);
    return;
  }
  const std::vector<Truth::Expected> expected = wiring_.truth.ExpectedOfAll();
  for (size_t scope = 0; scope < scopes_.size(); ++scope) {
    CheckScope(scope, expected[scope]);
    const std::string fault = LinkFaultOf(scope, expected[scope]);
    if (!fault.empty()) wiring_.Fail("digests", wiring_.scope(scope) + " " + fault);
  }
}

void QuietChecker::CheckScope(size_t scope, const Truth::Expected& expected) {
  const std::string& who = wiring_.scope(scope);
  const std::string fault = FaultOf(scope, expected);
  if (!fault.empty()) wiring_.Fail("knowledge", who + " " + fault);
  const StoreState& state = scopes_[scope]->leader()->directory().store().state();
  const std::string difference = DifferenceOf(state.KnowledgeOf(), expected.known);
  if (!difference.empty()) wiring_.Fail("store", who + ": " + difference);
  if (state.names.size() != state.numbers.size()) {
    wiring_.Fail("doubled", who + " has a holder under two numbers");
  }
  for (const auto& [key, row] : state.contents) {
    const Content& content = wiring_.truth.content(key);
    if (row.uri != content.uri) {
      wiring_.Fail("uri", who + " has \"" + row.uri + "\" for " + content.uri);
    }
    for (const auto& [holder, copy] : row.copies) {
      if (copy.size == content.size) continue;
      wiring_.Fail("size", who + " has the size of another content for " + content.uri);
    }
  }
}

// What both ends of the link to the parent keep.
std::string QuietChecker::LinkFaultOf(size_t scope, const Truth::Expected& expected) const {
  const auto parent = wiring_.plan.scopes[scope].parent;
  if (!parent) return "";
  feed::RangeDigests digests;
  for (const auto& [key, copies] : expected.told) {
    for (const auto& [name, flags] : copies) digests.Add(key, feed::IdentityOf(name), flags);
  }
  if (!(scopes_[scope]->leader()->parent_link()->sender().told() == digests)) {
    return "keeps other digests than what it told has";
  }
  if (!(scopes_[*parent]->leader()->desk(scope).receiver().digests() == digests)) {
    return "is known to its parent by other digests than what it told has";
  }
  return "";
}

uint64_t QuietChecker::Repairs() const {
  uint64_t repairs = 0;
  for (const auto& managers : scopes_) {
    ParentLink* link = managers->leader()->parent_link();
    if (link == nullptr) continue;
    const feed::FeedSenderCounts& counts = link->sender().counts();
    repairs += counts.overflows + counts.dirtied + counts.intervals + counts.begun_anew;
  }
  return repairs;
}

uint64_t QuietChecker::Told() const {
  uint64_t told = 0;
  for (const auto& managers : scopes_) {
    ParentLink* link = managers->leader()->parent_link();
    if (link != nullptr) told += link->sender().counts().told;
  }
  return told;
}

}  // namespace strata::simulation::federation
