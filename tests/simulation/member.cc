#include "tests/simulation/member.h"

#include <algorithm>
#include <utility>

namespace strata::simulation {

using multicast::Core;
using std::chrono::microseconds;

Member::Member(size_t index, const MemberPlan& plan, Wiring& wiring, uint64_t seed)
    : index_(index),
      plan_(plan),
      wiring_(wiring),
      random_(seed),
      disk_(wiring.queue, random_, plan.disk_delay_max),
      application_(*this, plan_, wiring, random_,
                   [this](Application::Input input) { AddInput(std::move(input)); }) {}

Member::~Member() = default;

void Member::Start(bool with_disk) {
  if (running_) return;
  ++life_;
  running_ = true;
  stopped_ = false;
  turn_gap_ = Duration::zero();
  founded_ = founded_ || !ViewsOnDisk().empty();
  if (!with_disk) disk_.Lose();
  sent_fragments_ = {};
  handed_fragments_ = {};
  uint64_t saved = application_.Start(with_disk);
  // Only an operator founds a group, until it is there; and no disk means no group that was.
  plan_.settings.found = plan_.settings.found && !founded_;
  core_random_ = std::make_unique<SeededRandom>(random_.Next());
  core_ = std::make_unique<Core>(plan_.settings, plan_.self, *core_random_);
  wiring_.trace.Line(wiring_.queue.now(), id().value(), "starts, life %d, %s", life_,
                     with_disk ? "with disk" : "without disk");
  Status status = core_->Start(disk_.contents(), saved, Now());
  if (!status.ok()) {
    wiring_.stage.Fail("start", "member %u cannot start: %s", id().value(),
                       strata::ToString(status).c_str());
  }
  wiring_.Tell(&Observer::OnStarted, *this, with_disk);
  WakeAt(wiring_.queue.now());
}

void Member::Crash() {
  if (!running_) return;
  wiring_.trace.Line(wiring_.queue.now(), id().value(), "crashes with %zu open sends",
                     application_.open_sends());
  wiring_.Tell(&Observer::OnCrashed, *this, application_.open_sends());
  running_ = false;
  stopped_ = false;
  armed_.reset();
  ++wake_;
  next_wake_ = Timestamp::Never();
  for (auto& socket : sockets_) socket.clear();
  inputs_.clear();
  disk_.Crash();
  application_.Crash();
  if (!in_turn_) core_.reset();
}

void Member::Stop() {
  if (!running_ || stopped_) return;
  wiring_.trace.Line(wiring_.queue.now(), id().value(), "stands still");
  stopped_ = true;
}

void Member::Resume() {
  if (!running_ || !stopped_) return;
  wiring_.trace.Line(wiring_.queue.now(), id().value(), "goes on");
  stopped_ = false;
  next_wake_ = Timestamp::Never();
  WakeAt(wiring_.queue.now());
}

void Member::PauseCredit(bool paused) {
  if (running_) AddInput([paused](Core& core, Timestamp) { core.PauseCredit(paused); });
}

void Member::Promote() {
  if (running_) AddInput([](Core& core, Timestamp now) { core.Promote(now); });
}

void Member::AddInput(Application::Input input) {
  if (!running_) return;
  inputs_.push_back(std::move(input));
  WakeAt(wiring_.queue.now() + microseconds(1));
}

void Member::Arrive(Port port, const PacketPtr& packet, size_t from) {
  if (!running_) return;
  auto& socket = sockets_[static_cast<size_t>(port)];
  if (socket.size() >= plan_.queue_packets) {
    wiring_.Tell(&Observer::OnLost, *this, *packet);
    return;
  }
  socket.push_back({packet, from});
  if (port == Port::kAcks && !core_->wants_acks()) return;
  WakeAt(wiring_.queue.now() + random_.Between(microseconds(1), plan_.wake_latency_max));
}

void Member::WakeAt(Timestamp when) {
  when = std::max(when, busy_until_);
  if (!running_ || stopped_ || when >= next_wake_) return;
  next_wake_ = when;
  wiring_.queue.At(when, [this, wake = ++wake_] {
    if (wake == wake_ && running_ && !stopped_) Turn();
  });
}

void Member::Drain(Port port) {
  auto& socket = sockets_[static_cast<size_t>(port)];
  for (; running_ && !socket.empty(); socket.pop_front()) {
    const Arrived& arrived = socket.front();
    const Packet& packet = *arrived.packet;
    if (wiring_.trace.wanted()) {
      wiring_.trace.Line(wiring_.queue.now(), id().value(), "gets %s", packet.Text().c_str());
    }
    wiring_.Tell(&Observer::OnHanded, *this, packet);
    if (packet.type() == multicast::PacketType::kFragment) {
      PacketPtr whole = handed_fragments_.Add(packet);
      if (whole != nullptr) wiring_.Tell(&Observer::OnHanded, *this, *whole);
    }
    core_->OnPacket({.header = packet.header(),
                     .body = packet.body(),
                     .from = wiring_.scenario.members[arrived.from].self.unicast,
                     .by_multicast = port != Port::kUnicast},
                    Now());
    busy_until_ += microseconds(1);
  }
}

void Member::Turn() {
  next_wake_ = Timestamp::Never();
  in_turn_ = true;
  busy_until_ = wiring_.queue.now() + microseconds(2);
  bool had_input = !inputs_.empty();
  for (const auto& socket : sockets_) had_input = had_input || !socket.empty();
  if (plan_.acks_first) Drain(Port::kAcks);
  Drain(Port::kData);
  Drain(Port::kUnicast);
  Drain(Port::kAcks);
  while (!inputs_.empty()) {
    Application::Input input = std::move(inputs_.front());
    inputs_.pop_front();
    input(*core_, Now());
  }
  if (core_->NextDeadline() <= Now()) core_->OnTimer(Now());
  core_->EndTurn(Now());
  Execute(core_->actions().actions());
  core_->actions().Clear();
  in_turn_ = false;
  if (!running_) {
    core_.reset();
    return;
  }
  application_.OnTurnEnd();
  wiring_.Tell(&Observer::OnTurnEnd, *this);
  CheckProgress(had_input);
  busy_until_ = std::max(busy_until_, wiring_.queue.now() + turn_gap_);
  if (!inputs_.empty()) WakeAt(wiring_.queue.now());
  Timestamp deadline = core_->NextDeadline();
  if (deadline != Timestamp::Never()) WakeAt(deadline - plan_.clock_offset);
}

// A core that wants a timer now, and again, and again, would burn a processor.
void Member::CheckProgress(bool had_input) {
  idle_turns_ = had_input || core_->NextDeadline() > Now() ? 0 : idle_turns_ + 1;
  if (idle_turns_ == 200) {
    wiring_.stage.Fail("spin", "member %u: its timer is due again after each of 200 turns",
                       id().value());
  }
}

void Member::Execute(std::span<multicast::Action> actions) {
  for (multicast::Action& action : actions) {
    std::visit([this](auto& a) { Do(a); }, action);
    if (!running_) return;
  }
}

}  // namespace strata::simulation
