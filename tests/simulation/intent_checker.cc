#include "tests/simulation/intent_checker.h"

#include <algorithm>

namespace strata::simulation {

using multicast::MemberStatus;

namespace {
unsigned long long Ull(uint64_t value) { return value; }
}  // namespace

void IntentChecker::OnLeads(const MemberProbe& member, uint64_t term,
                            const std::set<uint64_t>& orders) {
  const auto [first, fresh] = terms_.emplace(term, member.id());
  if (!fresh && first->second != member.id()) {
    stage_.Fail("one-leader", "members %u and %u lead in term %llu", first->second.value(),
                member.id().value(), Ull(term));
  }
  for (uint64_t order : acknowledged_) {
    if (orders.contains(order)) continue;
    stage_.Fail("intent", "member %u leads in term %llu without order %llu, acknowledged before",
                member.id().value(), Ull(term), Ull(order));
    return;
  }
}

void IntentChecker::OnAcknowledged(const MemberProbe&, uint64_t order) {
  acknowledged_.insert(order);
}

void IntentChecker::OnReady(const MemberProbe& member) {
  may_be_full_[member.id()] = member.incarnation();
}

void IntentChecker::OnViewChanged(const MemberProbe& member, const multicast::View& view,
                                  MemberStatus status) {
  if (status != MemberStatus::kFull) return;
  // Its own incarnation may be another one already: it left the view in the same turn.
  const auto self = std::find_if(view.members.begin(), view.members.end(),
                                 [&](const auto& info) { return info.id == member.id(); });
  if (self == view.members.end()) return;
  const auto known = may_be_full_.find(member.id());
  const bool may = known != may_be_full_.end() && known->second == self->incarnation;
  if (!may && view.epoch.proposer != member.id()) {
    stage_.Fail("ready", "member %u is full in view %u and was never ready", member.id().value(),
                view.number);
  }
  may_be_full_[member.id()] = self->incarnation;
}

}  // namespace strata::simulation
