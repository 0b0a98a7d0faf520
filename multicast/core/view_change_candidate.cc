// ViewChange as a candidate: proposes a view, and decides what is in it.
#include <algorithm>
#include <utility>

#include "multicast/core/mutants.h"
#include "multicast/core/view_change.h"

namespace strata::multicast {
namespace {

constexpr int kUnconfirmedTolerated = 4;  // Before the retry pause doubles, and for each doubling.
constexpr int kBackoffDoublings = 6;

}  // namespace

void ViewChange::Propose(Wishes wishes, Timestamp now) {
  if (!MayPropose(now) || group_.self.role != Role::kManager) return;
  wishes_ = std::move(wishes);
  memoryless_ = !group_.in_view();
  was_sm_ = group_.is_sm();
  ballot_ = NextBallot();
  Promise(ballot_);
  group_.frozen = true;
  reports_.clear();
  acks_.clear();
  decision_.reset();
  phase_ = Phase::kPromising;
  sent_phase_ = Phase::kIdle;
  phase_deadline_ = Timestamp::Never();
  resend_at_ = Timestamp::Never();
  group_.counters.Add(Counter::kProposals);
  Persist(Then::kCollect, ballot_);
}

void ViewChange::Found(Timestamp) {
  if (phase_ != Phase::kIdle) return;
  ballot_ = NextBallot();
  Promise(ballot_);
  Decision decision;
  decision.founding = true;
  ViewProposal& proposal = decision.proposal;
  proposal.ballot = ballot_;
  proposal.quorums = {{group_.self.id}};
  proposal.log_first = durable_commit_ + 1;
  View& view = proposal.view;
  view.epoch = ballot_;
  view.number = 1;
  view.quorum_none = group_.settings.quorum_none;
  view.log_number = durable_commit_ + 1;
  view.members = {group_.self};
  view.members[0].status = MemberStatus::kFull;
  ChooseVoters(view.members);
  decision_ = decision;
  durable_.accepted = proposal;
  phase_ = Phase::kAccepting;
  group_.frozen = true;
  group_.counters.Add(Counter::kProposals);
  Persist(Then::kConfirm, ballot_);
}

Report ViewChange::MakeReport(Epoch ballot, uint64_t log_seen) const {
  Report report;
  report.ballot = ballot;
  report.promised = std::max(durable_.promised, ballot);
  report.status = group_.status();
  report.synced = group_.may_be_full();
  report.durable_commit = durable_commit_;
  report.self = group_.self;
  report.self.status = report.status;
  report.installed = group_.in_view() ? std::optional(group_.view) : durable_.installed;
  // Also how the installed view came about, if that is not in memory any more: its log may be
  // nowhere else.
  const Epoch known = group_.in_view() ? group_.view.epoch : Epoch();
  if (durable_.accepted && durable_.accepted->view.epoch > known) {
    report.accepted = durable_.accepted;
  }
  if (!group_.in_view()) return report;
  report.log_seen = group_.log.last();
  report.records = group_.log.After(log_seen);
  for (Slot slot = 0; slot < group_.size(); ++slot) {
    for (StreamId stream = 0; stream < kMaxStreams; ++stream) {
      const PeerStream& side = group_.peers[slot]->streams[stream];
      if (!side.known || (side.typed && side.received)) continue;
      const Seq held =
          side.records.CutToMessage(std::max(side.ackable(), side.records.delivered()));
      if (held > 0) report.positions.push_back({slot, stream, held});
    }
  }
  return report;
}

void ViewChange::SendReport(Epoch ballot, const Endpoint& to, uint64_t log_seen) {
  const Report report = MakeReport(ballot, log_seen);
  group_.outbox.SendLarge(PacketType::kReport, report, EncodedSizeMax(report), To::Unicast(to));
}

bool ViewChange::AllReported(Timestamp now) const {
  if (memoryless_) return false;  // Who may still be there is not known: wait.
  const auto reported = [this](MemberId id) {
    return std::any_of(reports_.begin(), reports_.end(),
                       [id](const Report& r) { return r.self.id == id; });
  };
  for (Slot slot = 0; slot < group_.size(); ++slot) {
    const MemberId id = group_.view.members[slot].id;
    const bool excluded =
        std::find(wishes_.excluded.begin(), wishes_.excluded.end(), id) != wishes_.excluded.end();
    if (!excluded && !failures_.Suspects(slot, now) && !reported(id)) return false;
  }
  return std::all_of(wishes_.joiners.begin(), wishes_.joiners.end(),
                     [&](const MemberInfo& joiner) { return reported(joiner.id); });
}

void ViewChange::OnReport(const Report& report, const Endpoint&, Timestamp now) {
  seen_ = std::max(seen_, report.promised);
  if (phase_ != Phase::kCollecting || report.ballot != ballot_) return;
  if (report.promised > ballot_) {
    Fail(now);
    return;
  }
  const auto same = std::find_if(reports_.begin(), reports_.end(), [&report](const Report& r) {
    return r.self.id == report.self.id;
  });
  if (same == reports_.end()) {
    if (reports_.size() >= kMaxMembers) return;
    reports_.push_back(report);
  } else if (same->self.incarnation != report.self.incarnation) {
    *same = report;
  }
  if (AllReported(now)) TryDecide(false, now);
}

std::vector<Position> ViewChange::ReceivedPositions() const {
  std::vector<Position> positions;
  if (!group_.in_view()) return positions;
  for (Slot slot = 0; slot < group_.size(); ++slot) {
    for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
      const PeerStream& side = group_.peers[slot]->streams[stream];
      if ((side.typed && !side.received) || side.records.delivered() == 0) continue;
      positions.push_back({slot, stream, side.records.delivered()});
    }
  }
  return positions;
}

