#include "tests/simulation/fault_injector.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace strata::simulation {

using multicast::Epoch;
using multicast::MemberId;
using multicast::PacketType;
using multicast::View;
using std::chrono::milliseconds;

FaultInjector::FaultInjector(Wiring& wiring, std::vector<std::unique_ptr<Member>>& members,
                             Hostile& hostile, uint64_t seed)
    : wiring_(wiring),
      members_(members),
      hostile_(hostile),
      random_(seed),
      base_(wiring.scenario.link) {}

Duration FaultInjector::Ms(int lo, int hi) {
  return random_.Between(milliseconds(lo), milliseconds(hi));
}

void FaultInjector::Start() {
  ApplyLinks();
  wiring_.queue.After(Ms(60, 200), [this] { Schedule(); });
}

void FaultInjector::Schedule() {
  if (healed_) return;
  double total = 0;
  for (double weight : wiring_.scenario.fault_weights) total += weight;
  if (total <= 0) return;
  Inject(DrawFault());
  double mean = static_cast<double>(wiring_.scenario.fault_gap.count());
  auto gap = static_cast<int64_t>(-std::log(1.0 - random_.Unit()) * mean);
  wiring_.queue.After(Duration(gap), [this] { Schedule(); });
}

Fault FaultInjector::DrawFault() {
  const auto& weights = wiring_.scenario.fault_weights;
  double total = 0;
  for (double weight : weights) total += weight;
  double at = random_.Unit() * total;
  for (size_t i = 0; i < kFaultKinds; ++i) {
    if (at < weights[i]) return static_cast<Fault>(i);
    at -= weights[i];
  }
  return Fault::kCrashAny;
}

const View* FaultInjector::LatestView() const {
  const View* latest = nullptr;
  for (const auto& member : members_) {
    if (!member->running() || member->view().number == 0) continue;
    if (latest == nullptr || latest->epoch < member->view().epoch) latest = &member->view();
  }
  return latest;
}

size_t FaultInjector::Any() { return random_.Below(members_.size()); }

size_t FaultInjector::Sm() {
  const View* view = LatestView();
  return view == nullptr ? Any() : view->members.front().id.value() - 1;
}

size_t FaultInjector::Manager() {
  std::vector<size_t> managers;
  for (size_t i = 0; i < members_.size(); ++i) {
    if (wiring_.scenario.members[i].self.role == multicast::Role::kManager) managers.push_back(i);
  }
  return managers[random_.Below(managers.size())];
}

void FaultInjector::Inject(Fault fault) {
  switch (fault) {
    case Fault::kPartition:
    case Fault::kIsolateSm:
    case Fault::kOneWay:
    case Fault::kNoMulticast:
    case Fault::kLossBurst:
      InjectOnLinks(fault);
      return;
    case Fault::kStartLate:
      StartSomeLate();
      return;
    case Fault::kHostile:
      hostile_.Attack();
      return;
    case Fault::kPowerLoss:
      PowerLoss();
      return;
    case Fault::kCrashAny:
    case Fault::kCrashSm:
    case Fault::kCrashSmAtCommit:
    case Fault::kCrashAtViewChange:
    case Fault::kStopAny:
    case Fault::kStopSm:
    case Fault::kPauseCredit:
    case Fault::kPromote:
    case Fault::kSlowDown:
      InjectOnProcess(fault);
      return;
  }
}

void FaultInjector::InjectOnProcess(Fault fault) {
  const auto& settings = wiring_.scenario.members.front().settings;
  Member& any = *members_[Any()];
  if (fault == Fault::kCrashAny) CrashNow(Any());
  if (fault == Fault::kCrashSm) CrashNow(Sm());
  if (fault == Fault::kCrashSmAtCommit) {
    members_[Sm()]->Arm({.types = {PacketType::kCommit},
                         .needs_log_records = true,
                         .heard = random_.Chance(0.2) ? 0 : 0.2 + 0.6 * random_.Unit()});
  }
  if (fault == Fault::kCrashAtViewChange) {
    ArmedCrash crash{.types = {PacketType::kPropose}, .heard = random_.Unit()};
    if (random_.Chance(0.4)) crash.types = {PacketType::kView};
    if (random_.Chance(0.4)) crash.types = {PacketType::kInstall};
    members_[random_.Chance(0.3) ? Sm() : Manager()]->Arm(crash);
  }
  if (fault == Fault::kStopAny || fault == Fault::kStopSm) {
    StopFor(fault == Fault::kStopAny ? Any() : Sm(),
            settings.detection_timeout * static_cast<int64_t>(1 + random_.Below(24)) / 8);
  }
  if (fault == Fault::kPauseCredit && any.running()) {
    any.PauseCredit(true);
    wiring_.queue.After(Ms(5, 400), [&any] { any.PauseCredit(false); });
  }
  if (fault == Fault::kPromote) members_[Manager()]->Promote();
  if (fault == Fault::kSlowDown && any.running()) {
    any.set_turn_gap(random_.Between(std::chrono::microseconds(200), milliseconds(15)));
    wiring_.queue.After(Ms(20, 200), [&any] { any.set_turn_gap(Duration::zero()); });
  }
}

