#include "multicast/core/core.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "multicast/core/core_impl.h"

namespace strata::multicast {
namespace {

constexpr Duration kDutyInterval = std::chrono::milliseconds(10);
constexpr Duration kPromoteWaitMin = std::chrono::milliseconds(20);
constexpr Duration kPromoteWaitMax = std::chrono::seconds(1);

}  // namespace

Core::Impl::Impl(const CoreSettings& settings, const SelfDescription& self, RandomSource& random)
    : group_(settings, random) {
  group_.self.id = self.id;
  group_.self.role = self.role;
  group_.self.priority = self.priority;
  group_.self.light = self.light;
  group_.self.version_min = self.version_min;
  group_.self.version_max = self.version_max;
  group_.self.application_version = self.application_version;
  group_.self.mtu = self.mtu;
  group_.self.unicast = self.unicast;
}

Status Core::Impl::Start(ByteSpan durable, uint64_t durable_commit, Timestamp now) {
  DurableState state;
  state.group = group_.settings.group;
  state.member = group_.self.id;
  if (!durable.empty()) {
    StatusOr<DurableState> decoded = DecodeDurable(durable, state.group, state.member);
    if (!decoded.ok()) return decoded.status();
    state = *std::move(decoded);
  }
  views_.Start(std::move(state), durable_commit);
  started_ = true;
  started_at_ = last_now_ = sm_heard_at_ = now;
  BeginIncarnation();
  return Status();
}

// Notices when the process had stood still: nothing that was heard before counts (spec, section
// 10).
void Core::Impl::Tick(Timestamp now) {
  const Duration gap = now - last_now_;
  last_now_ = std::max(last_now_, now);
  if (gap <= group_.settings.detection_timeout / 2 || !group_.in_view()) return;
  Count(Counter::kTimeGaps);
  failures_.Renew(now);
  stood_still_ = now;
  state_heard_at_ = now;
  if (frozen_since_ != Timestamp::Never()) frozen_since_ = now;
  sm_heard_at_ = now;
  if (!group_.is_sm() || group_.size() == 1) return;
  nonce_ = static_cast<uint32_t>(group_.random.Next() | 1);
  committer_.RequireConfirmation(nonce_);
  duty_due_ = now;
}

void Core::Impl::OnPersisted(uint64_t id, Timestamp now) {
  if (!started_) return;
  Tick(now);
  views_.OnPersisted(id, now);
  if (!ready_ && id >= incarnation_persist_) {
    ready_ = true;
    duty_due_ = now;
    join_due_ = std::max(join_due_ == Timestamp::Never() ? now : join_due_, now);
    const bool founds = group_.settings.found && group_.self.role == Role::kManager;
    if (founds && !views_.HasDurableView()) views_.Found(now);
  }
  MaybeInstall(now);
}

std::variant<SendId, SendRefusal> Core::Impl::Send(StreamId stream, ByteSpan message,
                                                   const SendOptions& options, Timestamp now) {
  if (!started_) return SendRefusal::kNotMember;
  Tick(now);
  const auto sent = sender_.Send(stream, message, options, now);
  if (std::holds_alternative<SendRefusal>(sent)) return sent;
  if (options.received) applier_.NoteReceived(group_.peers[group_.self_slot], stream);
  if (options.prepare) prepare_.Examine(group_.self_slot, stream, now);
  return sent;
}

bool Core::Impl::OnPrepared(PrepareToken token, const PrepareAnswer& answer, Timestamp now) {
  if (!started_ || !group_.in_view()) return false;
  Tick(now);
  const PrepareDesk::Answered answered =
      prepare_.OnPrepared(token, answer.accept, answer.reason, answer.reply, now);
  if (!answered.taken) return false;
  applier_.NoteReceived(group_.peers[group_.self_slot], kReplyStream);
  acknowledger_.NoteChange(answered.slot, answered.stream, now);
  acknowledger_.Now();
  committer_.NoteChange(answered.slot, answered.stream);
  return true;
}

bool Core::Impl::Promote(Timestamp now) {
  if (!started_ || group_.self.role != Role::kManager || group_.is_sm() || group_.frozen ||
      group_.status() != MemberStatus::kFull || !group_.synced) {
    return false;
  }
  applier_.EndTurn(now);
  views_.Propose({}, now);
  return true;
}

bool Core::Impl::StartOver(Timestamp now) {
  if (!started_ || !group_.in_view() || group_.is_sm()) return false;
  Rejoin(LeftViewAction::Why::kAsked, now);
  return true;
}

bool Core::Impl::Ready(uint32_t view_number) {
  if (!started_ || !group_.in_view() || view_number < ready_from_) return false;
  group_.ready = true;
  acknowledger_.Now();
  return true;
}

bool Core::Impl::LeadAnyway() {
  if (!started_ || group_.self.role != Role::kManager) return false;
  group_.leads_anyway = !group_.is_sm() || group_.frozen;
  return group_.leads_anyway;
}

// ---- Periodic.

void Core::Impl::SendHeartbeat(const To& to, bool unicast_copy, bool ack_requested, Timestamp now) {
  Heartbeat heartbeat;
  heartbeat.log_last = group_.log.last();
  heartbeat.log_floor = group_.log.floor();
  heartbeat.promised = views_.promised();
  heartbeat.nonce = group_.is_sm() ? nonce_ : acknowledger_.nonce();
  heartbeat.ack_requested = ack_requested;
  heartbeat.unicast_copy = unicast_copy;
  heartbeat.hears_sm = fan_out_watch_.HearsSm(now);
  heartbeat.synced = group_.may_be_full();
  heartbeat.frozen = group_.frozen;
  heartbeat.multicast_test = group_.view.fan_out && to.destination == Destination::kMulticastOnly;
  heartbeat.tails = sender_.Tails();
  group_.outbox.Send(PacketType::kHeartbeat, heartbeat, to);
}

void Core::Impl::SendHeartbeats(Timestamp now) {
  heartbeat_due_ = now + group_.settings.heartbeat_interval;
  if (!group_.in_view()) return;
  ++beats_;
  SendHeartbeat(To::Group(), false, false, now);
  if (group_.view.fan_out) SendHeartbeat(To::MulticastOnly(), false, false, now);
  if (group_.is_sm()) committer_.SendPeriodic();
  // No sender waits for a learner's ACK and asks for it again when it is lost.
  if (group_.status() == MemberStatus::kLearner) acknowledger_.Now();
  if (beats_ % 2 != 0) return;
  for (Slot slot = 0; slot < group_.size(); ++slot) {
    if (slot == group_.self_slot || (!group_.is_sm() && slot != 0)) continue;
    SendHeartbeat(To::Unicast(group_.view.members[slot].unicast), true, false, now);
  }
}

void Core::Impl::SendJoin(Timestamp now) {
  join_due_ = now + group_.settings.join_interval;
  if (group_.in_view() || !ready_) return;
  Join join;
  join.self = group_.self;
  join.durable_epoch = views_.DurableEpoch();
  join.durable_commit = views_.durable_commit();
  group_.outbox.Send(PacketType::kJoin, join, To::MulticastOnly());
  // By unicast too: multicast may be broken, and the group fanned out.
  std::vector<Endpoint> others = views_.DurableEndpoints();
  others.insert(others.end(), group_.settings.seeds.begin(), group_.settings.seeds.end());
  for (const Endpoint& other : others) {
    if (other != group_.self.unicast) {
      group_.outbox.Send(PacketType::kJoin, join, To::Unicast(other));
    }
  }
}

void Core::Impl::OnTimer(Timestamp now) {
  if (!started_) return;
  Tick(now);
  views_.OnTimer(now);
  if (heartbeat_due_ <= now) SendHeartbeats(now);
  if (join_due_ <= now) SendJoin(now);
  if (duty_due_ <= now) DoDuties(now);
  if (zombie_deadline_ <= now) Rejoin(LeftViewAction::Why::kEvicted, now);
  sender_.OnTimer(now);
  prepare_.OnTimer(now);
  admission_.OnTimer(now);
  donor_.OnTimer(now);
  fetcher_.OnTimer(now);
  MaybeInstall(now);
}

void Core::Impl::NoteMajority(Timestamp now) {
  if (group_.status() != MemberStatus::kFull) {
    majority_heard_ = Timestamp();
    return;
  }
  if (group_.frozen || committer_.Confirming()) return;
  std::vector<Timestamp> heard;
  for (Slot slot = 0; slot < group_.size(); ++slot) {
    if (!group_.view.members[slot].voter) continue;
    const Timestamp last = group_.peers[slot]->last_heard;
    // What suspicion that starts anew says is not that somebody was heard.
    const Timestamp known = last > stood_still_ ? last : Timestamp();
    heard.push_back(slot == group_.self_slot ? now : known);
  }
  if (heard.empty()) return;
  const auto last = heard.begin() + static_cast<ptrdiff_t>(heard.size() / 2);
  std::nth_element(heard.begin(), last, heard.end(), std::greater<>());
  majority_heard_ = std::max(majority_heard_, *last);
}

void Core::Impl::DoDuties(Timestamp now) {
  duty_due_ = now + kDutyInterval;
  NoteMajority(now);
  if (!ready_ || group_.self.role != Role::kManager) return;
  if (!group_.in_view()) {
    // Nobody manages: propose to whoever is there (spec, section 9).
    const bool alone = now - std::max(sm_heard_at_, started_at_) > group_.settings.found_wait;
    if (!alone || !views_.HasDurableView() || !views_.MayPropose(now)) return;
    ViewChange::Wishes wishes;
    wishes.joiners = admission_.Recent(now);
    views_.Propose(std::move(wishes), now);
    return;
  }
  if (Forsaken(now)) {
    Rejoin(LeftViewAction::Why::kEvicted, now);
    return;
  }
  if (group_.status() != MemberStatus::kFull || zombie_deadline_ != Timestamp::Never()) return;
  if (group_.is_sm() && !group_.frozen) {
    SmDuties(now);
  } else {
    ManagerDuties(now);
  }
}

// No full manager took over: there is none. Or who had the state is gone, and all that is left of
// it is on disks. As one without a view this manager may propose.
bool Core::Impl::Forsaken(Timestamp now) const {
  const Duration wait = group_.settings.found_wait;
  const bool learner = group_.status() == MemberStatus::kLearner;
  return (learner && now - group_.peers[0]->last_heard > wait) ||
         (!group_.synced && now - state_heard_at_ > wait);
}

std::vector<AllOfMessage> Core::Impl::OpenAllOf() const {
  std::vector<AllOfMessage> open;
  for (Slot slot = 0; slot < group_.size(); ++slot) {
    for (StreamId stream = 0; stream < kMaxStreams; ++stream) {
      const PeerStream& side = group_.peers[slot]->streams[stream];
      if (side.received) continue;
      const Stream& records = side.records;
      for (Seq seq = records.delivered() + 1; seq <= records.highest(); ++seq) {
        const Stream::Entry* entry = records.Find(seq);
        if (entry == nullptr || entry->state != Stream::State::kPresent) continue;
        if ((entry->flags & kInit) == 0 || (entry->flags & kAllOf) == 0) continue;
        open.push_back({{slot, stream, records.LastOf(seq)}, seq});
      }
    }
  }
  return open;
}

void Core::Impl::ProposeAsSm(std::vector<MemberId> excluded, bool fan_out, Timestamp now) {
  if (!views_.MayPropose(now)) return;
  CommitAndApply(now);  // All that is decided is applied before this member reports.
  ViewChange::Wishes wishes;
  wishes.joiners = admission_.Admitted();
  wishes.excluded = std::move(excluded);
  wishes.fan_out = fan_out || admission_.NeedsFanOut();
  wishes.all_of = OpenAllOf();
  views_.Propose(std::move(wishes), now);
}

bool Core::Impl::PromotionDue(Timestamp now) {
  if (now < promote_after_) return false;
  for (Slot slot = 1; slot < group_.size(); ++slot) {
    if (group_.view.members[slot].status != MemberStatus::kLearner || !member_synced_[slot]) {
      continue;
    }
    bool caught_up = group_.board.log_seen(slot) + 4 >= group_.log.last();
    for (Slot origin = 0; origin < group_.size() && caught_up; ++origin) {
      for (StreamId stream = 0; stream < kMaxStreams; ++stream) {
        if (origin == slot) continue;
        if (group_.peers[origin]->streams[stream].received) continue;
        const Seq behind = group_.peers[origin]->streams[stream].records.delivered();
        if (group_.board.held(slot, origin, stream) + 256 < behind) caught_up = false;
      }
    }
    if (!caught_up) continue;
    promote_wait_ = std::clamp<Duration>(promote_wait_ * 2, kPromoteWaitMin, kPromoteWaitMax);
    promote_after_ = now + promote_wait_;
    return true;
  }
  return false;
}

void Core::Impl::SmDuties(Timestamp now) {
  if (committer_.Confirming()) {
    SendHeartbeat(To::Group(), false, true, now);
    committer_.CheckConfirmation();
  }
  std::vector<MemberId> excluded;
  for (Slot slot : committer_.Stalled(now)) excluded.push_back(group_.view.members[slot].id);
  const Slot broken =
      group_.view.fan_out || !group_.settings.allow_fan_out ? kNoSlot : fan_out_watch_.Broken(now);
  const bool healed = group_.view.fan_out && fan_out_watch_.Healed(now);
  if (views_.MayPropose(now)) {
    if (broken != kNoSlot) {
      group_.batch.Add(AlarmAction{Alarm::kNoMulticast, group_.view.members[broken].id, 0});
    }
    if (healed) group_.batch.Add(AlarmAction{Alarm::kMulticastBack, {}, 0});
  }
  const bool fan_out = (group_.view.fan_out && !healed) || broken != kNoSlot;
  const bool outdated = views_.promised() > group_.view.epoch;
  if (!excluded.empty() || failures_.SuspectsAny(now) || !admission_.Admitted().empty() ||
      fan_out != group_.view.fan_out || outdated || PromotionDue(now)) {
    ProposeAsSm(std::move(excluded), fan_out, now);
  }
}

void Core::Impl::ManagerDuties(Timestamp now) {
  if (!views_.MayPropose(now)) return;
  const bool own_attempt = group_.frozen && views_.promised().proposer == group_.self.id;
  const Duration patience =
      group_.settings.detection_timeout + group_.self_slot * group_.settings.takeover_stagger;
  const bool stuck =
      group_.frozen && frozen_since_ != Timestamp::Never() && now - frozen_since_ > patience;
  const bool sm_silent = !group_.is_sm() && now >= failures_.TakeOverAt(now);
  if (!own_attempt && !stuck && !sm_silent) return;
  applier_.EndTurn(now);
  ViewChange::Wishes wishes;
  wishes.fan_out = group_.view.fan_out;
  wishes.joiners = group_.is_sm() ? admission_.Admitted() : std::vector<MemberInfo>();
  if (group_.is_sm()) wishes.all_of = OpenAllOf();
  views_.Propose(std::move(wishes), now);
}

// ---- Output.

void Core::Impl::CommitAndApply(Timestamp now) {
  committer_.EndTurn(now,
                     [this](uint64_t number) { applier_.Enqueue(number, group_.log.At(number)); });
  applier_.EndTurn(now);
  if (!group_.is_sm() || group_.frozen) return;
  // Nobody sends the SM's acknowledgement to the SM, nor its limit.
  if (const uint64_t limit = committer_.OwnLimit(); limit != 0) {
    sender_.OnLimit(static_cast<uint32_t>(limit), now);
  }
  for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
    if (!group_.me().streams[stream].known) continue;
    sender_.OnCovered(stream, committer_.progress(group_.self_slot, stream), now);
  }
}

