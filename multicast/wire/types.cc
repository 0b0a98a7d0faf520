#include "multicast/wire/types.h"

#include "common/hex.h"

namespace strata::multicast {

Slot View::SlotOf(MemberId id) const {
  for (size_t slot = 0; slot < members.size(); ++slot) {
    if (members[slot].id == id) return static_cast<Slot>(slot);
  }
  return kNoSlot;
}

Slot View::SlotOf(MemberId id, const Incarnation& incarnation) const {
  const Slot slot = SlotOf(id);
  if (slot == kNoSlot || members[slot].incarnation != incarnation) return kNoSlot;
  return slot;
}

std::string ToString(const Epoch& epoch) {
  return std::to_string(epoch.counter) + "." + std::to_string(epoch.proposer.value());
}

std::string ToString(const Incarnation& incarnation) { return ToHex(incarnation.bytes); }

std::string_view ToString(Role role) {
  switch (role) {
    case Role::kManager:
      return "manager";
    case Role::kEngine:
      return "engine";
    case Role::kSwitch:
      return "switch";
    case Role::kWitness:
      return "witness";
    case Role::kObserver:
      return "observer";
  }
  return "unknown";
}

std::string_view ToString(MemberStatus status) {
  switch (status) {
    case MemberStatus::kNone:
      return "none";
    case MemberStatus::kLearner:
      return "learner";
    case MemberStatus::kFull:
      return "full";
    case MemberStatus::kWitness:
      return "witness";
  }
  return "unknown";
}

}  // namespace strata::multicast
