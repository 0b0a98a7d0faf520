#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "common/bytes.h"
#include "common/random.h"
#include "common/time.h"
#include "multicast/core/actions.h"
#include "multicast/core/core_types.h"
#include "multicast/core/counters.h"
#include "multicast/core/settings.h"
#include "multicast/wire/packets.h"

namespace strata::multicast {

// The protocol of one member of one group (docs/protocols/multicast.md): a state machine without
// I/O, threads, clocks or locks. Everything goes in as a call with the time, everything comes out
// as actions. Single-threaded; time must never go backwards.
//
// A turn: any number of inputs, OnTimer if NextDeadline() has passed, then EndTurn; then execute
// and Clear actions(). Drain the sockets before OnTimer. Actions are executed in their order,
// except that a PersistAction may be confirmed later, by OnPersisted. Inputs may come while actions
// are executed (a delivery makes the application send): what they make necessary joins the list.
class Core {
 public:
  Core(const CoreSettings& settings, const SelfDescription& self, RandomSource& random);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Call once, first. `durable`: what the last PersistAction wrote, or empty. DataLoss if it does
  // not parse or is of another group or member: the core then does nothing, whatever is called.
  // `durable_commit`: commit number up to which the application has its state on disk.
  Status Start(ByteSpan durable, uint64_t durable_commit, Timestamp now);

  // ---- Inputs.
  void OnPacket(const ReceivedPacket& packet, Timestamp now);
  void OnTimer(Timestamp now);
  void OnPersisted(uint64_t id, Timestamp now);
  // Numbers and queues in one step, or refuses. Copies the message.
  std::variant<SendId, SendRefusal> Send(StreamId stream, ByteSpan message,
                                         const SendOptions& options, Timestamp now);
  // Asks for an abort; its outcome is the send's. False if the send has ended or never was.
  bool Abort(SendId id, uint16_t reason, Timestamp now);
  struct PrepareAnswer {
    bool accept = true;
    uint16_t reason = 0;  // Of a refusal; kApplicationReason or above.
    ByteSpan
        reply;  // Of an acceptance; cut at kMaxReplyBytes by an internal check: longer ones refuse.
  };
  // False if nobody waits for this answer any more.
  bool OnPrepared(PrepareToken token, const PrepareAnswer& answer, Timestamp now);
  // More than kMaxSnapshotBytes counts as a refusal. False if nobody waits for it.
  bool OnSnapshotTaken(TransferId transfer, Bytes state, Timestamp now);
  // While paused, no further credit is granted (the application's queue is full).
  void PauseCredit(bool paused);
  // A manager takes over as SM in an orderly way. False if this is none or it is the SM already.
  bool Promote(Timestamp now);
  // Leaves the view and joins anew: the state comes from another member. False for the SM, and for
  // who is in no view.
  bool StartOver(Timestamp now);
  // The application has all that a full member needs, as of the view of this number in which it saw
  // itself (CoreSettings::full_when_ready). False if this member has left since, or another member
  // leads: a learner's application has to say it anew then.
  bool Ready(uint32_t view_number);
  // A person has decided that this manager leads, though there is no majority, or though it was no
  // full member of the last view: it proposes as soon as nobody leads that it hears, and its own
  // acceptance is enough, once. What others have committed without it is lost, and two groups may
  // come of one if they are alive. False if it is no manager, or leads already.
  bool LeadAnyway();
  // Composes what the inputs made necessary: data, ACK, COMMIT, RESEND. `unread`: packets wait that
  // were not given to the core yet; so nothing is asked for that may be among them.
  void EndTurn(Timestamp now, bool unread = false);

  // ---- Outputs.
  ActionBatch& actions();
  // When OnTimer is due, Never() if not at all. May have moved after any call.
  Timestamp NextDeadline() const;
  // True while this member should wake up for ACKs: it is the SM. Else they are
  // read at the next turn.
  bool wants_acks() const;
  // Addresses for Destination::kGroup and kAcks under fan-out; empty otherwise.
  const std::vector<Endpoint>& fan_out() const;

  // ---- To look at.
  const View& view() const;     // number 0: none.
  MemberStatus status() const;  // In that view.
  bool frozen() const;
  bool synced() const;
  MemberInfo self() const;         // With the current incarnation.
  uint64_t commit_number() const;  // Applied here.
  // Until when nobody else can have become SM, as far as packets tell: when the last of a majority
  // of the view's voters was heard, to about 10 ms. Stands still while views change, while the SM
  // that had stood still asks whether it is the SM yet, and at the others after a standstill until
  // they have heard a majority again; the clock's zero outside of a view, and for who is not full.
  Timestamp majority_heard() const;
  Epoch promised() const;
  // Held (acknowledged) position of a stream of `slot`.
  Seq held(Slot slot, StreamId stream) const;
  const Counters& counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::multicast
