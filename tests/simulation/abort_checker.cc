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
    uint64_t n = number++;
    if (n <= view->second.log_number) continue;  // Slots of an earlier view.
    for (const auto& range : record.ranges) {
      if (range.slot >= view->second.members.size()) continue;
      const auto& owner = view->second.members[range.slot];
      Key key{owner.id, owner.incarnation, range.stream, range.to};
      Fate& fate = fates_[key];
      if (fate.closed != 0) continue;
      fate.closed = n;
      fate.epoch = view->first;
      fate.closed_by = branches_.StintOf(from.id());
    }
  }
}

void AbortChecker::OnDeliver(const MemberProbe& member, const Delivery& delivery) {
  const auto& view = member.shown_view();
  multicast::Slot slot = view.SlotOf(delivery.origin);
  if (slot == multicast::kNoSlot || delivery.number <= view.log_number) return;
  Key key{delivery.origin, view.members[slot].incarnation, delivery.stream, delivery.last_seq};
  Fate& fate = fates_[key];
  if (fate.delivered != 0 && fate.delivered <= delivery.number) return;
  fate.delivered = delivery.number;
  fate.by = branches_.StintOf(member.id());
}

void AbortChecker::OnEnd(const MemberProbe&) {
  for (const auto& [key, fate] : fates_) {
    if (fate.closed == 0 || fate.delivered == 0) continue;
    // Quorum none: the two sides of a division decide for themselves.
    if (branches_.WentAlone(fate.closed_by) || branches_.WentAlone(fate.by)) continue;
    const multicast::View* next = branches_.Next(fate.epoch);
    uint64_t known = next == nullptr ? UINT64_MAX : branches_.KnownToMakers(next->epoch);
    if (fate.closed > known && fate.delivered > known) continue;
    stage_.Fail("abort", "the abort of %u/%u:%llu was completed, and member %u delivered it",
                std::get<0>(key).value(), std::get<2>(key),
                static_cast<unsigned long long>(std::get<3>(key)), fate.by.member.value());
  }
}

}  // namespace strata::simulation
