#include <algorithm>
#include <utility>

#include "multicast/core/core_impl.h"
#include "multicast/core/mutants.h"

// Installing views, leaving them.
namespace strata::multicast {

void Core::Impl::BeginIncarnation() {
  for (size_t i = 0; i < group_.self.incarnation.bytes.size(); i += 8) {
    uint64_t word = group_.random.Next();
    for (size_t j = 0; j < 8; ++j, word >>= 8) {
      group_.self.incarnation.bytes[i + j] = static_cast<uint8_t>(word);
    }
  }
  group_.self.status = MemberStatus::kNone;
  group_.outbox.SetSelf(group_.self);
  group_.outbox.SetView(group_.view);
  ready_ = false;
  known_ids_.clear();
  views_.BeginIncarnation(group_.self.incarnation);
  incarnation_persist_ = views_.last_persist();
}

// This incarnation is out: everything starts anew with the next one.
void Core::Impl::Rejoin(LeftViewAction::Why why, Timestamp now) {
  zombie_deadline_ = Timestamp::Never();
  if (!group_.in_view()) return;
  if (solo_since_ != 0 && applier_.applied() >= solo_since_) {
    group_.batch.Add(DivergedAction{solo_since_, applier_.applied()});
    why = LeftViewAction::Why::kDiverged;
  }
  solo_since_ = 0;
  if (why == LeftViewAction::Why::kOverrun) Count(Counter::kLearnerOverruns);
  Count(Counter::kEvictions);
  sender_.EndAll();
  prepare_.EndAll();
  group_.batch.Add(LeftViewAction{why});
  group_.view = View();
  group_.self_slot = kNoSlot;
  group_.retired.insert(group_.retired.end(), group_.peers.begin(), group_.peers.end());
  group_.peers.clear();
  group_.log.StartAfter(0);
  group_.frozen = false;
  // The application still has this state, if it comes to founding the group anew.
  if (group_.synced) views_.SetDurableCommit(applier_.applied());
  group_.synced = false;
  group_.ready = false;
  applier_.Reset(0);
  aborts_.Reset();
  repairer_.Reset();
  requester_.Reset(now);
  fetcher_.Stop();
  donor_.Clear();
  admission_.Clear();
  early_log_.clear();
  fan_out_.clear();
  sm_heard_at_ = now;
  BeginIncarnation();
  join_due_ =
      now + group_.random.Between(group_.settings.join_interval, 3 * group_.settings.join_interval);
}

void Core::Impl::MaybeInstall(Timestamp now) {
  if (views_.Excluded() && group_.in_view()) {
    Rejoin(LeftViewAction::Why::kEvicted, now);
    return;
  }
  if (auto installation = views_.TakeInstallation()) Install(*installation, now);
}

// The structure of `view`: peers by slot, keeping those that go on.
void Core::Impl::SetView(const View& view, Timestamp now) {
  std::vector<std::shared_ptr<Peer>> peers;
  for (const MemberInfo& member : view.members) {
    std::shared_ptr<Peer> peer;
    const Slot slot = group_.view.SlotOf(member.id, member.incarnation);
    if (slot != kNoSlot) {
      peer = group_.peers[slot];
    } else {
      peer = std::make_shared<Peer>();
    }
    peer->info = member;
    peers.push_back(std::move(peer));
    known_ids_.insert(member.id);
  }
  for (const auto& old : group_.peers) {
    old->in_view = view.SlotOf(old->info.id, old->info.incarnation) != kNoSlot;
  }
  group_.view = view;
  group_.peers = std::move(peers);
  group_.self_slot = view.SlotOf(group_.self.id, group_.self.incarnation);
  failures_.Renew(now);
}

// The log up to the new view, for a member that goes on. False if a part of it is missing here.
bool Core::Impl::ContinueLog(const ViewProposal& proposal, Timestamp now) {
  if (proposal.log_first > group_.log.last() + 1) return false;
  for (size_t i = 0; i < proposal.records.size(); ++i) {
    const uint64_t number = proposal.log_first + i;
    if (number <= group_.log.last()) continue;
    const LogRecord& record = proposal.records[i];
    group_.log.Append(record);
    if (record.kind != LogRecord::Kind::kView) {
      applier_.Enqueue(number, record);
      continue;
    }
    if (!record.view || record.view->SlotOf(group_.self.id, group_.self.incarnation) == kNoSlot) {
      return false;
    }
    SetView(*record.view, now);
    applier_.EnqueueView(*record.view, group_.status());
  }
  // A founding goes back to what its founder had on disk: who knows more starts over.
  return group_.log.last() + 1 == proposal.view.log_number;
}

// Quorum none: from which log record on, the flush included, this member decides for itself.
void Core::Impl::NoteSolo(uint64_t first_new) {
  const auto& members = group_.view.members;
  const auto full = std::count_if(members.begin(), members.end(), [](const MemberInfo& m) {
    return m.status == MemberStatus::kFull;
  });
  const bool solo = group_.view.quorum_none && group_.is_sm() && full == 1;
  if (!solo) {
    solo_since_ = 0;
  } else if (solo_since_ == 0) {
    solo_since_ = first_new;
  }
}

// What the application has beside the group's state it has from who led: the next one may have gone
// on without this member since, and has to count it anew.
void Core::Impl::NoteWhoLeads(const View& previous) {
  const MemberInfo& sm = group_.view.members.front();
  const bool same = !previous.members.empty() && previous.members.front().id == sm.id &&
                    previous.members.front().incarnation == sm.incarnation;
  if (same || STRATA_MUTANT(kReadyForAnySm)) return;
  ready_from_ = group_.view.number;
  group_.ready = false;
}

void Core::Impl::Install(const ViewChange::Installation& installation, Timestamp now) {
  const ViewProposal& proposal = installation.proposal;
  if (proposal.view.epoch <= group_.view.epoch) return;
  if (proposal.view.SlotOf(group_.self.id, group_.self.incarnation) == kNoSlot) return;
  const View previous = group_.view;
  const bool fresh = !group_.in_view();
  const uint64_t first_new = fresh ? proposal.view.log_number : group_.log.last() + 1;
  early_log_.clear();
  if (!fresh && !ContinueLog(proposal, now)) {
    Rejoin(LeftViewAction::Why::kOverrun, now);
    return;
  }
  SetView(proposal.view, now);
  NoteSolo(first_new);
  NoteWhoLeads(previous);
  if (fresh) {
    group_.log.StartAfter(proposal.view.log_number - 1);
    applier_.Reset(proposal.view.log_number - 1);
    group_.synced = installation.founding;
  }
  LogRecord record;
  record.kind = LogRecord::Kind::kView;
  record.view = proposal.view;
  group_.log.Append(record);
  group_.outbox.SetView(group_.view);
  group_.frozen = views_.promised() > group_.view.epoch;  // A later proposal was quicker.
  group_.leads_anyway = false;                            // Somebody leads.
  zombie_deadline_ = Timestamp::Never();
  Count(Counter::kViewsInstalled);
  ResetMachines(proposal, fresh, previous, now);
  applier_.EnqueueView(group_.view, group_.status());
  views_.OnInstalled(now);
  if (!group_.synced && group_.self.role != Role::kWitness && !fetcher_.running()) {
    fetcher_.Start(group_.view.log_number, now);
  }
  fetcher_.OnViewInstalled(now);
  heartbeat_due_ = now;
  join_due_ = Timestamp::Never();
}

void Core::Impl::PositionStreams(const ViewProposal& proposal, bool fresh, const View& previous) {
  for (const Position& position : proposal.positions) {
    if (position.slot >= group_.size() || position.stream >= kStreamSlots) continue;
    PeerStream& side = group_.peers[position.slot]->streams[position.stream];
    if (fresh && position.slot != group_.self_slot) {
      side.known = true;  // Of what kind it is, its first record tells.
      side.records.SkipTo(position.seq);
    }
    if (side.typed && side.received) continue;  // Only where joiners start.
    committer_.SetCommitted(position.slot, position.stream, position.seq);
    for (Slot member = 0; member < group_.size(); ++member) {
      if (group_.full(member)) {
        group_.board.Raise(member, position.slot, position.stream, position.seq);
      }
    }
  }
  // Received streams do not wait for who was not full when their records were sent.
  for (Slot member = 0; member < group_.size(); ++member) {
    const MemberInfo& info = group_.view.members[member];
    const Slot before = previous.SlotOf(info.id, info.incarnation);
    if (before != kNoSlot && previous.members[before].status == MemberStatus::kFull) continue;
    for (Slot origin = 0; origin < group_.size(); ++origin) {
      for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
        const PeerStream& side = group_.peers[origin]->streams[stream];
        // Of the own records what was sent: the others go to this one too.
        if (side.received) group_.board.Raise(member, origin, stream, side.ackable());
      }
    }
  }
}