void ViewChange::TryDecide(bool last_chance, Timestamp now) {
  DecisionInput input;
  input.ballot = ballot_;
  input.self = group_.self;
  input.reports = reports_;
  input.log = &group_.log;
  input.joiners = wishes_.joiners;
  input.excluded = wishes_.excluded;
  input.fan_out = wishes_.fan_out;
  input.quorum_none = group_.settings.quorum_none;
  input.memoryless = memoryless_;
  input.lead_only_if_full = group_.settings.lead_only_if_full;
  input.anyway = group_.leads_anyway;
  input.was_sm = was_sm_;
  input.all_of = wishes_.all_of;
  input.received = ReceivedPositions();
  input.received_view = &group_.view;
  auto decided = multicast::Decide(input);
  if (Indecision* why = std::get_if<Indecision>(&decided)) {
    if (*why == Indecision::kTooManyQuorums) {
      group_.batch.Add(AlarmAction{Alarm::kTooManyQuorums, {}, 0});
    }
    if (*why == Indecision::kNoMajority && last_chance) AlarmMajority(true);
    // No view can follow in which this incarnation goes on, unless the reporters forget. It would
    // only keep others from proposing to those who are in the base view.
    left_out_ = *why == Indecision::kLeftOut && last_chance;
    if (last_chance) Fail(now);
    return;
  }
  decision_ = std::move(std::get<Decision>(decided));
  durable_.accepted = decision_->proposal;
  accept_persisted_ = false;
  phase_ = Phase::kAccepting;
  Persist(Then::kConfirm, ballot_);
}

void ViewChange::AlarmMajority(bool lost) {
  if (no_majority_ == lost) return;
  no_majority_ = lost;
  group_.batch.Add(AlarmAction{lost ? Alarm::kNoMajority : Alarm::kMajorityBack, {}, 0});
}

void ViewChange::Fail(Timestamp now) {
  if (proposing()) group_.counters.Add(Counter::kProposalsFailed);
  phase_ = Phase::kIdle;
  phase_deadline_ = resend_at_ = Timestamp::Never();
  const int doublings = std::min(unconfirmed_++ / kUnconfirmedTolerated, kBackoffDoublings);
  retry_at_ = now + group_.random.Between(group_.settings.propose_retry,
                                          group_.settings.propose_backoff * (1 << doublings));
}

// Who was heard in this phase and has not answered is alive, and its disk is slow: left out, it
// would only come back to be left out again.
bool ViewChange::MayAnswerYet(Timestamp now) const {
  const bool waits = phase_ == Phase::kCollecting || phase_ == Phase::kConfirming;
  if (!waits || now - phase_began_ >= group_.settings.detection_timeout) return false;
  const std::vector<MemberInfo> unanswered = Unanswered();
  return std::any_of(unanswered.begin(), unanswered.end(), [this](const MemberInfo& member) {
    const auto& excluded = wishes_.excluded;
    const Slot slot = group_.view.SlotOf(member.id, member.incarnation);
    return slot != kNoSlot && group_.peers[slot]->last_heard > phase_began_ &&
           std::find(excluded.begin(), excluded.end(), member.id) == excluded.end();
  });
}

