#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <variant>
#include <vector>

#include "common/status.h"
#include "common/system_random.h"
#include "common/time.h"
#include "multicast/core/core.h"
#include "multicast/driver/application.h"
#include "multicast/driver/counters.h"
#include "multicast/driver/options.h"
#include "multicast/driver/socket_set.h"
#include "multicast/driver/state_store.h"
#include "multicast/driver/waiter.h"
#include "multicast/wire/seal.h"

namespace strata::multicast {

class Driver;

// What other threads want of the driver.
class CommandSource {
 public:
  virtual ~CommandSource();
  // Executes what there is, at most kTurnCommands.
  virtual void Take(Driver& driver) = 0;
  // The driver is about to wait. False: do not, there is something to Take. True: from now on new
  // commands wake it.
  virtual bool MayWait() = 0;
  virtual void Awake() = 0;
};

// Runs one member: drains its sockets, opens packets and feeds the core, executes what the core
// wants done. All methods belong to one thread, and only Turn waits. The application is called
// from Turn.
class Driver {
 public:
  // Opens sockets and state file and starts the core.
  static StatusOr<std::unique_ptr<Driver>> Start(const GroupOptions& options,
                                                 GroupApplication& application);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // One round of work, bounded in everything: what was fed since the last one leaves; then waits
  // for packets, wake-ups or the core's deadline, at most `max_wait`; then receives, lets timers
  // fire, sends, calls the application.
  void Turn(Duration max_wait);

  // ---- Inputs, between turns or from callbacks. They take effect in this turn or the next.
  std::variant<SendId, SendRefusal> Send(StreamId stream, ByteSpan message,
                                         const SendOptions& options);
  bool Abort(SendId id, uint16_t reason);
  bool Answer(PrepareToken token, const PrepareAnswer& answer);
  bool ProvideSnapshot(TransferId transfer, Bytes state);
  void PauseCredit(bool paused);
  bool Promote();
  bool StartOver();
  bool Ready(uint32_t view_number);
  bool LeadAnyway();
  Status AddKey(uint8_t id, ByteSpan key) { return keys_.Add(id, key); }
  Status UseKey(uint8_t id) { return keys_.Use(id); }
  Status ForgetKey(uint8_t id) { return keys_.Forget(id); }

  // ---- To look at.
  const Core& core() const { return *core_; }
  const DriverCounters& counters() const { return counters_; }
  const SocketSet& sockets() const { return *sockets_; }
  // The waiter's Wake ends a Turn's wait, from any thread.
  Waiter& waiter() { return *waiter_; }
  void SetCommands(CommandSource* commands) { commands_ = commands; }

 private:
  Driver(const GroupOptions& options, GroupApplication& application);

  Status Open();
  Status OpenStore();
  Status StartCore();

  // The parts of a turn.
  Waiter::Ready Wait(Duration max_wait);
  bool Drain(const Waiter::Ready& ready, Timestamp now);
  bool DrainSocket(Channel channel, Timestamp now);
  void FireTimers(bool unread);
  void Finish(Timestamp now, bool unread);
  void TakeStored(Timestamp now);

  // One datagram.
  void OnDatagram(Channel channel, const IncomingDatagram& datagram, Timestamp now);
  void OpenDatagram(Channel channel, const IncomingDatagram& datagram, Timestamp now);

  // The actions.
  void Execute();
  void Transmit(const TransmitAction& action);
  void FlushSends();
  void FlushFanOut();
  void Call(Action action);
  void Prepare(const PrepareAction& action);
  void TakeSnapshot(const TakeSnapshotAction& action);
  void Persist(PersistAction& action);

  // Constant after Start.
  const GroupOptions options_;
  GroupApplication& application_;
  CommandSource* commands_ = nullptr;

  DriverCounters counters_;
  SystemRandom random_;
  KeyRing keys_;
  std::unique_ptr<SocketSet> sockets_;
  std::unique_ptr<Waiter> waiter_;
  std::unique_ptr<StateStore> store_;  // Its thread uses waiter_.
  std::unique_ptr<Sealer> sealer_;
  std::unique_ptr<Opener> opener_;
  std::unique_ptr<Core> core_;

  // Between turns.
  bool in_turn_ = false;
  bool fed_ = true;               // The core has inputs that no EndTurn followed yet.
  int unread_turns_ = 0;          // Turns in a row that left something unread.
  Timestamp acks_read_;           // When the ack socket was last read.
  std::deque<uint64_t> storing_;  // Given to the store, not yet confirmed to the core.
  uint64_t store_errors_ = 0;

  bool received_ = false;  // The last turn took datagrams: more may come soon.

  // Inside a turn.
  std::vector<ByteSpan> fan_out_;  // To be sent to each member; sealed.
  Bytes copy_;                     // Of a datagram to be taken twice.
};

}  // namespace strata::multicast
