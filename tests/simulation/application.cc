#include "tests/simulation/application.h"

#include <algorithm>
#include <utility>

namespace strata::simulation {

using multicast::MemberStatus;

Application::Application(const MemberProbe& self, const MemberPlan& plan, Wiring& wiring,
                         RandomSource& random, std::function<void(Input)> input)
    : self_(self), plan_(plan), wiring_(wiring), random_(random), input_(std::move(input)) {}

uint64_t Application::Start(bool with_disk) {
  if (!with_disk) saved_ = {};
  state_ = saved_;
  complete_ = false;
  has_view_ = false;
  shown_view_ = {};
  EndMembership();
  open_.clear();
  save_pending_ = changed_ = false;
  return state_.last_number();
}

void Application::Crash() {
  ++crashes_;
  EndMembership();
  open_.clear();
}

void Application::OnTurnEnd() {
  if (changed_ && complete_) Save();
  changed_ = false;
}

void Application::Save() {
  if (plan_.save_gap == Duration::zero()) {
    saved_ = state_;
    return;
  }
  if (save_pending_) return;
  save_pending_ = true;
  wiring_.queue.After(plan_.save_gap, [this, crashes = crashes_] {
    if (crashes != crashes_) return;
    save_pending_ = false;
    if (complete_) saved_ = state_;
  });
}

void Application::On(const multicast::DeliverAction& action) {
  Delivery delivery{.origin = action.origin,
                    .stream = action.stream,
                    .last_seq = action.last_seq,
                    .number = action.commit_number,
                    .id = MessageRegistry::IdOf(action.message),
                    .hash = HashOf(action.message),
                    .bytes = action.message.size()};
  wiring_.trace.Line(wiring_.queue.now(), self_.id().value(),
                     "deliver #%llu message %llu of %u/%u:%llu, %zu bytes",
                     static_cast<unsigned long long>(delivery.number),
                     static_cast<unsigned long long>(delivery.id), delivery.origin.value(),
                     delivery.stream, static_cast<unsigned long long>(delivery.last_seq),
                     delivery.bytes);
  wiring_.Tell(&Observer::OnDeliver, self_, delivery);
  if (delivery.number == 0) return;
  state_.Append({.number = delivery.number,
                 .origin = delivery.origin,
                 .stream = delivery.stream,
                 .id = delivery.id,
                 .hash = delivery.hash});
  changed_ = true;
}

void Application::On(const multicast::ViewChangedAction& action) {
  size_t full = 0;
  for (const auto& member : action.view.members) full += member.status == MemberStatus::kFull;
  if (!has_view_ && action.status == MemberStatus::kFull && full == 1) {
    // A founder: all that the group has from now on is what this one has.
    complete_ = true;
    uint32_t parent = state_.lineage();
    const auto& epoch = action.view.epoch;
    auto lineage = static_cast<uint32_t>(epoch.counter * 1000 + epoch.proposer.value());
    state_.set_lineage(lineage);
    wiring_.Tell(&Observer::OnFounded, self_, lineage, parent, state_.last_number());
    saved_ = state_;
  }
  has_view_ = true;
  wiring_.trace.Line(
      wiring_.queue.now(), self_.id().value(), "view %u e%llu.%u @%llu, %zu members, status %u",
      action.view.number, static_cast<unsigned long long>(action.view.epoch.counter),
      action.view.epoch.proposer.value(), static_cast<unsigned long long>(action.view.log_number),
      action.view.members.size(), static_cast<unsigned>(action.status));
  wiring_.Tell(&Observer::OnViewChanged, self_, action.view, action.status);
  shown_view_ = action.view;
  if (action.status != MemberStatus::kLearner || plan_.self.role == multicast::Role::kManager) {
    return;
  }
  ready_in_ = action.view.number;
  TellReady();
}

void Application::Counts(uint32_t view_number) {
  ready_in_ = view_number;
  TellReady();
}

void Application::EndMembership() {
  ++memberships_;
  taken_in_ = false;
  ready_in_.reset();
}

// A large state takes its time; meanwhile the member goes on learning.
void Application::TakeIn() {
  if (!plan_.settings.full_when_ready) return;
  const Duration time = random_.Between(Duration::zero(), plan_.restore_max);
  wiring_.queue.After(time, [this, memberships = memberships_] {
    if (memberships != memberships_) return;
    taken_in_ = true;
    TellReady();
  });
}

void Application::TellReady() {
  if (!plan_.settings.full_when_ready || !taken_in_ || !ready_in_) return;
  input_([this, view = *ready_in_](multicast::Core& core, Timestamp) {
    if (!core.Ready(view)) return;
    wiring_.trace.Line(wiring_.queue.now(), self_.id().value(), "is ready, as of view %u", view);
    wiring_.Tell(&Observer::OnReady, self_);
  });
}

void Application::On(const multicast::LeftViewAction& action) {
  bool overrun = action.why == multicast::LeftViewAction::Why::kOverrun;
  wiring_.trace.Line(wiring_.queue.now(), self_.id().value(), "left the view (%u)",
                     static_cast<unsigned>(action.why));
  wiring_.Tell(&Observer::OnLeft, self_, overrun);
  complete_ = false;
  has_view_ = false;
  shown_view_ = {};
  EndMembership();
}

void Application::On(const multicast::DivergedAction& action) {
  wiring_.trace.Line(wiring_.queue.now(), self_.id().value(), "diverged: %llu to %llu",
                     static_cast<unsigned long long>(action.first),
                     static_cast<unsigned long long>(action.last));
  wiring_.Tell(&Observer::OnDiverged, self_, action.first, action.last);
}

void Application::On(const multicast::TakeSnapshotAction& action) {
  Bytes bytes = state_.Serialize(wiring_.scenario.workload.snapshot_padding);
  const bool for_light = wiring_.scenario.members[action.learner.value() - 1].self.light;
  if (plan_.self.light || action.light != for_light) {
    wiring_.stage.Fail("light", "member %u%s is asked for a snapshot for member %u%s",
                       self_.id().value(), plan_.self.light ? ", who is light," : "",
                       action.learner.value(), action.light ? ", called light" : "");
  }
  if (state_.last_number() > action.commit_number) {
    wiring_.stage.Fail("snapshot", "member %u: snapshot asked as of %llu, delivered up to %llu",
                       self_.id().value(), static_cast<unsigned long long>(action.commit_number),
                       static_cast<unsigned long long>(state_.last_number()));
  }
  Duration delay = random_.Between(Duration::zero(), std::chrono::milliseconds(5));
  wiring_.queue.After(
      delay, [this, crashes = crashes_, transfer = action.transfer, bytes = std::move(bytes)] {
        if (crashes != crashes_) return;
        input_([transfer, bytes](multicast::Core& core, Timestamp now) {
          core.OnSnapshotTaken(transfer, bytes, now);
        });
      });
}

void Application::On(const multicast::InstallSnapshotAction& action) {
  auto state = ReplicatedState::Parse(action.state);
  if (!state.has_value()) {
    wiring_.stage.Fail("snapshot", "member %u: the snapshot as of %llu is damaged",
                       self_.id().value(), static_cast<unsigned long long>(action.commit_number));
    return;
  }
  state_ = std::move(*state);
  complete_ = true;
  wiring_.trace.Line(wiring_.queue.now(), self_.id().value(), "snapshot as of %llu, %zu entries",
                     static_cast<unsigned long long>(action.commit_number),
                     state_.entries().size());
  wiring_.Tell(&Observer::OnSnapshotInstalled, self_, action.commit_number);
  changed_ = true;
  TakeIn();
}

}  // namespace strata::simulation
