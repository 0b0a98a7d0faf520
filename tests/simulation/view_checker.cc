#include "tests/simulation/view_checker.h"

#include <algorithm>

namespace strata::simulation {

using multicast::Epoch;
using multicast::MemberId;
using multicast::MemberStatus;
using multicast::PacketType;
using multicast::View;

namespace {
unsigned long long Ull(uint64_t value) { return value; }
}  // namespace

void ViewChecker::OnStarted(const MemberProbe& member, bool with_disk) {
  if (!with_disk) promised_.erase(member.id());
}

void ViewChecker::Promise(const MemberProbe& member, const Epoch& ballot, const char* how) {
  Epoch& promised = promised_[member.id()];
  if (ballot < promised) {
    stage_.Fail("promise", "member %u sends %s for ballot %llu.%u after promising %llu.%u",
                member.id().value(), how, Ull(ballot.counter), ballot.proposer.value(),
                Ull(promised.counter), promised.proposer.value());
  }
  promised = std::max(promised, ballot);
}

void ViewChecker::OnTransmit(const MemberProbe& from, const Packet& packet, Sent) {
  if (const auto* report = packet.As<multicast::Report>()) {
    if (report->promised == report->ballot) Promise(from, report->ballot, "REPORT");
  } else if (packet.type() == PacketType::kViewAck) {
    // Of the view that it has installed already: that took effect, and repeating it says nothing.
    const auto* ballot = packet.As<multicast::Ballot>();
    if (ballot != nullptr && ballot->ballot != from.view().epoch) {
      Promise(from, ballot->ballot, "VIEW_ACK");
    }
  } else if (const auto* propose = packet.As<multicast::Propose>()) {
    Promise(from, propose->ballot, "PROPOSE");
  } else if (const auto* proposal = packet.As<multicast::ViewProposal>()) {
    quorums_.emplace(proposal->ballot, proposal->quorums);
    accepted_[proposal->ballot].insert(from.id());
  }
  bool acknowledges = packet.type() == PacketType::kAck;
  if (const auto* commit = packet.As<multicast::Commit>()) {
    // Repeating a log record that was told before the promise is repair, not acknowledgement.
    uint64_t& told = told_[packet.header().epoch];
    uint64_t last = commit->first + commit->records.size() - 1;
    acknowledges = !commit->records.empty() && last > told;
    told = std::max(told, last);
  }
  auto promised = promised_.find(from.id());
  if (!acknowledges || promised == promised_.end()) return;
  if (packet.header().epoch < promised->second) {
    stage_.Fail("promise", "member %u acknowledges in epoch %llu.%u after promising %llu.%u",
                from.id().value(), Ull(packet.header().epoch.counter),
                packet.header().epoch.proposer.value(), Ull(promised->second.counter),
                promised->second.proposer.value());
  }
}

void ViewChecker::OnHanded(const MemberProbe& to, const Packet& packet) {
  if (packet.type() != PacketType::kViewAck) return;
  const auto* ballot = packet.As<multicast::Ballot>();
  if (ballot != nullptr && ballot->ballot.proposer == to.id()) {
    accepted_[ballot->ballot].insert(packet.header().sender);
  }
}

void ViewChecker::OnViewChanged(const MemberProbe& member, const View& view, MemberStatus status) {
  Shown& shown = shown_[member.id()];
  multicast::Slot slot = view.SlotOf(member.id());
  if (slot == multicast::kNoSlot) {
    stage_.Fail("view", "member %u is shown view %u without itself", member.id().value(),
                view.number);
    return;
  }
  const auto& incarnation = view.members[slot].incarnation;
  if (shown.life == member.life() && shown.incarnation == incarnation &&
      (view.epoch <= shown.epoch || view.number <= shown.number)) {
    stage_.Fail("view", "member %u goes from view %u to view %u", member.id().value(), shown.number,
                view.number);
  }
  shown = {member.life(), incarnation, view.epoch, view.number};
  Installed& installed =
      installed_.try_emplace(view.epoch, Installed{view, {}, false}).first->second;
  if (installed.view != view) {
    stage_.Fail("view", "two different views in epoch %llu.%u", Ull(view.epoch.counter),
                view.epoch.proposer.value());
  }
  // A view that an unresolved proposal brought into the log is shown only on the way to a later
  // one.
  bool arrived = member.view().epoch == view.epoch;
  if (arrived && view.epoch.proposer == member.id() && !installed.by_proposer) {
    installed.by_proposer = true;
    installed.accepted = accepted_[view.epoch];
  }
  if (status == MemberStatus::kFull && member.state_complete()) CompareStates(member, view);
}

void ViewChecker::CompareStates(const MemberProbe& member, const View& view) {
  ChainAt here{member.state().chain(), member.state().entries().size(), member.id()};
  auto [first, fresh] = chains_.emplace(view.epoch, here);
  if (fresh || first->second.chain == here.chain) return;
  stage_.Fail(
      "virtual-synchrony",
      "member %u enters view %u with %zu entries up to #%llu, member %u with %zu; they differ",
      member.id().value(), view.number, here.entries, Ull(member.state().last_number()),
      first->second.member.value(), first->second.entries);
}

void ViewChecker::OnEnd(const MemberProbe&) {
  std::map<uint32_t, Epoch> by_number;
  for (const auto& [epoch, installed] : installed_) {
    auto [other, fresh] = by_number.emplace(installed.view.number, epoch);
    if (!fresh && !quorum_none_) {
      stage_.Fail("one-view", "view %u was installed in epochs %llu.%u and %llu.%u",
                  installed.view.number, Ull(other->second.counter), other->second.proposer.value(),
                  Ull(epoch.counter), epoch.proposer.value());
    }
    auto quorums = quorums_.find(epoch);
    if (quorum_none_ || !installed.by_proposer || quorums == quorums_.end()) continue;
    for (const auto& quorum : quorums->second) {
      auto have =
          std::count_if(quorum.begin(), quorum.end(),
                        [proposer = epoch.proposer, &accepted = installed.accepted](MemberId id) {
                          return id == proposer || accepted.contains(id);
                        });
      if (2 * static_cast<size_t>(have) > quorum.size()) continue;
      stage_.Fail("majority", "view %u was installed with %zu of %zu voters", installed.view.number,
                  static_cast<size_t>(have), quorum.size());
    }
  }
}

}  // namespace strata::simulation
