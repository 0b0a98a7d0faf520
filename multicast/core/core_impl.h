#pragma once

#include <map>
#include <set>

#include "multicast/core/abort_book.h"
#include "multicast/core/acknowledger.h"
#include "multicast/core/admission.h"
#include "multicast/core/committer.h"
#include "multicast/core/core.h"
#include "multicast/core/failure_detector.h"
#include "multicast/core/fan_out_watch.h"
#include "multicast/core/fragment_joiner.h"
#include "multicast/core/group_state.h"
#include "multicast/core/log_applier.h"
#include "multicast/core/prepare_desk.h"
#include "multicast/core/repairer.h"
#include "multicast/core/requester.h"
#include "multicast/core/sender.h"
#include "multicast/core/snapshot_donor.h"
#include "multicast/core/snapshot_fetcher.h"
#include "multicast/core/view_change.h"

namespace strata::multicast {

// Routes inputs to the machines, changes the view, and performs the periodic duties; decides
// nothing of the transfer itself. The face and its contract are Core's.
class Core::Impl {
 public:
  Impl(const CoreSettings& settings, const SelfDescription& self, RandomSource& random);

  // core.cc: life, duties, outputs.
  Status Start(ByteSpan durable, uint64_t durable_commit, Timestamp now);
  void OnTimer(Timestamp now);
  void OnPersisted(uint64_t id, Timestamp now);
  std::variant<SendId, SendRefusal> Send(StreamId stream, ByteSpan message,
                                         const SendOptions& options, Timestamp now);
  bool OnPrepared(PrepareToken token, const PrepareAnswer& answer, Timestamp now);
  bool Promote(Timestamp now);
  bool StartOver(Timestamp now);
  bool Ready(uint32_t view_number);
  bool LeadAnyway();
  void EndTurn(Timestamp now, bool unread);
  Timestamp NextDeadline() const;

  // core_packets.cc: packets.
  void OnPacket(const ReceivedPacket& packet, Timestamp now);

  GroupState group_;
  FailureDetector failures_{group_};
  Sender sender_{group_};
  Requester requester_{group_};
  Repairer repairer_{group_};
  Acknowledger acknowledger_{group_};
  PrepareDesk prepare_{group_, sender_};
  AbortBook aborts_{group_};
  Committer committer_{group_, aborts_};
  LogApplier applier_{group_, {sender_, acknowledger_, requester_, aborts_}};
  ViewChange views_{group_, failures_};
  Admission admission_{group_};
  SnapshotDonor donor_{group_};
  SnapshotFetcher fetcher_{group_};
  FanOutWatch fan_out_watch_{group_};
  FragmentJoiner fragments_;
  std::vector<Endpoint> fan_out_;
  Timestamp majority_heard_;
  Timestamp stood_still_;  // When the process was noticed to have.

 private:
  // ---- core.cc
  void Tick(Timestamp now);
  void SendHeartbeats(Timestamp now);
  void SendHeartbeat(const To& to, bool unicast_copy, bool ack_requested, Timestamp now);
  void SendJoin(Timestamp now);
  void DoDuties(Timestamp now);
  bool Forsaken(Timestamp now) const;
  void SmDuties(Timestamp now);
  void ManagerDuties(Timestamp now);
  bool PromotionDue(Timestamp now);
  void ProposeAsSm(std::vector<MemberId> excluded, bool fan_out, Timestamp now);
  std::vector<AllOfMessage> OpenAllOf() const;
  void CommitAndApply(Timestamp now);
  void AcknowledgeOwn(Timestamp now);
  void CheckFetched(Timestamp now);
  void NoteMajority(Timestamp now);

  // ---- core_views.cc
  void MaybeInstall(Timestamp now);
  void Install(const ViewChange::Installation& installation, Timestamp now);
  void NoteSolo(uint64_t first_new);
  void NoteWhoLeads(const View& previous);
  bool ContinueLog(const ViewProposal& proposal, Timestamp now);
  void SetView(const View& view, Timestamp now);
  void PositionStreams(const ViewProposal& proposal, bool fresh, const View& previous);
  void AnnounceGone(const View& previous, Timestamp now);
  void ResetMachines(const ViewProposal& proposal, bool fresh, const View& previous, Timestamp now);
  void Rejoin(LeftViewAction::Why why, Timestamp now);
  void BeginIncarnation();

  // ---- core_packets.cc
  bool Accepts(const ReceivedPacket& packet, Slot slot, Timestamp now);
  void OnHigherEpoch(const ReceivedPacket& packet, Timestamp now);
  void RouteToGroup(PacketType type, Slot from, const ReceivedPacket& packet, Timestamp now);
  void OnData(Slot from, ByteSpan body, Timestamp now);
  bool TakeRecord(Slot from, Slot origin, const Record& record, Timestamp now);
  void AfterRecords(Slot from, Slot origin, StreamId stream, Timestamp now);
  void OnAck(Slot from, const Ack& ack, Timestamp now);
  void OnCommit(const Commit& commit, Timestamp now);
  void TakeLogRecord(uint64_t number, const LogRecord& record, Timestamp now);
  void OnHeartbeat(Slot from, const Heartbeat& heartbeat, Timestamp now);
  bool OnTail(Slot from, const StreamTail& tail, Timestamp now);
  void NoteSynced(Slot from, bool synced, Timestamp now);
  void TellZombie(const ReceivedPacket& packet, Timestamp now);

  // ---- core_control.cc
  bool RouteViewChange(PacketType type, const ReceivedPacket& packet, Timestamp now);
  void RouteService(PacketType type, const ReceivedPacket& packet, Timestamp now);
  void OnProbe(const ReceivedPacket& packet, const Probe& probe, Timestamp now);
  void OnFragment(const ReceivedPacket& packet, const Fragment& fragment, Timestamp now);
  void Count(Counter counter) { group_.counters.Add(counter); }
  // Uses a decoded body, or counts that it is malformed.
  template <class Decoded, class Use>
  void With(const Decoded& decoded, Use&& use) {
    if (const auto* body = std::get_if<0>(&decoded)) {
      use(*body);
    } else {
      Count(Counter::kMalformed);
    }
  }

  bool started_ = false;
  bool ready_ = false;  // The incarnation is on disk.
  uint64_t incarnation_persist_ = 0;
  Timestamp last_now_;
  Timestamp started_at_;
  Timestamp heartbeat_due_ = Timestamp::Never();
  Timestamp duty_due_ = Timestamp::Never();
  Timestamp join_due_ = Timestamp::Never();
  Timestamp zombie_deadline_ = Timestamp::Never();
  Timestamp frozen_since_ = Timestamp::Never();
  Timestamp sm_heard_at_;     // Any SM, also of a view that this member is not in.
  Timestamp state_heard_at_;  // A full member of the view that has the state.
  Timestamp zombie_told_at_;
  Timestamp promote_after_;
  Duration promote_wait_{};
  uint64_t beats_ = 0;
  uint32_t nonce_ = 0;       // As the SM.
  uint64_t solo_since_ = 0;  // Quorum none: the first log record decided alone; 0: not alone.
  std::vector<bool> member_synced_;
  uint32_t ready_from_ = 0;       // Number of the first view of this membership and its SM.
  std::set<MemberId> known_ids_;  // Ever in a view of this incarnation.
  std::map<uint64_t, LogRecord> early_log_;  // Records behind a gap.
  Timestamp probe_window_;
  int probes_in_window_ = 0;
};

}  // namespace strata::multicast