// Who has not answered the present phase yet.
std::vector<MemberInfo> ViewChange::Unanswered() const {
  const auto answered = [this](MemberId id) {
    if (id == group_.self.id) return true;
    if (phase_ == Phase::kSettling) {
      return std::find(unheard_.begin(), unheard_.end(), id) == unheard_.end();
    }
    if (phase_ == Phase::kConfirming) {
      return std::any_of(acks_.begin(), acks_.end(), [id](const Vote& v) { return v.id == id; });
    }
    return std::any_of(reports_.begin(), reports_.end(),
                       [id](const Report& report) { return report.self.id == id; });
  };
  std::vector<MemberInfo> candidates;
  if (phase_ != Phase::kCollecting) {
    candidates = decision_->proposal.view.members;
  } else {
    candidates = wishes_.joiners;
    const View* view = &group_.view;
    if (memoryless_ && durable_.installed) view = &*durable_.installed;
    candidates.insert(candidates.end(), view->members.begin(), view->members.end());
  }
  std::erase_if(candidates, [&](const MemberInfo& member) { return answered(member.id); });
  return candidates;
}

// To the group; and to each one who has not answered, where the group is its members one by one and
// with every repeat: multicast may be what is broken.
void ViewChange::SendProposal(Timestamp now) {
  resend_at_ = now + group_.settings.propose_retry;
  std::vector<To> destinations = {To::Group()};
  const bool repeat = std::exchange(sent_phase_, phase_) == phase_;
  if (repeat || group_.view.fan_out || wishes_.fan_out) {
    for (const MemberInfo& member : Unanswered()) {
      destinations.push_back(To::Unicast(member.unicast));
    }
  }
  const multicast::Propose propose{ballot_, group_.in_view() ? group_.log.last() : 0};
  for (const To& to : destinations) {
    if (phase_ == Phase::kCollecting) {
      group_.outbox.Send(PacketType::kPropose, propose, to);
      continue;
    }
    const ViewProposal& proposal = decision_->proposal;
    group_.outbox.SendLarge(PacketType::kView, proposal, EncodedSizeMax(proposal), to);
    if (phase_ == Phase::kSettling) {
      group_.outbox.Send(PacketType::kInstall, Ballot{ballot_}, to);
    }
  }
}

void ViewChange::OnViewAck(const Header& header, Epoch ballot, Timestamp now) {
  if (phase_ != Phase::kConfirming || ballot != ballot_) return;
  const auto same = std::find_if(acks_.begin(), acks_.end(),
                                 [&header](const Vote& vote) { return vote.id == header.sender; });
  Vote& vote = same == acks_.end() ? acks_.emplace_back(Vote{header.sender, false}) : *same;
  vote.remembers = vote.remembers || PromisedFromMemory(header.sender, header.incarnation);
  CheckEffective(now);
}

// Whose disk was lost does not say so with its acceptance, but its promise did. Of who did not
// promise nothing is known.
bool ViewChange::PromisedFromMemory(MemberId id, const Incarnation& incarnation) const {
  return std::any_of(reports_.begin(), reports_.end(), [&](const Report& report) {
    return report.self.id == id && report.self.incarnation == incarnation &&
           PromiseOf(report).remembers;
  });
}

void ViewChange::CheckEffective(Timestamp now) {
  const bool effective = CarriesAll(decision_->proposal.quorums, acks_);
  if (!effective && !STRATA_MUTANT(kViewWithoutMajority)) return;
  install_ = Installation{decision_->proposal, decision_->founding, decision_->unsynced};
  unheard_.clear();
  for (const MemberInfo& member : decision_->proposal.view.members) {
    if (member.id != group_.self.id) unheard_.push_back(member.id);
  }
  phase_ = Phase::kSettling;
  phase_deadline_ = now + group_.settings.detection_timeout;
  AlarmMajority(false);
  if (unheard_.empty()) return;
  resend_at_ = now + group_.settings.propose_retry;
  group_.outbox.Send(PacketType::kInstall, Ballot{ballot_}, To::Group());
  if (!group_.view.fan_out && !wishes_.fan_out) return;
  for (const MemberInfo& member : Unanswered()) {
    group_.outbox.Send(PacketType::kInstall, Ballot{ballot_}, To::Unicast(member.unicast));
  }
}

void ViewChange::HeardInEpoch(MemberId member) {
  if (phase_ == Phase::kSettling) std::erase(unheard_, member);
}

}  // namespace strata::multicast