void FaultInjector::CrashNow(size_t index) {
  if (!members_[index]->running()) return;
  members_[index]->Crash();
  RestartLater(index);
}

// A group whose voters lost their memory is lost; a reasonable operator loses one disk at a time.
bool FaultInjector::MayLoseDisk(size_t index) {
  for (auto it = lost_disk_.begin(); it != lost_disk_.end();) {
    const Member& member = *members_[*it];
    bool back = member.running() && member.view().number != 0 &&
                member.status() != multicast::MemberStatus::kLearner;
    it = back ? lost_disk_.erase(it) : std::next(it);
  }
  if (wiring_.scenario.quorum_none || !lost_disk_.empty()) return false;
  // The last view that took effect, and those after it of which nobody knows whether they did.
  std::vector<View> views;
  Epoch installed;
  for (const auto& member : members_) {
    for (View& view : member->ViewsOnDisk()) views.push_back(std::move(view));
    if (member->running()) installed = std::max(installed, member->view().epoch);
  }
  return !views.empty() && std::all_of(views.begin(), views.end(), [&](const View& view) {
    return view.epoch < installed || MayLoseDiskIn(view, members_[index]->id());
  });
}

bool FaultInjector::MayLoseDiskIn(const View& view, MemberId id) const {
  const bool another_may_lead =
      std::any_of(view.members.begin(), view.members.end(), [id](const auto& info) {
        return info.id != id && info.role == multicast::Role::kManager &&
               info.status == multicast::MemberStatus::kFull;
      });
  if (wiring_.scenario.managers_keep_intent && !another_may_lead) return false;
  auto voters = std::count_if(view.members.begin(), view.members.end(),
                              [](const auto& info) { return info.voter; });
  auto full = std::count_if(view.members.begin(), view.members.end(), [](const auto& info) {
    return info.status == multicast::MemberStatus::kFull;
  });
  return full >= 3 && (voters >= 3 || view.SlotOf(id) == multicast::kNoSlot);
}

void FaultInjector::RestartLater(size_t index) {
  bool with_disk = !random_.Chance(wiring_.scenario.restart_without_disk) || !MayLoseDisk(index);
  if (!with_disk) {
    lost_disk_.insert(index);
    diskless_.insert(index);
  }
  Duration delay = random_.Chance(0.5) ? Ms(1, 30) : Ms(30, 500);
  wiring_.queue.After(delay, [this, index, with_disk] {
    if (!dead_.contains(index)) members_[index]->Start(with_disk);
    diskless_.erase(index);
  });
}

void FaultInjector::StopFor(size_t index, Duration time) {
  Member& member = *members_[index];
  member.Stop();
  wiring_.queue.After(time, [&member] { member.Resume(); });
}

void FaultInjector::StartSomeLate() {
  uint64_t count = 1 + random_.Below(3);
  for (auto& member : members_) {
    if (member->ever_started() || count == 0) continue;
    member->Start(true);
    --count;
  }
}

void FaultInjector::PowerLoss() {
  for (size_t i = 0; i < members_.size(); ++i) {
    Member& member = *members_[i];
    wiring_.queue.After(Ms(0, 3), [this, &member] {
      if (!healed_) member.Crash();
    });
    if (!member.ever_started()) continue;
    wiring_.queue.After(Ms(10, 200), [&member] { member.Start(true); });
  }
}

void FaultInjector::Heal() {
  healed_ = true;
  impairments_.clear();
  if (random_.Chance(0.5)) base_.loss = 0;
  ApplyLinks();
  const View* view = LatestView();
  bool leave_one = random_.Chance(0.3);
  for (size_t i = 0; i < members_.size(); ++i) {
    Member& member = *members_[i];
    member.Disarm();
    if (leave_one && !member.running() && view != nullptr &&
        view->SlotOf(member.id()) == multicast::kNoSlot) {
      dead_.insert(i);
      leave_one = false;
      continue;
    }
    member.Start(!diskless_.contains(i));
    member.Resume();
    member.PauseCredit(false);
    member.set_turn_gap(Duration::zero());
  }
}

}  // namespace strata::simulation
