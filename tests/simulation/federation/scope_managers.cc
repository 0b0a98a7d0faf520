#include "tests/simulation/federation/scope_managers.h"

#include <algorithm>
#include <utility>

namespace strata::simulation::federation {

using std::chrono::milliseconds;

ScopeManagers::ScopeManagers(Wiring& wiring, size_t scope, FindParent find_parent)
    : wiring_(wiring), scope_(scope), find_parent_(std::move(find_parent)) {
  for (Machine& machine : machines_) machine.which = ++stores_;
}

Manager* ScopeManagers::Answering() {
  if (deposed_ != nullptr && wiring_.random.Chance(0.5)) return deposed_;
  return leader_;
}

void ScopeManagers::Launch() {
  Machine& machine = leading();
  ++epoch_;
  if (std::exchange(machine.bent, false)) wiring_.events.Count(Event::kBentFound);
  wiring_.trace.Line(wiring_.queue.now(), 0, "%s: machine %zu leads, epoch %llu",
                     wiring_.scope(scope_).c_str(), leads_,
                     static_cast<unsigned long long>(epoch_));
  all_.push_back(std::make_unique<Manager>(
      wiring_, Manager::Start{.scope = scope_,
                              .epoch = epoch_,
                              .store = machine.store,
                              .written =
                                  [this, &machine](uint64_t number, const StoreBatch& batch) {
                                    Written(machine, number, batch);
                                  },
                              .which_store = [&machine] { return machine.which; },
                              .find_parent = [this]() -> FeedReader* {
                                Manager* parent = find_parent_();
                                return parent == nullptr ? nullptr : &parent->desk(scope_);
                              }}));
  leader_ = all_.back().get();
}

void ScopeManagers::Written(Machine& machine, uint64_t number, const StoreBatch& batch) {
  const Timestamp at =
      wiring_.queue.now() + wiring_.random.Between(Duration::zero(), wiring_.plan.link.sync_max);
  machine.last_sync = std::max(machine.last_sync, at);
  wiring_.queue.At(machine.last_sync, [this, &machine, number, happened = machine.happened] {
    if (machine.happened != happened) return;
    machine.store.SyncUpTo(number);
    Manager* manager = &machine == &leading() ? leader_ : deposed_;
    if (manager != nullptr) manager->OnDurable();
  });
  if (&machine == &leading() && deposed_ == nullptr) Mirror(batch);
}

void ScopeManagers::Mirror(const StoreBatch& batch) {
  Machine& to = other();
  const Timestamp at =
      wiring_.queue.now() + wiring_.random.Between(Duration::zero(), wiring_.plan.link.mirror_max);
  to.last_mirrored = std::max(to.last_mirrored, at);
  wiring_.queue.At(to.last_mirrored, [&to, batch, happened = to.happened] {
    if (to.happened != happened) return;
    to.store.Write(batch);
    to.store.SyncUpTo(to.store.written());
  });
}

void ScopeManagers::CopyToOther() {
  ++other().happened;
  other().which = ++stores_;
  other().bent = false;
  other().store.CopyFrom(leading().store);
}

void ScopeManagers::SetCopy(const farm::ContentKey& key, const HolderName& engine,
                            std::optional<LocationFlags> flags) {
  wiring_.truth.Set(scope_, key, engine, flags);
  if (leader_ != nullptr) leader_->SetCopy(key, engine, flags);
}

void ScopeManagers::SetPolicy(const PolicyPlan& policy) {
  wiring_.trace.Line(wiring_.queue.now(), 0, "%s: policy %s", wiring_.scope(scope_).c_str(),
                     ToString(policy).c_str());
  wiring_.truth.SetPolicy(scope_, policy);
  if (leader_ != nullptr) leader_->parent_link()->SetPolicy(policy);
}

void ScopeManagers::Restart(bool power_lost, Duration down) {
  if (!calm()) return;
  wiring_.trace.Line(wiring_.queue.now(), 0, "%s: %s", wiring_.scope(scope_).c_str(),
                     power_lost ? "power lost" : "restarts");
  leader_->Stop();
  leader_ = nullptr;
  Machine& machine = leading();
  ++machine.happened;
  if (power_lost) {
    if (machine.store.UnsyncedPosition()) wiring_.events.Count(Event::kUnsyncedLost);
    machine.store.LosePower();
  } else {
    machine.store.SyncUpTo(machine.store.written());
  }
  CopyToOther();
  wiring_.queue.After(down, [this] {
    if (leader_ == nullptr) Launch();
  });
}

void ScopeManagers::TakeOver(Duration deposed_for) {
  if (deposed_ != nullptr) return;
  deposed_ = std::exchange(leader_, nullptr);
  leads_ = 1 - leads_;
  ++leading().happened;
  Launch();
  if (deposed_ == nullptr || deposed_for == Duration::zero()) {
    EndDeposed();
  } else {
    wiring_.queue.After(deposed_for, [this] { EndDeposed(); });
  }
}

void ScopeManagers::EndDeposed() {
  if (deposed_ != nullptr) deposed_->Stop();
  deposed_ = nullptr;
  CopyToOther();
}

void ScopeManagers::Bend() {
  if (!calm()) return;
  const bool at_leader = wiring_.random.Chance(0.7);
  Machine& machine = at_leader ? leading() : other();
  const StoreBatch bend = DrawBend(machine.store);
  if (bend.empty()) return;
  wiring_.trace.Line(wiring_.queue.now(), 0, "%s: the store of machine %zu is bent",
                     wiring_.scope(scope_).c_str(), at_leader ? leads_ : 1 - leads_);
  machine.store.Bend(bend);
  machine.bent = true;
  if (at_leader) Restart(false, milliseconds(1));
}

// A copy that is lost, has other flags, or never was.
StoreBatch ScopeManagers::DrawBend(const Store& store) {
  const auto& contents = store.state().contents;
  if (contents.empty()) return {};
  auto row = contents.begin();
  std::advance(row, wiring_.random.Below(contents.size()));
  const auto& [holder, copy] = *row->second.copies.begin();
  switch (wiring_.random.Below(3)) {
    case 0:
      return {RemoveCopy{row->first, holder}};
    case 1:
      return {
          PutCopy{row->first, holder, static_cast<LocationFlags>(copy.flags ^ 1), copy.size, ""}};
    default:
      break;
  }
  auto invented = store.state().names.begin();
  std::advance(invented, wiring_.random.Below(store.state().names.size()));
  if (invented->second.scope == wiring_.scope(scope_) && invented->second.engine.empty()) return {};
  return {PutCopy{row->first, invented->first, copy.flags, copy.size, ""}};
}

void ScopeManagers::Forget(size_t child) {
  if (leader_ == nullptr || !leader_->desk(child).Forget()) return;
  leading().which = ++stores_;
  wiring_.trace.Line(wiring_.queue.now(), 0, "%s forgets %s", wiring_.scope(scope_).c_str(),
                     wiring_.scope(child).c_str());
}

void ScopeManagers::CountEvents() {
  for (const auto& manager : all_) manager->CountEvents();
}

}  // namespace strata::simulation::federation
