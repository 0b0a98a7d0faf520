#include "tests/simulation/federation/manager.h"

namespace strata::simulation::federation {

Manager::Manager(Wiring& wiring, const Start& start)
    : wiring_(wiring), directory_(wiring.scope(start.scope), start.store, wiring.random.Next()) {
  directory_.set_written(start.written);
  directory_.Commit();  // The number of the own scope.
  for (const size_t child : wiring.plan.ChildrenOf(start.scope)) {
    desks_[child] = std::make_unique<ChildDesk>(wiring, child, directory_, start.which_store);
  }
  if (!wiring.plan.scopes[start.scope].parent) return;
  parent_link_ =
      std::make_unique<ParentLink>(wiring, start.scope, start.epoch, directory_, start.find_parent);
  directory_.set_changed([this](const farm::ContentKey& key, const CopyChange& change) {
    parent_link_->OnCopyChange(key, change);
  });
  if (wiring.plan.IsFarm(start.scope)) TakeInFarm(start.scope);
  parent_link_->Start();
}

// What the farm's state table says, against what the store had.
void Manager::TakeInFarm(size_t scope) {
  const Knowledge& farm = wiring_.truth.OfFarm(scope);
  for (const auto& [key, copies] : directory_.store().state().KnowledgeOf()) {
    const auto there = farm.find(key);
    for (const auto& [engine, unused] : copies) {
      const bool gone = there == farm.end() || !there->second.contains(engine);
      if (gone) SetCopy(key, engine, {});
    }
  }
  for (const auto& [key, copies] : farm) {
    for (const auto& [engine, flags] : copies) SetCopy(key, engine, flags);  // Perhaps as it was.
  }
}

void Manager::SetCopy(const farm::ContentKey& key, const HolderName& engine,
                      std::optional<LocationFlags> flags) {
  const Holder number = directory_.NumberOf(engine);
  const Content& content = wiring_.truth.content(key);
  if (flags) {
    directory_.Put(key, {number, *flags}, content.size, content.uri);
  } else {
    directory_.Remove(key, number);
  }
  directory_.Commit();
}

void Manager::Stop() {
  stopped_ = true;
  for (auto& [child, desk] : desks_) desk->Stop();
  if (parent_link_ != nullptr) parent_link_->Stop();
}

void Manager::OnDurable() {
  if (stopped_) return;
  for (auto& [child, desk] : desks_) desk->OnDurable();
  if (parent_link_ != nullptr) parent_link_->OnDurable();
}

void Manager::CountEvents() {
  if (parent_link_ != nullptr) parent_link_->CountEvents();
}

}  // namespace strata::simulation::federation
