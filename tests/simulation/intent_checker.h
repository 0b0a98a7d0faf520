#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "tests/simulation/observer.h"

namespace strata::simulation {

// Intent: whoever begins to lead has every order that was ever acknowledged, and no two lead in one
// term. And nobody is full before its application was ready in that membership, but who makes the
// view itself: a founder, or the manager of members that have no other.
class IntentChecker final : public Observer {
 public:
  explicit IntentChecker(Stage& stage) : stage_(stage) {}

  void OnLeads(const MemberProbe& member, uint64_t term, const std::set<uint64_t>& orders) override;
  void OnAcknowledged(const MemberProbe& member, uint64_t order) override;
  void OnReady(const MemberProbe& member) override;
  void OnViewChanged(const MemberProbe& member, const multicast::View& view,
                     multicast::MemberStatus status) override;

 private:
  Stage& stage_;
  std::set<uint64_t> acknowledged_;
  std::map<uint64_t, multicast::MemberId> terms_;
  std::map<multicast::MemberId, multicast::Incarnation> may_be_full_;
};

}  // namespace strata::simulation
