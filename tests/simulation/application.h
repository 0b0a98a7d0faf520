#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "common/random.h"
#include "multicast/core/core.h"
#include "tests/simulation/event_queue.h"
#include "tests/simulation/observer.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/trace.h"

namespace strata::simulation {

// What everything in a run shares.
struct Wiring {
  EventQueue& queue;
  Network& network;
  Stage& stage;
  Trace& trace;
  const Scenario& scenario;
  std::vector<Observer*> observers;
  std::function<void(size_t index)> crashed;  // A member died of an armed crash.

  template <class... Arguments, class... Given>
  void Tell(void (Observer::*what)(Arguments...), const Given&... given) {
    for (Observer* observer : observers) (observer->*what)(given...);
  }
};

// The application of one member: keeps the replicated state, answers prepares, makes and installs
// snapshots, sends and aborts. Survives crashes as far as it saved its state.
class Application {
 public:
  // A call into the core, made in the process' next turn.
  using Input = std::function<void(multicast::Core&, Timestamp)>;

  Application(const MemberProbe& self, const MemberPlan& plan, Wiring& wiring, RandomSource& random,
              std::function<void(Input)> input);

  // Process events. Start answers with the commit number of the saved state.
  uint64_t Start(bool with_disk);
  void Crash();
  // Saves what the turn has changed: never half of a commit.
  void OnTurnEnd();
  // A manager's store has what it needs to lead one day, as of this view in which it learns.
  void Counts(uint32_t view_number);

  // What the core says, in order.
  void On(const multicast::DeliverAction& action);
  void On(const multicast::PrepareAction& action);
  void On(const multicast::SendDoneAction& action);
  void On(const multicast::ViewChangedAction& action);
  void On(const multicast::LeftViewAction& action);
  void On(const multicast::DivergedAction& action);
  void On(const multicast::TakeSnapshotAction& action);
  void On(const multicast::InstallSnapshotAction& action);

  // Workload.
  void Send(multicast::StreamId stream, size_t bytes, const multicast::SendOptions& options);
  void AbortNewest();

  const ReplicatedState& state() const { return state_; }
  bool complete() const { return complete_; }
  const multicast::View& shown_view() const { return shown_view_; }
  size_t open_sends() const { return open_.size(); }
  bool Waits(MessageId id) const;

 private:
  void Sent(MessageId id, multicast::SendId send, multicast::StreamId stream, size_t bytes,
            const multicast::SendOptions& options);
  void Answer(multicast::PrepareToken token, bool accept, uint16_t reason, MessageId id);
  void Save();
  void EndMembership();
  void TakeIn();
  void TellReady();

  const MemberProbe& self_;
  const MemberPlan& plan_;
  Wiring& wiring_;
  RandomSource& random_;
  std::function<void(Input)> input_;
  uint64_t crashes_ = 0;
  uint64_t memberships_ = 0;  // Begun or ended.

  ReplicatedState state_;
  bool complete_ = false;
  bool taken_in_ = false;  // The snapshot of this membership.
  std::optional<uint32_t> ready_in_;
  bool has_view_ = false;
  multicast::View shown_view_;
  std::map<multicast::SendId, MessageId> open_;

  ReplicatedState saved_;  // On disk.
  bool changed_ = false;
  bool save_pending_ = false;
};

}  // namespace strata::simulation
