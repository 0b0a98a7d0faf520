#include "tests/simulation/named_events.h"

#include <algorithm>

namespace strata::simulation {

using multicast::MemberStatus;
using multicast::PacketType;
using multicast::View;

std::string_view ToString(Event event) {
  constexpr std::array<std::string_view, kEvents> kNames = {
      "take-over after a commit that only some heard",
      "abort racing commit",
      "cascading views",
      "zombie SM",
      "restart in flight",
      "lost last packet",
      "ACK before its DATA",
      "full learner queue",
      "two members joining at once",
      "divergence under quorum none",
      "crash of who takes a snapshot in",
      "take-over while a learner is ready to be full",
      "nobody but light members has the state",
  };
  return kNames[static_cast<size_t>(event)];
}

NamedEvents::Stream NamedEvents::StreamOf(const MemberProbe& member, multicast::Slot slot,
                                          multicast::StreamId stream) {
  const auto& members = member.view().members;
  if (slot >= members.size()) return {};
  return {members[slot].id, members[slot].incarnation, stream};
}

void NamedEvents::OnTransmit(const MemberProbe& from, const Packet& packet, Sent) {
  if (const auto* proposal = packet.As<multicast::ViewProposal>()) SeeProposal(from, *proposal);
  if (const auto* propose = packet.As<multicast::Propose>()) SeePropose(from, *propose);
  if (const auto* resend = packet.As<multicast::Resend>()) SeeResend(from, *resend);
  if (const auto* data = packet.As<DataNote>()) {
    for (const RecordNote& record : data->records) {
      auto& last = last_sent_[StreamOf(from, data->origin, record.stream)];
      last = std::max(last, record.seq);
    }
  }
  SeeZombie(from, packet);
}

void NamedEvents::SeeProposal(const MemberProbe& from, const multicast::ViewProposal& proposal) {
  if (!proposals_.insert(proposal.ballot).second) return;
  if (proposal.quorums.size() > 1) Count(Event::kCascadingViews);
  const View& old = from.view();
  if (old.members.empty() || old.members.front().id == from.id()) return;
  const auto& sm = old.members.front();
  if (proposal.view.SlotOf(sm.id, sm.incarnation) != multicast::kNoSlot) return;
  uint64_t least = UINT64_MAX;
  uint64_t most = 0;
  for (const auto& info : old.members) {
    const MemberProbe* member = stage_.Find(info.id);
    if (info.status != MemberStatus::kFull || !member->running()) continue;
    if (member->incarnation() != info.incarnation || !member->state_complete()) continue;
    if (proposal.view.SlotOf(info.id, info.incarnation) == multicast::kNoSlot) continue;
    least = std::min(least, member->commit_number());
    most = std::max(most, member->commit_number());
  }
  if (most > least) Count(Event::kTakeOverAfterPartialCommit);
}

// Somebody is already frozen by another ballot that nobody installed.
void NamedEvents::SeePropose(const MemberProbe& from, const multicast::Propose& propose) {
  if (!ballots_.insert(propose.ballot).second) return;
  for (const MemberProbe* member : stage_.members()) {
    if (!member->running() || member == &from || !member->frozen()) continue;
    if (member->promised() == propose.ballot || views_.contains(member->promised())) continue;
    if (member->promised() <= member->view().epoch) continue;
    Count(Event::kCascadingViews);
    return;
  }
}

void NamedEvents::SeeResend(const MemberProbe& from, const multicast::Resend& resend) {
  for (const auto& request : resend.requests) {
    Stream stream = StreamOf(from, request.slot, request.stream);
    multicast::Seq last = last_sent_[stream];
    if (last == 0 || last < request.from || last >= request.from + request.count) continue;
    if (lost_last_.insert({stream, last}).second) Count(Event::kLostLastPacket);
  }
}

void NamedEvents::SeeZombie(const MemberProbe& from, const Packet& packet) {
  const auto& epoch = packet.header().epoch;
  const View& view = from.view();
  if (view.members.empty() || view.members.front().id != from.id() || view.epoch != epoch) return;
  for (const MemberProbe* other : stage_.members()) {
    if (!other->running() || other->shown_view().epoch <= epoch) continue;
    if (other->shown_view().SlotOf(from.id(), from.incarnation()) != multicast::kNoSlot) continue;
    if (zombies_.insert({from.id(), epoch}).second) Count(Event::kZombieSm);
    return;
  }
}

void NamedEvents::OnHanded(const MemberProbe& to, const Packet& packet) {
  if (packet.header().epoch != to.view().epoch) return;
  if (const auto* data = packet.As<DataNote>()) {
    for (const RecordNote& record : data->records) {
      Heard& heard = heard_[{to.id(), StreamOf(to, data->origin, record.stream)}];
      heard.data = std::max(heard.data, record.seq);
      if (heard.acked_before == 0 || record.seq < heard.acked_before) continue;
      bool late = record.seq == heard.acked_before && (data->flags & multicast::kRepair) == 0;
      if (late) Count(Event::kAckBeforeData);
      heard.acked_before = 0;
    }
  }
  if (const auto* ack = packet.As<multicast::Ack>()) {
    for (const auto& position : ack->positions) {
      Stream stream = StreamOf(to, position.slot, position.stream);
      if (std::get<0>(stream) == to.id()) continue;
      Heard& heard = heard_[{to.id(), stream}];
      if (position.seq > heard.data) heard.acked_before = position.seq;
    }
  }
}

void NamedEvents::OnFounded(const MemberProbe& member, uint32_t, uint32_t, uint64_t) {
  const auto& all = stage_.members();
  const bool left_alone = std::any_of(all.begin(), all.end(), [&member](const auto* other) {
    return other != &member && other->running() && other->status() == MemberStatus::kFull;
  });
  if (left_alone) Count(Event::kOnlyLightSurvive);
}

void NamedEvents::OnSnapshotInstalled(const MemberProbe& member, uint64_t) {
  if (full_when_ready_) taking_in_.insert(member.id());
}

void NamedEvents::OnReady(const MemberProbe& member) {
  taking_in_.erase(member.id());
  ready_under_[member.id()] = member.view().members.front().id;
}

void NamedEvents::SeeLeaderOfReady(const MemberProbe& member, const View& view,
                                   MemberStatus status) {
  const auto ready = ready_under_.find(member.id());
  if (ready == ready_under_.end()) return;
  if (status == MemberStatus::kLearner && view.members.front().id == ready->second) return;
  if (view.members.front().id != ready->second) Count(Event::kTakeOverWhileReady);
  ready_under_.erase(ready);
}

void NamedEvents::OnViewChanged(const MemberProbe& member, const View& view, MemberStatus status) {
  SeeLeaderOfReady(member, view, status);
  if (!views_.insert(view.epoch).second || member.shown_view().number == 0) return;
  auto fresh = std::count_if(view.members.begin(), view.members.end(), [&](const auto& info) {
    return member.shown_view().SlotOf(info.id, info.incarnation) == multicast::kNoSlot;
  });
  if (fresh >= 2) Count(Event::kTwoJoinAtOnce);
}

void NamedEvents::OnLeft(const MemberProbe& member, bool overrun) {
  taking_in_.erase(member.id());
  ready_under_.erase(member.id());
  if (overrun) Count(Event::kLearnerOverrun);
}

void NamedEvents::OnDiverged(const MemberProbe&, uint64_t, uint64_t) { Count(Event::kDivergence); }

void NamedEvents::OnSendDone(const MemberProbe&, const SentMessage& message,
                             const std::vector<ReplySeen>&) {
  if (message.abort_asked && message.outcome == Outcome::kCommitted) {
    Count(Event::kAbortRacesCommit);
  }
}

void NamedEvents::OnCrashed(const MemberProbe& member, size_t open_sends) {
  if (open_sends > 0) died_in_flight_.insert(member.id());
  if (taking_in_.erase(member.id()) > 0) Count(Event::kCrashBeforeReady);
  ready_under_.erase(member.id());
}

void NamedEvents::OnStarted(const MemberProbe& member, bool) {
  if (died_in_flight_.erase(member.id()) > 0) Count(Event::kRestartInFlight);
}

}  // namespace strata::simulation
