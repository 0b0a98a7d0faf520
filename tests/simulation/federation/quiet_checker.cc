#include "tests/simulation/federation/quiet_checker.h"

namespace strata::simulation::federation {

namespace feed = manager::federation;

std::string QuietChecker::FaultOf(size_t scope) {
  ScopeManagers& managers = *scopes_[scope];
  const std::string& who = wiring_.scope(scope);
  if (!managers.calm()) return who + " has nobody who leads alone";
  Manager& leader = *managers.leader();
  ParentLink* link = leader.parent_link();
  if (link != nullptr && !link->Settled()) return who + " " + link->Describe();
  const std::string difference =
      DifferenceOf(leader.directory().KnowledgeOfIndex(), wiring_.truth.ExpectedAt(scope));
  return difference.empty() ? "" : who + ": " + difference;
}

bool QuietChecker::Holds(std::string& why) {
  for (size_t scope = scopes_.size(); scope-- > 0;) {  // From below: what is wrong there goes up.
    why = FaultOf(scope);
    if (!why.empty()) return false;
  }
  return true;
}

void QuietChecker::Check() {
  for (size_t scope = 0; scope < scopes_.size(); ++scope) {
    CheckScope(scope);
    if (wiring_.plan.scopes[scope].parent) CheckLink(scope);
  }
}

void QuietChecker::CheckScope(size_t scope) {
  const std::string fault = FaultOf(scope);
  if (!fault.empty()) wiring_.Fail("knowledge", fault);
  const std::string& who = wiring_.scope(scope);
  const StoreState& state = scopes_[scope]->leader()->directory().store().state();
  const std::string difference = DifferenceOf(state.KnowledgeOf(), wiring_.truth.ExpectedAt(scope));
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

void QuietChecker::CheckLink(size_t scope) {
  ParentLink& link = *scopes_[scope]->leader()->parent_link();
  const size_t parent = *wiring_.plan.scopes[scope].parent;
  const ChildDesk& desk = scopes_[parent]->leader()->desk(scope);
  feed::RangeDigests digests;
  for (const auto& [key, copies] : wiring_.truth.ExpectedAbove(scope)) {
    for (const auto& [name, flags] : copies) digests.Add(key, feed::IdentityOf(name), flags);
  }
  if (!(link.sender().told() == digests)) {
    wiring_.Fail("digests", wiring_.scope(scope) + " keeps other digests than what it told has");
  }
  if (!(desk.receiver().digests() == digests)) {
    wiring_.Fail("digests", wiring_.scope(parent) + " keeps other digests of " +
                                wiring_.scope(scope) + " than what it was told has");
  }
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
