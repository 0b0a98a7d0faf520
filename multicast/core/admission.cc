#include "multicast/core/admission.h"

#include <algorithm>

namespace strata::multicast {
namespace {

// Bytes of a PROBE without padding.
constexpr size_t kProbeBytes = 12;

}  // namespace

void Admission::Refuse(const Joiner& joiner, JoinRefusal reason) {
  group_.outbox.Send(PacketType::kJoinRefused, JoinRefused{static_cast<uint16_t>(reason)},
                     To::Unicast(joiner.from));
}

void Admission::OnJoin(const Join& join, const Endpoint& from, Timestamp now) {
  const MemberInfo& who = join.self;
  if (who.id == group_.self.id || who.id == MemberId()) return;
  if (!joiners_.contains(who.id) && joiners_.size() >= kMaxJoiners) return;
  Joiner& joiner = joiners_[who.id];
  if (joiner.info.incarnation != who.incarnation) joiner = Joiner();
  joiner.info = who;
  joiner.info.voter = false;
  joiner.from = from;
  joiner.last_join = now;
  if (!group_.is_sm() || joiner.admitted) return;
  if (who.version_min > kProtocolVersion || who.role == Role::kObserver) {
    Refuse(joiner, who.role == Role::kObserver ? JoinRefusal::kNotAllowed : JoinRefusal::kVersion);
    joiners_.erase(who.id);
    return;
  }
  const Slot slot = group_.view.SlotOf(who.id);
  if (slot != kNoSlot) {
    // Its last incarnation must be silent first: otherwise two processes use one id.
    const bool alive = now - group_.peers[slot]->last_heard <= group_.settings.detection_timeout;
    if (group_.view.members[slot].incarnation == who.incarnation) return;
    if (alive) {
      Refuse(joiner, JoinRefusal::kDuplicateId);
      group_.batch.Add(AlarmAction{Alarm::kDuplicateId, who.id, 0});
      return;
    }
  } else if (group_.view.members.size() >= kMaxMembers) {
    Refuse(joiner, JoinRefusal::kGroupFull);
    return;
  }
  if (joiner.next_probe <= now) Probe(joiner, now);
}

// Full size by multicast; when that fails for long, small ones by unicast tell why.
void Admission::Probe(Joiner& joiner, Timestamp now) {
  if (joiner.nonce == 0) joiner.nonce = group_.random.Next() | 1;
  joiner.next_probe = now + group_.settings.join_interval;
  deadline_ = std::min(deadline_, joiner.next_probe);
  multicast::Probe probe;
  probe.nonce = joiner.nonce;
  if (joiner.tries < group_.settings.admission_tries) {
    ++joiner.tries;
    probe.answer_to_group = true;
    probe.answer_padded = true;
    probe.padding = static_cast<uint16_t>(group_.outbox.max_body() - kProbeBytes);
    group_.outbox.Send(PacketType::kProbe, probe, To::MulticastOnly());
    return;
  }
  if (joiner.unicast_tries++ > group_.settings.admission_tries) {
    GiveUp(joiner);
    return;
  }
  probe.answer_padded = true;
  probe.padding = static_cast<uint16_t>(group_.outbox.max_body() - kProbeBytes);
  group_.outbox.Send(PacketType::kProbe, probe, To::Unicast(joiner.from));
  probe.answer_padded = false;
  probe.padding = 0;
  group_.outbox.Send(PacketType::kProbe, probe, To::Unicast(joiner.from));
}

void Admission::GiveUp(Joiner& joiner) {
  if (joiner.heard_small) group_.batch.Add(AlarmAction{Alarm::kMtu, joiner.info.id, 0});
  Refuse(joiner, joiner.heard_small ? JoinRefusal::kMtu : JoinRefusal::kNotReachable);
  joiner.tries = joiner.unicast_tries = 0;
  joiner.nonce = 0;
  joiner.heard_small = false;
}

void Admission::OnProbeReply(const ProbeReply& reply, bool by_multicast, Timestamp now) {
  if (!group_.is_sm()) return;
  const auto it = joiners_.find(reply.self.id);
  if (it == joiners_.end() || it->second.nonce != reply.nonce || it->second.nonce == 0 ||
      it->second.info.incarnation != reply.self.incarnation) {
    return;
  }
  Joiner& joiner = it->second;
  if (reply.by_multicast && by_multicast && reply.to_group && reply.padding > 0) {
    joiner.admitted = true;
  } else if (!reply.by_multicast && reply.padding > 0 && group_.settings.allow_fan_out) {
    joiner.admitted = joiner.unicast_only = true;
    group_.batch.Add(AlarmAction{Alarm::kNoMulticast, joiner.info.id, 0});
  } else if (!reply.by_multicast) {
    joiner.heard_small = true;
  }
  if (joiner.admitted) deadline_ = now;
}

void Admission::OnTimer(Timestamp now) {
  if (deadline_ > now) return;
  deadline_ = Timestamp::Never();
  for (auto it = joiners_.begin(); it != joiners_.end();) {
    Joiner& joiner = it->second;
    if (now - joiner.last_join > kForgetAfter) {
      it = joiners_.erase(it);
      continue;
    }
    if (group_.is_sm() && !joiner.admitted && joiner.nonce != 0) {
      if (joiner.next_probe <= now) Probe(joiner, now);
      deadline_ = std::min(deadline_, joiner.next_probe);
    }
    ++it;
  }
  if (!joiners_.empty()) deadline_ = std::min(deadline_, now + kForgetAfter);
}

std::vector<MemberInfo> Admission::Admitted() const {
  std::vector<MemberInfo> admitted;
  for (const auto& [id, joiner] : joiners_) {
    if (joiner.admitted) admitted.push_back(joiner.info);
  }
  return admitted;
}

std::vector<MemberInfo> Admission::Recent(Timestamp now) const {
  std::vector<MemberInfo> recent;
  for (const auto& [id, joiner] : joiners_) {
    if (now - joiner.last_join <= kForgetAfter) recent.push_back(joiner.info);
  }
  return recent;
}

bool Admission::NeedsFanOut() const {
  return std::any_of(joiners_.begin(), joiners_.end(), [](const auto& item) {
    return item.second.admitted && item.second.unicast_only;
  });
}

void Admission::OnViewInstalled() {
  std::erase_if(joiners_, [this](const auto& item) {
    return group_.view.SlotOf(item.first, item.second.info.incarnation) != kNoSlot;
  });
}

}  // namespace strata::multicast