// Where messages are prepared, the owner acknowledges its own stream too, as far as it was sent.
void Core::Impl::AcknowledgeOwn(Timestamp now) {
  for (StreamId stream = 0; stream < kMaxStreams; ++stream) {
    const PeerStream& side = group_.me().streams[stream];
    if (side.first_prepare == 0 || side.in_ack_list || side.ackable() == side.acked) continue;
    acknowledger_.NoteChange(group_.self_slot, stream, now);
    acknowledger_.Now();
  }
}

void Core::Impl::CheckFetched(Timestamp now) {
  auto fetched = fetcher_.TakeFetched();
  if (!fetched) return;
  fetcher_.Stop();
  applier_.InstallSnapshot(fetched->commit, std::move(fetched->state));
  group_.synced = true;
  acknowledger_.Now();
  prepare_.OnSynced(now);
}

void Core::Impl::EndTurn(Timestamp now, bool unread) {
  if (!started_) return;
  if (group_.batch.empty()) {
    // No action of this turn points to what the last one delivered.
    group_.retired.clear();
    applier_.BeginTurn();
    sender_.BeginTurn();
  }
  if (group_.in_view()) {
    aborts_.OnOwnAborts(sender_.TakeSaidAborts());
    for (const Range& refusal : prepare_.TakeRefusals()) {
      aborts_.OnRefuse(group_.self_slot, refusal, now);
    }
    for (const Range& adopted : aborts_.TakeAdopted()) sender_.AdoptAbort(adopted, now);
    CommitAndApply(now);
    CheckFetched(now);
    repairer_.EndTurn(now);  // Before new data: others can do nothing with that until then.
    sender_.EndTurn(now);
    AcknowledgeOwn(now);
    if (group_.is_sm() && sender_.outstanding() > 0) {
      for (StreamId stream = 0; stream < kStreamSlots; ++stream) {
        if (group_.me().streams[stream].known) committer_.NoteChange(group_.self_slot, stream);
      }
      CommitAndApply(now);
    }
    donor_.EndTurn(applier_.applied());
    aborts_.EndTurn(now);
    acknowledger_.EndTurn(now);
    if (!unread) requester_.EndTurn(now);
    if (repairer_.TakeTellTails(now)) SendHeartbeat(To::Group(), false, false, now);
    if (applier_.Overrun()) Rejoin(LeftViewAction::Why::kOverrun, now);
  }
  if (!group_.frozen) {
    frozen_since_ = Timestamp::Never();
  } else if (frozen_since_ == Timestamp::Never()) {
    frozen_since_ = now;
  }
  MaybeInstall(now);
}

