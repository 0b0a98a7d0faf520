#include "tests/simulation/held_checker.h"

#include <algorithm>

namespace strata::simulation {

using multicast::MemberStatus;
using multicast::Slot;
using multicast::View;

namespace {
unsigned long long Ull(uint64_t value) { return value; }
}  // namespace

std::optional<multicast::Seq> HeldOf(const MemberProbe& member, multicast::MemberId origin,
                                     const multicast::Incarnation& incarnation,
                                     multicast::StreamId stream) {
  multicast::Slot slot = member.view().SlotOf(origin, incarnation);
  if (slot == multicast::kNoSlot) return std::nullopt;
  return member.held(slot, stream);
}

void HeldChecker::OnDeliver(const MemberProbe& member, const Delivery& delivery) {
  const View& view = member.shown_view();
  if (delivery.number <= view.log_number) return;  // Of an earlier view: a learner catches up.
  multicast::Slot slot = view.SlotOf(delivery.origin);
  if (slot == multicast::kNoSlot) {
    if (delivery.number != 0) {
      stage_.Fail("held", "member %u delivers #%llu of member %u, who is not in its view",
                  member.id().value(), Ull(delivery.number), delivery.origin.value());
    }
    return;
  }
  if (delivery.number == 0) return;
  const auto& incarnation = view.members[slot].incarnation;
  for (const auto& info : view.members) {
    if (info.status != MemberStatus::kFull) continue;
    const MemberProbe* other = stage_.Find(info.id);
    if (other == nullptr || !other->running() || other->incarnation() != info.incarnation) continue;
    // The flush of a view change: whoever the new view leaves out does not count any more.
    Slot now = member.view().SlotOf(info.id, info.incarnation);
    if (now == multicast::kNoSlot || member.view().members[now].status != MemberStatus::kFull) {
      continue;
    }
    auto held = HeldOf(*other, delivery.origin, incarnation, delivery.stream);
    if (!held.has_value() || *held >= delivery.last_seq) continue;
    auto acked =
        acked_.find({info.id, info.incarnation, delivery.origin, incarnation, delivery.stream});
    if (acked != acked_.end() && acked->second >= delivery.last_seq) continue;
    stage_.Fail("held", "member %u delivers #%llu, %u/%u:%llu, but member %u holds %llu",
                member.id().value(), Ull(delivery.number), delivery.origin.value(), delivery.stream,
                Ull(delivery.last_seq), info.id.value(), Ull(*held));
  }
}

void HeldChecker::OnTransmit(const MemberProbe& from, const Packet& packet, Sent) {
  const auto* ack = packet.As<multicast::Ack>();
  if (ack == nullptr || packet.header().epoch != from.view().epoch) return;
  for (const auto& position : ack->positions) {
    multicast::Seq held = from.held(position.slot, position.stream);
    if (position.slot < from.view().members.size()) {
      const auto& owner = from.view().members[position.slot];
      auto& acked =
          acked_[{from.id(), from.incarnation(), owner.id, owner.incarnation, position.stream}];
      acked = std::max(acked, std::min(position.seq, held));
    }
    if (position.seq <= held) continue;
    stage_.Fail("ack-held", "member %u acknowledges %u/%u:%llu and holds %llu", from.id().value(),
                position.slot, position.stream, Ull(position.seq), Ull(held));
  }
}

}  // namespace strata::simulation
