#include "tests/simulation/abort_checker.h"

namespace strata::simulation {

void AbortChecker::OnViewChanged(const MemberProbe&, const multicast::View& view,
                                 multicast::MemberStatus) {
  views_.emplace(view.epoch, view);
}

void AbortChecker::OnTransmit(const MemberProbe& from, const Packet& packet, Sent) {
  const auto* commit = packet.As<multicast::Commit>();
  if (commit != nullptr) views_.emplace(from.view().epoch, from.view());
  auto view = views_.find(packet.header().epoch);
  if (commit == nullptr || view == views_.end()) return;
  uint64_t number = commit->first;
  for (const auto& record : commit->records) {
    if (number++ <= view->second.log_number) continue;  // Slots of an earlier view.
    for (const auto& range : record.ranges) {
      if (range.slot >= view->second.members.size()) continue;
      const auto& owner = view->second.members[range.slot];
      Key key{owner.id, owner.incarnation, range.stream, range.to};
      fates_[key].closed = true;
      Judge(key, fates_[key]);
    }
  }
}

void AbortChecker::OnDeliver(const MemberProbe& member, const Delivery& delivery) {
  const auto& view = member.shown_view();
  multicast::Slot slot = view.SlotOf(delivery.origin);
  if (slot == multicast::kNoSlot || delivery.number <= view.log_number) return;
  Key key{delivery.origin, view.members[slot].incarnation, delivery.stream, delivery.last_seq};
  fates_[key].delivered_by = member.id();
  Judge(key, fates_[key]);
}

void AbortChecker::Judge(const Key& key, const Fate& fate) {
  if (!fate.closed || fate.delivered_by == multicast::MemberId{}) return;
  stage_.Fail("abort", "the abort of %u/%u:%llu was completed, and member %u delivered it",
              std::get<0>(key).value(), std::get<2>(key),
              static_cast<unsigned long long>(std::get<3>(key)), fate.delivered_by.value());
}

}  // namespace strata::simulation
