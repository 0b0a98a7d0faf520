#include "multicast/core/view_change.h"

#include <algorithm>
#include <utility>

#include "multicast/core/mutants.h"

namespace strata::multicast {
void ViewChange::Start(DurableState durable, uint64_t durable_commit) {
  durable_ = std::move(durable);
  durable_commit_ = durable_commit;
}

void ViewChange::BeginIncarnation(const Incarnation& incarnation) {
  durable_.incarnation = incarnation;
  phase_ = Phase::kIdle;
  excluded_installed_ = left_out_ = false;
  excluding_ = Epoch();
  install_.reset();
  // Promises and what was accepted stay: they are the member's, not the incarnation's.
  accept_persisted_ = false;
  Persist(Then::kNothing, Epoch());
}

std::vector<Endpoint> ViewChange::DurableEndpoints() const {
  std::vector<Endpoint> endpoints;
  if (!durable_.installed) return endpoints;
  for (const MemberInfo& member : durable_.installed->members) {
    if (member.id != group_.self.id) endpoints.push_back(member.unicast);
  }
  return endpoints;
}

Epoch ViewChange::DurableEpoch() const {
  Epoch epoch;
  if (durable_.installed) epoch = durable_.installed->epoch;
  if (durable_.accepted) epoch = std::max(epoch, durable_.accepted->view.epoch);
  return epoch;
}

void ViewChange::Persist(Then then, Epoch ballot, const Endpoint& to, uint64_t log_seen) {
  PersistAction action;
  action.id = next_persist_++;
  action.state = EncodeDurable(durable_);
  pending_.push_back({action.id, then, ballot, to, log_seen});
  group_.batch.Add(std::move(action));
}

void ViewChange::Promise(Epoch ballot) {
  if (STRATA_MUTANT(kPromiseForgotten)) return;
  durable_.promised = std::max(durable_.promised, ballot);
  seen_ = std::max(seen_, ballot);
}

Epoch ViewChange::NextBallot() const {
  const uint64_t highest =
      std::max({durable_.promised.counter, seen_.counter, group_.view.epoch.counter});
  return {highest + 1, group_.self.id};
}

// ---- The member.

void ViewChange::OnPropose(const Header& header, const Endpoint& from,
                           const multicast::Propose& propose, bool sm_suspected, Timestamp now) {
  if (header.sender != propose.ballot.proposer) return;
  const bool in_view = group_.view.SlotOf(header.sender, header.incarnation) != kNoSlot;
  const bool in_accepted = durable_.accepted && durable_.accepted->view.SlotOf(
                                                    header.sender, header.incarnation) != kNoSlot;
  if (group_.in_view() && !in_view && !in_accepted && !sm_suspected) {
    group_.counters.Add(Counter::kNotExpected);
    return;
  }
  seen_ = std::max(seen_, propose.ballot);
  if (propose.ballot < durable_.promised && !STRATA_MUTANT(kPromiseForgotten)) {
    SendReport(propose.ballot, from, propose.log_seen);
    return;
  }
  if (propose.ballot == durable_.promised && propose.ballot.proposer != group_.self.id) {
    const bool persisting = std::any_of(pending_.begin(), pending_.end(), [&](const Pending& p) {
      return p.ballot == propose.ballot;
    });
    if (!persisting) SendReport(propose.ballot, from, propose.log_seen);
    return;
  }
  if (proposing()) Fail(now);
  if (phase_ == Phase::kSettling) phase_ = Phase::kIdle;
  // Let that candidate have its time, or two take turns at stopping each other.
  const Duration collect = group_.settings.collect_timeout;
  retry_at_ =
      std::max(retry_at_,
               now + group_.random.Between(collect, 2 * collect + group_.settings.propose_backoff));
  Promise(propose.ballot);
  group_.frozen = group_.in_view();
  Persist(Then::kReport, propose.ballot, from, propose.log_seen);
}

void ViewChange::OnView(const Header& header, const Endpoint& from, const ViewProposal& proposal,
                        Timestamp now) {
  const Epoch ballot = proposal.ballot;
  if (header.sender != ballot.proposer || proposal.view.epoch != ballot ||
      ballot.proposer == group_.self.id) {
    return;
  }
  seen_ = std::max(seen_, ballot);
  if (ballot <= group_.view.epoch ||
      (ballot < durable_.promised && !STRATA_MUTANT(kPromiseForgotten))) {
    if (ballot == group_.view.epoch) {
      group_.outbox.Send(PacketType::kViewAck, Ballot{ballot}, To::Unicast(from));
    }
    return;
  }
  if (proposal.view.SlotOf(group_.self.id, group_.self.incarnation) == kNoSlot) {
    excluding_ = std::max(excluding_, ballot);
    // A voter votes also for a view without it: the view may need just its acceptance.
    const bool voter =
        std::any_of(proposal.quorums.begin(), proposal.quorums.end(), [this](const Quorum& quorum) {
          return std::find(quorum.begin(), quorum.end(), group_.self.id) != quorum.end();
        });
    if (!voter) return;
  }
  if (durable_.accepted && durable_.accepted->ballot == ballot) {
    if (accept_persisted_) {
      group_.outbox.Send(PacketType::kViewAck, Ballot{ballot}, To::Unicast(from));
    }
    return;
  }
  if (proposing()) Fail(now);
  if (phase_ == Phase::kSettling) phase_ = Phase::kIdle;
  Promise(ballot);
  durable_.accepted = proposal;
  accept_persisted_ = false;
  group_.frozen = group_.in_view();
  Persist(Then::kViewAck, ballot, from);
}

void ViewChange::OnInstall(Epoch ballot, Timestamp) {
  if (ballot <= group_.view.epoch) return;
  install_heard_ = std::max(install_heard_, ballot);
  if (ballot == excluding_) excluded_installed_ = true;
  if (!durable_.accepted || durable_.accepted->ballot != ballot || !accept_persisted_) return;
  if (ballot.proposer == group_.self.id) return;  // The candidate installs by its own count.
  install_ = Installation{*durable_.accepted, false, false};
}

std::optional<ViewChange::Installation> ViewChange::TakeInstallation() {
  return std::exchange(install_, std::nullopt);
}

void ViewChange::OnInstalled(Timestamp now) {
  durable_.installed = group_.view;
  accept_persisted_ = false;
  excluded_installed_ = false;
  retry_at_ = now;
  unconfirmed_ = 0;
  Persist(Then::kNothing, Epoch());
}

void ViewChange::OnPersisted(uint64_t id, Timestamp now) {
  while (!pending_.empty() && pending_.front().id <= id) {
    const Pending done = pending_.front();
    pending_.pop_front();
    switch (done.then) {
      case Then::kNothing:
      case Then::kFound:
        break;
      case Then::kReport:
        if (done.ballot == durable_.promised || STRATA_MUTANT(kPromiseForgotten)) {
          SendReport(done.ballot, done.to, done.log_seen);
        }
        break;
      case Then::kViewAck:
        if (!durable_.accepted || durable_.accepted->ballot != done.ballot) break;
        accept_persisted_ = true;
        group_.outbox.Send(PacketType::kViewAck, Ballot{done.ballot}, To::Unicast(done.to));
        if (install_heard_ == done.ballot) OnInstall(done.ballot, now);
        break;
      case Then::kCollect:
        if (phase_ != Phase::kPromising || done.ballot != ballot_) break;
        phase_ = Phase::kCollecting;
        phase_began_ = now;
        phase_deadline_ = now + group_.settings.collect_timeout;
        reports_ = {MakeReport(ballot_, group_.log.last())};
        SendProposal(now);
        if (AllReported(now)) TryDecide(false, now);
        break;
      case Then::kConfirm:
        if (phase_ != Phase::kAccepting || done.ballot != ballot_) break;
        accept_persisted_ = true;
        phase_ = Phase::kConfirming;
        phase_began_ = now;
        phase_deadline_ = now + group_.settings.collect_timeout;
        acks_ = {{group_.self.id}};
        if (decision_->proposal.view.members.size() > 1) SendProposal(now);
        CheckEffective(now);
        break;
    }
  }
}

void ViewChange::OnTimer(Timestamp now) {
  if (phase_ == Phase::kSettling && (unheard_.empty() || now >= phase_deadline_)) {
    phase_ = Phase::kIdle;
    phase_deadline_ = resend_at_ = Timestamp::Never();
  }
  if (phase_deadline_ <= now && MayAnswerYet(now)) {
    phase_deadline_ = now + group_.settings.propose_retry;
  }
  if (phase_deadline_ <= now) {
    phase_deadline_ = Timestamp::Never();
    if (phase_ == Phase::kCollecting) {
      TryDecide(true, now);
    } else if (phase_ == Phase::kConfirming) {
      AlarmMajority(true);
      Fail(now);
    }
  }
  if (resend_at_ <= now && phase_ != Phase::kIdle) SendProposal(now);
}

Timestamp ViewChange::deadline() const {
  return phase_ == Phase::kIdle ? Timestamp::Never() : std::min(phase_deadline_, resend_at_);
}

}  // namespace strata::multicast
