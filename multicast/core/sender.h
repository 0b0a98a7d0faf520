#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "multicast/core/core_types.h"
#include "multicast/core/flight.h"
#include "multicast/core/group_state.h"

namespace strata::multicast {

// This member's own messages from Send to their end: numbers them, packs and sends their records
// within window and limit, announces tails, and tells each send's outcome once (spec, sections 5
// and 11). The records themselves are in the member's own Peer. One per core.
class Sender {
 public:
  explicit Sender(GroupState& group) : group_(group), flight_(group) {}

  std::variant<SendId, SendRefusal> Send(StreamId stream, ByteSpan message,
                                         const SendOptions& options, Timestamp now);
  // A reply to a message of `origin`, on the protocol's own stream. Not to a member: its next
  // incarnation counts its messages anew, and may be told the same replies.
  void SendReply(const Incarnation& origin, StreamId stream, Seq last, ByteSpan reply,
                 Timestamp now);

  // ---- What becomes of the sends.
  // Committed streams: everything up to `seq` of the own stream, except aborted messages, has
  // commit number `number`.
  void OnCommitted(StreamId stream, Seq seq, uint64_t number, Timestamp now);
  void OnAborted(const Range& range);
  // The SM's acknowledgement (commit or progress) covers the own stream up to `seq`.
  void OnCovered(StreamId stream, Seq seq, Timestamp now);
  void OnLimit(uint32_t limit_low, Timestamp now);
  void OnReply(MemberId from, ByteSpan message, Timestamp now);
  // RESEND of `from` asks for `records` of ours, not counting what was asked for before.
  void OnLoss(Slot from, uint32_t records);
  // RESEND of `from` asks for record `seq` of the own `stream`, and more.
  void OnRequest(Slot from, StreamId stream, Seq seq) { flight_.OnRequest(from, stream, seq); }
  // A member is gone: nobody waits for its replies any more.
  void OnMemberGone(MemberId id, Timestamp now);

  // ---- Aborting.
  struct OpenSend {
    SendId id = 0;
    StreamId stream = 0;
    Seq from = 0;
    Seq to = 0;
    SendOptions options;
    bool internal = false;          // A reply: nobody is told.
    uint16_t abort_reason = 0;      // Asked for; 0 if not.
    Timestamp abort_due;            // Say ABORT again then.
    uint64_t commit_number = 0;     // Committed, but replies are missing.
    std::vector<MemberId> waiting;  // Whose replies are missing.
    std::vector<Reply> replies;
    Timestamp reply_deadline = Timestamp::Never();
  };
  // False if it has ended or is committed.
  bool Abort(SendId id, uint16_t reason, Timestamp now);
  // The SM aborts a message of ours.
  void AdoptAbort(const Range& range, Timestamp now);
  // The ranges of ABORT packets sent since the last call: this member must freeze them too.
  std::vector<Range> TakeSaidAborts() { return std::exchange(said_aborts_, {}); }
  // All open sends with all_of: a full member was evicted.
  void AbortAllOf(Timestamp now);

  // ---- Life.
  // A new view; `fresh`: this member's first view with this incarnation.
  void OnViewInstalled(bool fresh, Timestamp now);
  // This incarnation is over: every open send ends as Unknown.
  void EndAll();

  // Before a turn: releases what nobody needs any more.
  void BeginTurn();
  void OnTimer(Timestamp now);
  void EndTurn(Timestamp now);
  Timestamp deadline() const;
  // Where the own streams end, for HEARTBEAT.
  std::vector<StreamTail> Tails() const;
  // Records sent that the SM's acknowledgement does not cover.
  uint64_t outstanding() const { return sent_total_ - covered_total_; }

 private:
  struct Own {
    Seq queued = 0;             // Last numbered.
    Seq sent = 0;               // Last transmitted.
    Seq covered = 0;            // Acknowledged by the SM.
    Seq started = 0;            // Ends of the messages that may go out: a message fits or waits.
    std::deque<OpenSend> open;  // In order of seq, not yet ended.
  };

  void Number(Own& own, PeerStream& side, StreamId stream, ByteSpan message, uint8_t flags);
  bool AllowedToStart();
  void SendPackets(Timestamp now);
  bool ComposePacket(Timestamp now);
  bool MaySendNext(StreamId stream) const;
  bool FillPacket(DataWriter& writer, uint64_t& budget, Timestamp now);
  uint64_t Budget() const;
  void LookWhatIsTaken();
  void MaybeFinish(OpenSend& send);
  void Finish(OpenSend& send, SendOutcome outcome, uint16_t reason);
  void RepeatAborts(Timestamp now);
  void AnnounceTail(Timestamp now);
  void GrowWindow(uint64_t covered);
  OpenSend* FindOpen(StreamId stream, Seq last);

  GroupState& group_;
  Flight flight_;
  std::array<Own, kStreamSlots> own_;
  std::vector<OpenSend> awaiting_replies_;
  std::vector<Range> said_aborts_;
  SendId next_id_ = 1;

  uint64_t queued_total_ = 0;
  uint64_t sent_total_ = 0;
  uint64_t started_total_ = 0;
  uint64_t covered_total_ = 0;
  uint64_t taken_total_ = 0;      // As everybody has taken them, when this turn began.
  uint64_t limit_ = 0;            // Of all streams together, from the SM.
  size_t unsent_bytes_ = 0;       // Encoded size of what is numbered and not sent.
  double window_ = 0;             // Records.
  uint64_t grown_at_ = 0;         // covered_total_ when the window was last looked at.
  double judged_ = 0;             // Records covered since the loss counts started.
  std::vector<uint32_t> losses_;  // By slot, of this window.
  bool more_ = false;             // kRecordsPerTurn stopped it.
  uint64_t unflagged_ = 0;        // Records sent since the last with ack now.
  Timestamp flagged_at_;
  StreamId next_stream_ = 0;  // Where the next packet starts to look.

  Timestamp pack_deadline_ = Timestamp::Never();
  Timestamp tail_deadline_ = Timestamp::Never();
  Duration tail_wait_{};
  Timestamp abort_deadline_ = Timestamp::Never();
  Timestamp reply_deadline_ = Timestamp::Never();

  // The round trip being measured: from this record, flagged ack now, to its coverage.
  StreamId sample_stream_ = 0;
  Seq sample_seq_ = 0;  // 0: none.
  Timestamp sample_at_;
};

}  // namespace strata::multicast
