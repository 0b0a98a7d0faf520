#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/random.h"
#include "multicast/core/core.h"
#include "tests/simulation/application.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/fragments.h"
#include "tests/simulation/network.h"
#include "tests/simulation/observer.h"
#include "tests/simulation/scenario.h"

namespace strata::simulation {

// A crash that waits for its moment: while one of `types` is being sent.
struct ArmedCrash {
  std::vector<multicast::PacketType> types;
  bool needs_log_records = false;  // Of a COMMIT.
  double heard = 0;                // Chance of each other member to get the packet nevertheless.
};

// One process: the real core, the driver's part (sockets, turns, actions), a disk and an
// application. Can crash, start again, stand still, and be slow.
class Member final : public MemberProbe {
 public:
  Member(size_t index, const MemberPlan& plan, Wiring& wiring, uint64_t seed);
  ~Member() override;

  // ---- The process.
  void Start(bool with_disk);
  void Crash();
  void Stop();    // SIGSTOP: packets queue up, time goes on.
  void Resume();  // SIGCONT
  void Arm(ArmedCrash crash) { armed_ = std::move(crash); }
  void Disarm() { armed_.reset(); }
  // At least so long from one turn to the next.
  void set_turn_gap(Duration gap) { turn_gap_ = gap; }
  void PauseCredit(bool paused);
  void Promote();
  bool stopped() const { return stopped_; }
  bool ever_started() const { return life_ > 0; }
  // Installed or accepted, as the disk has them now.
  std::vector<multicast::View> ViewsOnDisk() const;

  // ---- The network.
  void Arrive(Port port, const PacketPtr& packet, size_t from);

  Application& application() { return application_; }
  multicast::GroupId group() const { return plan_.settings.group; }
  const multicast::Counters& counters() const { return core_->counters(); }
  bool Settled() const { return core_->NextDeadline() > Now(); }

  // ---- MemberProbe.
  multicast::MemberId id() const override { return plan_.self.id; }
  bool running() const override { return running_; }
  int life() const override { return life_; }
  const multicast::View& view() const override { return core_->view(); }
  multicast::MemberStatus status() const override { return core_->status(); }
  multicast::Incarnation incarnation() const override { return core_->self().incarnation; }
  multicast::Seq held(multicast::Slot slot, multicast::StreamId stream) const override {
    return core_->held(slot, stream);
  }
  uint64_t commit_number() const override { return core_->commit_number(); }
  bool synced() const override { return core_->synced(); }
  bool frozen() const override { return core_->frozen(); }
  multicast::Epoch promised() const override { return core_->promised(); }
  const multicast::View& shown_view() const override { return application_.shown_view(); }
  const ReplicatedState& state() const override { return application_.state(); }
  bool state_complete() const override { return application_.complete(); }

 private:
  struct Arrived {
    PacketPtr packet;
    size_t from = 0;
  };

  Timestamp Now() const { return wiring_.queue.now() + plan_.clock_offset; }
  void WakeAt(Timestamp when);  // World time.
  void Turn();
  void Drain(Port port);
  void Execute(std::span<multicast::Action> actions);
  void CheckProgress(bool had_input);
  void AddInput(Application::Input input);

  void Do(multicast::TransmitAction& action);
  void Do(multicast::PersistAction& action);
  void Do(multicast::RotateKeyAction&) {}
  void Do(multicast::AlarmAction& action);
  template <class Action>
  void Do(Action& action) {
    application_.On(action);
  }
  void Carry(const multicast::TransmitAction& action, const PacketPtr& packet);
  bool Triggers(const Packet& packet) const;
  void DieSending(const multicast::TransmitAction& action, const PacketPtr& packet);

  size_t index_;
  MemberPlan plan_;
  Wiring& wiring_;
  SeededRandom random_;
  Disk disk_;
  Application application_;

  int life_ = 0;
  bool running_ = false;
  bool stopped_ = false;
  bool in_turn_ = false;
  bool founded_ = false;  // It has been in a group.
  std::unique_ptr<SeededRandom> core_random_;
  std::unique_ptr<multicast::Core> core_;
  std::array<std::deque<Arrived>, 3> sockets_;
  std::deque<Application::Input> inputs_;
  FragmentJoiner sent_fragments_;
  FragmentJoiner handed_fragments_;
  std::optional<ArmedCrash> armed_;

  Duration turn_gap_{};
  Timestamp busy_until_ = Timestamp::FromNanos(0);
  Timestamp next_wake_ = Timestamp::Never();
  uint64_t wake_ = 0;  // The only wake event that still counts.
  int idle_turns_ = 0;
};

}  // namespace strata::simulation