Timestamp Core::Impl::NextDeadline() const {
  if (!started_) return Timestamp::Never();
  Timestamp next = std::min({views_.deadline(), heartbeat_due_, duty_due_, join_due_,
                             zombie_deadline_, admission_.deadline(), donor_.deadline(),
                             fetcher_.deadline(), prepare_.deadline()});
  if (!group_.in_view()) return next;
  return std::min({next, sender_.deadline(), requester_.deadline(), acknowledger_.deadline(),
                   aborts_.deadline()});
}

// ---- The face.

Core::Core(const CoreSettings& settings, const SelfDescription& self, RandomSource& random)
    : impl_(std::make_unique<Impl>(settings, self, random)) {}
Core::~Core() = default;

Status Core::Start(ByteSpan durable, uint64_t durable_commit, Timestamp now) {
  return impl_->Start(durable, durable_commit, now);
}
void Core::OnPacket(const ReceivedPacket& packet, Timestamp now) { impl_->OnPacket(packet, now); }
void Core::OnTimer(Timestamp now) { impl_->OnTimer(now); }
void Core::OnPersisted(uint64_t id, Timestamp now) { impl_->OnPersisted(id, now); }
std::variant<SendId, SendRefusal> Core::Send(StreamId stream, ByteSpan message,
                                             const SendOptions& options, Timestamp now) {
  return impl_->Send(stream, message, options, now);
}
bool Core::Abort(SendId id, uint16_t reason, Timestamp now) {
  return impl_->sender_.Abort(id, reason, now);
}
bool Core::OnPrepared(PrepareToken token, const PrepareAnswer& answer, Timestamp now) {
  return impl_->OnPrepared(token, answer, now);
}
bool Core::OnSnapshotTaken(TransferId transfer, Bytes state, Timestamp now) {
  return impl_->donor_.OnTaken(transfer, std::move(state), now);
}
void Core::PauseCredit(bool paused) { impl_->group_.credit_paused = paused; }
bool Core::Promote(Timestamp now) { return impl_->Promote(now); }
bool Core::StartOver(Timestamp now) { return impl_->StartOver(now); }
bool Core::LeadAnyway() { return impl_->LeadAnyway(); }
bool Core::Ready(uint32_t view_number) { return impl_->Ready(view_number); }
void Core::EndTurn(Timestamp now, bool unread) { impl_->EndTurn(now, unread); }
ActionBatch& Core::actions() { return impl_->group_.batch; }
Timestamp Core::NextDeadline() const { return impl_->NextDeadline(); }
bool Core::wants_acks() const { return impl_->group_.is_sm(); }
const std::vector<Endpoint>& Core::fan_out() const { return impl_->fan_out_; }
const View& Core::view() const { return impl_->group_.view; }
MemberStatus Core::status() const { return impl_->group_.status(); }
bool Core::frozen() const { return impl_->group_.frozen; }
bool Core::synced() const { return impl_->group_.synced; }
MemberInfo Core::self() const { return impl_->group_.self; }
Timestamp Core::majority_heard() const { return impl_->majority_heard_; }
uint64_t Core::commit_number() const { return impl_->applier_.applied(); }
Epoch Core::promised() const { return impl_->views_.promised(); }
Seq Core::held(Slot slot, StreamId stream) const {
  if (slot >= impl_->group_.size() || stream >= kStreamSlots) return 0;
  return impl_->group_.peers[slot]->streams[stream].ackable();
}
const Counters& Core::counters() const { return impl_->group_.counters; }

}  // namespace strata::multicast
