#include "tests/simulation/federation/fault_injector.h"

#include <numeric>

namespace strata::simulation::federation {

using std::chrono::milliseconds;

namespace {

constexpr size_t kBurstMax = 150;
constexpr Duration kNoticeMax = milliseconds(200);

}  // namespace

Duration FaultInjector::Ms(int lo, int hi) {
  return random_.Between(milliseconds(lo), milliseconds(hi));
}

void FaultInjector::Start() {
  ChangeSome(kBurstMax);
  ChangeLater();
  FaultLater();
}

// ---- Copies come and go.

void FaultInjector::ChangeLater() {
  wiring_.queue.After(random_.Between(Duration::zero(), wiring_.plan.change_gap * 2), [this] {
    if (rests_) return;
    ChangeOne();
    ChangeLater();
  });
}

void FaultInjector::ChangeSome(size_t changes) {
  for (size_t i = 0; i < changes; ++i) ChangeOne();
}

void FaultInjector::ChangeOne() {
  const size_t farm = AnyFarm();
  const ScopePlan& plan = wiring_.plan.scopes[farm];
  const Content& content = wiring_.plan.catalogue[random_.Below(wiring_.plan.catalogue.size())];
  const HolderName engine{plan.scope, plan.engines[random_.Below(plan.engines.size())]};
  std::optional<LocationFlags> flags;
  if (random_.Chance(0.6)) {
    flags = static_cast<LocationFlags>(
        (random_.Chance(wiring_.plan.library) ? manager::directory::kLibrary : 0) |
        (random_.Chance(0.8) ? manager::directory::kComplete : 0));
  }
  scopes_[farm]->SetCopy(content.key, engine, flags);
}

// ---- Faults.

void FaultInjector::FaultLater() {
  wiring_.queue.After(random_.Between(Duration::zero(), wiring_.plan.fault_gap * 2), [this] {
    if (healed_) return;
    Inject(DrawFault());
    FaultLater();
  });
}

Fault FaultInjector::DrawFault() {
  const auto& weights = wiring_.plan.fault_weights;
  double left = random_.Unit() * std::accumulate(weights.begin(), weights.end(), 0.0);
  for (size_t i = 0; i + 1 < kFaultKinds; ++i) {
    left -= weights[i];
    if (left < 0) return static_cast<Fault>(i);
  }
  return static_cast<Fault>(kFaultKinds - 1);
}

size_t FaultInjector::AnyChild() { return 1 + random_.Below(scopes_.size() - 1); }

size_t FaultInjector::AnyFarm() {
  size_t at = random_.Below(scopes_.size());
  while (!wiring_.plan.IsFarm(at)) at = (at + 1) % scopes_.size();
  return at;
}

ParentLink* FaultInjector::LinkOf(size_t scope) {
  Manager* leader = scopes_[scope]->leader();
  return leader == nullptr ? nullptr : leader->parent_link();
}

void FaultInjector::Inject(Fault fault) {
  const size_t child = AnyChild();
  ParentLink* link = LinkOf(child);
  const Duration deposed_for = random_.Chance(0.3) ? Duration::zero() : Ms(50, 800);
  switch (fault) {
    case Fault::kFlap:
      if (link != nullptr) link->Cut(kNoticeMax);
      break;
    case Fault::kOutage:
      if (link == nullptr) break;
      link->StayAway(Ms(300, 2000));
      link->Cut(kNoticeMax);
      break;
    case Fault::kStall:
      if (link != nullptr) link->Stall(Ms(50, 1000));
      break;
    case Fault::kTakeOver:
      scopes_[random_.Below(scopes_.size())]->TakeOver(deposed_for);
      break;
    case Fault::kTakeOverBoth:
      scopes_[child]->TakeOver(deposed_for);
      scopes_[*wiring_.plan.scopes[child].parent]->TakeOver(deposed_for);
      break;
    case Fault::kRestart:
      scopes_[random_.Below(scopes_.size())]->Restart(false, Ms(1, 500));
      break;
    case Fault::kPowerLoss:
      scopes_[random_.Below(scopes_.size())]->Restart(true, Ms(1, 500));
      break;
    case Fault::kBend:
      scopes_[random_.Below(scopes_.size())]->Bend();
      break;
    case Fault::kPolicy:
      scopes_[child]->SetPolicy(DrawPolicy(random_));
      if (!random_.Chance(0.5)) break;
      wiring_.queue.After(Ms(1, 300), [this, child, policy = DrawPolicy(random_)] {
        if (!healed_) scopes_[child]->SetPolicy(policy);  // The other one was a mistake.
      });
      break;
    case Fault::kBurst:
      ChangeSome(random_.Below(kBurstMax));
      break;
    case Fault::kForget:
      if (link != nullptr) {
        link->StayAway(Ms(300, 800));
        link->Cut(kNoticeMax);
      }
      wiring_.queue.After(Ms(250, 300), [this, child] {
        scopes_[*wiring_.plan.scopes[child].parent]->Forget(child);
      });
      break;
  }
}

}  // namespace strata::simulation::federation