void Core::Impl::AnnounceGone(const View& previous, Timestamp now) {
  RotateKeyAction rotate;
  bool full_evicted = false;
  for (const MemberInfo& member : previous.members) {
    if (group_.view.SlotOf(member.id, member.incarnation) != kNoSlot) continue;
    Count(Counter::kMembersEvicted);
    rotate.evicted.push_back(member.id);
    full_evicted = full_evicted || member.status == MemberStatus::kFull;
    sender_.OnMemberGone(member.id, now);
  }
  if (full_evicted) sender_.AbortAllOf(now);
  if (!rotate.evicted.empty() && group_.is_sm()) group_.batch.Add(std::move(rotate));
}

void Core::Impl::ResetMachines(const ViewProposal& proposal, bool fresh, const View& previous,
                               Timestamp now) {
  group_.board.Reset(group_.size());
  member_synced_.assign(group_.size(), false);
  state_heard_at_ = now;
  committer_.Reset(now);
  aborts_.Reset();
  repairer_.Reset();
  PositionStreams(proposal, fresh, previous);
  const auto& members = group_.view.members;
  const bool joined = std::any_of(members.begin(), members.end(), [&](const MemberInfo& member) {
    return previous.SlotOf(member.id, member.incarnation) == kNoSlot;
  });
  if (joined) aborts_.OnJoined();
  for (Slot member = 0; member < group_.size(); ++member) {
    group_.board.RaiseLogSeen(member, proposal.log_first - 1);
    if (!fresh) continue;
    group_.peers[member]->limit_told = group_.settings.receive_records;
  }
  sender_.OnViewInstalled(fresh, now);
  AnnounceGone(previous, now);
  acknowledger_.Reset(now);
  requester_.Reset(now);
  fan_out_watch_.Reset(now);
  admission_.OnViewInstalled();
  prepare_.OnViewInstalled(now);
  if (group_.view.members.size() != previous.members.size()) {
    promote_after_ = now;
    promote_wait_ = Duration::zero();
  }
  fan_out_.clear();
  if (!group_.view.fan_out) return;
  for (const MemberInfo& member : group_.view.members) {
    if (member.id != group_.self.id) fan_out_.push_back(member.unicast);
  }
}

}  // namespace strata::multicast
