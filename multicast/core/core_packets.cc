#include <algorithm>
#include <utility>

#include "multicast/core/core_impl.h"
#include "multicast/core/mutants.h"
#include "multicast/core/widen.h"

// Routing of packets to the machines.
namespace strata::multicast {
namespace {

constexpr size_t kEarlyLogMax = 256;

}  // namespace

void Core::Impl::OnPacket(const ReceivedPacket& packet, Timestamp now) {
  if (!started_ || !ready_) return;
  Tick(now);
  const Header& header = packet.header;
  if (header.sender == group_.self.id || header.sender == MemberId() ||
      header.group != group_.settings.group) {
    Count(Counter::kNotExpected);
    return;
  }
  const auto type = static_cast<PacketType>(header.type);
  if (header.epoch.proposer == header.sender && header.view_number != 0) sm_heard_at_ = now;
  if (header.view_number != 0 && header.epoch > group_.view.epoch) OnHigherEpoch(packet, now);
  const Slot slot = group_.view.SlotOf(header.sender, header.incarnation);
  if (slot != kNoSlot && header.epoch == group_.view.epoch) {
    Peer& peer = *group_.peers[slot];
    peer.last_heard = now;
    (packet.by_multicast ? peer.last_multicast : peer.last_unicast) = now;
    views_.HeardInEpoch(header.sender);
  }
  switch (type) {
    case PacketType::kData:
    case PacketType::kAck:
    case PacketType::kCommit:
    case PacketType::kResend:
    case PacketType::kHeartbeat:
    case PacketType::kAbort:
    case PacketType::kAbortAck:
    case PacketType::kRefuse:
      if (Accepts(packet, slot, now)) RouteToGroup(type, slot, packet, now);
      break;
    default:
      if (!RouteViewChange(type, packet, now)) RouteService(type, packet, now);
  }
  MaybeInstall(now);
}

// Packets of the transfer count only from members of this view, in its epoch.
bool Core::Impl::Accepts(const ReceivedPacket& packet, Slot slot, Timestamp now) {
  const Header& header = packet.header;
  if (!group_.in_view()) {
    Count(Counter::kNotInView);
    return false;
  }
  if (slot == kNoSlot) {
    const Slot successor = group_.view.SlotOf(header.sender);
    Count(successor == kNoSlot ? Counter::kNotInView : Counter::kOldIncarnation);
    if (header.epoch < group_.view.epoch) TellZombie(packet, now);
    return STRATA_MUTANT(kOldIncarnationAccepted) && successor != kNoSlot;
  }
  if (header.epoch == group_.view.epoch) return true;
  if (header.epoch < group_.view.epoch) {
    Count(Counter::kOldEpoch);
    return STRATA_MUTANT(kZombieAccepted);
  }
  return false;
}

void Core::Impl::TellZombie(const ReceivedPacket& packet, Timestamp now) {
  if (!group_.is_sm() || now - zombie_told_at_ < group_.settings.propose_retry) return;
  zombie_told_at_ = now;
  SendHeartbeat(To::Unicast(packet.from), true, false, now);
}

// Somebody installed a later view. It is ours, or on its way to us, or we are out (spec,
// section 8.6).
void Core::Impl::OnHigherEpoch(const ReceivedPacket& packet, Timestamp now) {
  const Header& header = packet.header;
  views_.OnInstall(header.epoch, now);
  MaybeInstall(now);
  if (!group_.in_view() || header.epoch <= group_.view.epoch) return;
  const bool alone = group_.view.quorum_none || views_.no_majority();
  if (!known_ids_.contains(header.sender) && !alone) return;
  group_.frozen = true;
  zombie_deadline_ = std::min(zombie_deadline_, now + group_.settings.view_wait);
}

void Core::Impl::RouteToGroup(PacketType type, Slot from, const ReceivedPacket& packet,
                              Timestamp now) {
  if (from == kNoSlot) from = group_.view.SlotOf(packet.header.sender);
  switch (type) {
    case PacketType::kData:
      OnData(from, packet.body, now);
      break;
    case PacketType::kAck:
      With(DecodeAck(packet.body), [&](const Ack& ack) { OnAck(from, ack, now); });
      break;
    case PacketType::kCommit:
      if (from != 0) {
        Count(Counter::kNotSm);
        break;
      }
      With(DecodeCommit(packet.body), [&](const Commit& commit) { OnCommit(commit, now); });
      break;
    case PacketType::kResend:
      With(DecodeResend(packet.body), [&](const Resend& resend) {
        requester_.OnResend(resend, now);
        aborts_.OnResend(resend, now);
        sender_.OnLoss(from, repairer_.OnResend(from, resend, now));
        for (const ResendRequest& request : resend.requests) {
          if (request.slot == group_.self_slot) {
            sender_.OnRequest(from, request.stream, request.from);
          }
        }
      });
      break;
    case PacketType::kHeartbeat:
      With(DecodeHeartbeat(packet.body), [&](const Heartbeat& h) { OnHeartbeat(from, h, now); });
      break;
    case PacketType::kAbort:
      if (group_.frozen) break;
      With(DecodeRanges(packet.body),
           [&](const Ranges& body) { aborts_.OnAbort(from, body, now); });
      break;
    case PacketType::kAbortAck:
      if (group_.frozen) break;
      With(DecodeRanges(packet.body), [&](const Ranges& body) { aborts_.OnAbortAck(from, body); });
      break;
    default:
      if (group_.frozen) break;
      With(DecodeRanges(packet.body), [&](const Ranges& body) {
        for (const Range& range : body.ranges) aborts_.OnRefuse(from, range, now);
      });
  }
}

// ---- DATA.

void Core::Impl::OnData(Slot from, ByteSpan body, Timestamp now) {
  DataReader reader(body);
  if (reader.Check()) {
    Count(Counter::kMalformed);
    return;
  }
  const Slot origin = reader.origin();
  const bool repair = (reader.flags() & kRepair) != 0;
  if (origin >= group_.size() || origin == group_.self_slot || (origin != from && !repair)) {
    Count(Counter::kNotExpected);
    return;
  }
  if (group_.self.role == Role::kWitness) return;
  Count(Counter::kDataReceived);
  if (reader.flags() & kAckNow) acknowledger_.Now();
  Peer& peer = *group_.peers[origin];
  if (peer.Stored() + reader.count() > group_.settings.receive_records + uint64_t{1024}) {
    Count(Counter::kBeyondLimit);
    return;
  }
  uint32_t touched = 0;
  uint32_t taken = 0;
  while (const std::optional<Record> record = reader.Next()) {
    touched |= 1u << record->stream;
    if (TakeRecord(from, origin, *record, now)) ++taken;
  }
  group_.counters.Add(Counter::kRecordsReceived, taken);
  acknowledger_.NoteRecords(taken);
  for (StreamId stream = 0; touched != 0; ++stream, touched >>= 1) {
    if (touched & 1) AfterRecords(from, origin, stream, now);
  }
}

bool Core::Impl::TakeRecord(Slot from, Slot origin, const Record& record, Timestamp now) {
  PeerStream& side = group_.peers[origin]->streams[record.stream];
  const bool received = (record.flags & kReceived) != 0;
  // A tail may have told that the stream is there, but not of what kind it is.
  if (!side.typed) side.SetKind(received);
  side.known = true;
  if (side.received != received) {
    Count(Counter::kMalformed);
    return false;
  }
  if ((record.flags & kPrepare) != 0 &&
      (side.first_prepare == 0 || record.seq < side.first_prepare)) {
    side.first_prepare = record.seq;
  }
  const Stream::Inserted inserted =
      side.records.Insert(record, group_.settings.receive_records, now);
  if (inserted.round_trip) group_.rtt.Add(*inserted.round_trip);
  switch (inserted.result) {
    case Stream::Insertion::kNew:
      break;
    case Stream::Insertion::kDuplicate:
      Count(Counter::kDuplicateRecords);
      break;
    case Stream::Insertion::kBeyond:
      Count(Counter::kBeyondLimit);
      return false;
    case Stream::Insertion::kBroken:
      Count(Counter::kMalformed);
      return false;
  }
  if (from == origin) committer_.OnOwnersData(origin, record.stream, record.seq);
  return inserted.result == Stream::Insertion::kNew;
}

void Core::Impl::AfterRecords(Slot from, Slot origin, StreamId stream, Timestamp now) {
  (void)from;
  PeerStream& side = group_.peers[origin]->streams[stream];
  requester_.NoteGap(origin, stream, now);
  if (side.first_prepare != 0) prepare_.Examine(origin, stream, now);
  acknowledger_.NoteChange(origin, stream, now);
  committer_.NoteChange(origin, stream);
  if (side.received || STRATA_MUTANT(kDeliverOnReceipt)) {
    applier_.NoteReceived(group_.peers[origin], stream);
  }
}

// ---- ACK, COMMIT.

void Core::Impl::OnAck(Slot from, const Ack& ack, Timestamp now) {
  Count(Counter::kAcksReceived);
  bool progress = false;
  for (const Position& position : ack.positions) {
    if (position.slot >= group_.size()) continue;
    if (!group_.board.Raise(from, position.slot, position.stream, position.seq)) continue;
    progress = true;
    committer_.NoteChange(position.slot, position.stream);
    requester_.NoteExists(position.slot, position.stream, position.seq, now);
  }
  for (const Limit& limit : ack.limits) {
    if (limit.slot >= group_.size()) continue;
    uint64_t known = group_.board.limit(from, limit.slot);
    if (known == 0) known = group_.peers[limit.slot]->Released();
    group_.board.RaiseLimit(from, limit.slot, Widen(known, limit.records));
  }
  if (progress) group_.board.SetProgress(from, now);
  group_.board.RaiseLogSeen(from, ack.log_seen);
  group_.board.SetNonce(from, ack.nonce);
  NoteSynced(from, ack.synced, now);
}

void Core::Impl::NoteSynced(Slot from, bool synced, Timestamp now) {
  member_synced_[from] = synced;
  const bool has_state = synced && !group_.view.members[from].light;
  if (has_state && group_.full(from)) state_heard_at_ = now;
}

void Core::Impl::TakeLogRecord(uint64_t number, const LogRecord& record, Timestamp now) {
  for (const Position& position : record.positions) {
    if (position.slot >= group_.size()) continue;
    PeerStream& side = group_.peers[position.slot]->streams[position.stream];
    side.known = true;
    if (!side.typed) side.SetKind(false);
    requester_.NoteExists(position.slot, position.stream, position.seq, now);
  }
  group_.log.Append(record);
  applier_.Enqueue(number, record);
}

void Core::Impl::OnCommit(const Commit& commit, Timestamp now) {
  if (group_.frozen) return;
  if (commit.first == 0) {  // Without records it is the next number, never 0.
    Count(Counter::kMalformed);
    return;
  }
  for (size_t i = 0; i < commit.records.size(); ++i) {
    const uint64_t number = commit.first + i;
    if (number == group_.log.last() + 1 ||
        (STRATA_MUTANT(kLogGapIgnored) && number > group_.log.last())) {
      TakeLogRecord(group_.log.last() + 1, commit.records[i], now);
    } else if (number > group_.log.last() && early_log_.size() < kEarlyLogMax) {
      early_log_.emplace(number, commit.records[i]);
    }
  }
  while (!early_log_.empty() && early_log_.begin()->first <= group_.log.last() + 1) {
    if (early_log_.begin()->first == group_.log.last() + 1) {
      TakeLogRecord(early_log_.begin()->first, early_log_.begin()->second, now);
    }
    early_log_.erase(early_log_.begin());
  }
  const uint64_t known = commit.first + commit.records.size() - 1;
  if (known > group_.log.last()) requester_.NoteLog(known, now);
  group_.log.TrimTo(std::min(commit.floor, group_.log.last()));
  for (const Position& position : commit.progress) {
    if (position.slot >= group_.size()) continue;
    if (position.slot == group_.self_slot) {
      sender_.OnCovered(position.stream, position.seq, now);
    } else {
      requester_.NoteExists(position.slot, position.stream, position.seq, now);
    }
  }
  for (const Limit& limit : commit.limits) {
    if (limit.slot == group_.self_slot) sender_.OnLimit(limit.records, now);
  }
}

// ---- HEARTBEAT.

void Core::Impl::OnHeartbeat(Slot from, const Heartbeat& heartbeat, Timestamp now) {
  if (heartbeat.ack_requested) {
    acknowledger_.Now();
    requester_.Hurry(now);
    committer_.Reannounce(from);
    if (heartbeat.log_last < group_.log.last()) {
      repairer_.WantLog(heartbeat.log_last + 1, group_.log.last());
    }
  }
  for (const StreamTail& tail : heartbeat.tails) {
    if (!OnTail(from, tail, now)) return;
  }
  if (heartbeat.ack_requested) requester_.Hurry(now);
  if (!group_.frozen && heartbeat.log_last > group_.log.last()) {
    requester_.NoteLog(heartbeat.log_last, now);
  }
  group_.board.RaiseLogSeen(from, std::min(heartbeat.log_last, group_.log.last()));
  NoteSynced(from, heartbeat.synced, now);
  if (from == 0) {
    acknowledger_.SetNonce(heartbeat.nonce);
    group_.log.TrimTo(std::min(heartbeat.log_floor, group_.log.last()));
    if (group_.status() == MemberStatus::kLearner && heartbeat.log_floor > group_.log.last() &&
        requester_.LogHopeless()) {
      Rejoin(LeftViewAction::Why::kOverrun, now);
      return;
    }
  } else if (group_.is_sm()) {
    // Tail announcements know neither the nonce nor who hears whom.
    if (!heartbeat.ack_requested) {
      group_.board.SetNonce(from, heartbeat.nonce);
      fan_out_watch_.OnHearsSm(from, heartbeat.hears_sm, now);
    }
  }
}

// False if this member has left its view.
bool Core::Impl::OnTail(Slot from, const StreamTail& tail, Timestamp now) {
  if (tail.stream >= kStreamSlots || group_.self.role == Role::kWitness) return true;
  PeerStream& side = group_.peers[from]->streams[tail.stream];
  side.known = true;
  if (tail.first_kept > side.records.held() + 1) {
    // What is missing is gone at its owner. A full member never lacks something committed; to a
    // learner that may happen also where it does not know the kind of the stream yet.
    const bool full = group_.status() == MemberStatus::kFull;
    if (side.typed ? side.received : full) {
      side.records.SkipTo(tail.first_kept - 1);
      applier_.NoteReceived(group_.peers[from], tail.stream);
      acknowledger_.NoteChange(from, tail.stream, now);
    } else if (group_.status() == MemberStatus::kLearner) {
      Rejoin(LeftViewAction::Why::kOverrun, now);
      return false;
    }
  }
  requester_.NoteExists(from, tail.stream, tail.last, now);
  committer_.OnOwnersData(from, tail.stream, tail.last);
  return true;
}

}  // namespace strata::multicast
