#include "tests/simulation/federation/store.h"

#include <utility>

namespace strata::simulation::federation {

namespace {

struct Applier {
  StoreState& state;

  void operator()(const PutCopy& put) const {
    StoreState::Row& row = state.contents[put.key];
    if (!put.uri.empty()) row.uri = put.uri;
    row.copies[put.holder] = {put.flags, put.size};
  }
  void operator()(const RemoveCopy& remove) const {
    const auto row = state.contents.find(remove.key);
    if (row == state.contents.end()) return;
    row->second.copies.erase(remove.holder);
    if (row->second.copies.empty()) state.contents.erase(row);
  }
  void operator()(const NameHolder& name) const {
    state.names[name.holder] = name.name;
    state.numbers[name.name] = name.holder;
  }
  void operator()(const PositionOfChild& set) const { state.positions[set.child] = set.position; }
};

}  // namespace

void StoreState::Apply(const StoreBatch& batch) {
  for (const StoreWrite& write : batch) std::visit(Applier{*this}, write);
}

Knowledge StoreState::KnowledgeOf() const {
  Knowledge known;
  for (const auto& [key, row] : contents) {
    for (const auto& [holder, copy] : row.copies) known[key][names.at(holder)] = copy.flags;
  }
  return known;
}

bool Store::UnsyncedPosition() const {
  for (const StoreBatch& batch : pending_) {
    for (const StoreWrite& write : batch) {
      if (std::holds_alternative<PositionOfChild>(write)) return true;
    }
  }
  return false;
}

void Store::Write(StoreBatch batch) {
  now_.Apply(batch);
  pending_.push_back(std::move(batch));
  ++written_;
}

void Store::SyncUpTo(uint64_t batches) {
  while (synced() < batches && !pending_.empty()) {
    durable_.Apply(pending_.front());
    pending_.pop_front();
  }
}

void Store::LosePower() {
  now_ = durable_;
  written_ -= pending_.size();
  pending_.clear();
}

void Store::CopyFrom(const Store& other) {
  now_ = other.now_;
  durable_ = now_;
  pending_.clear();
  written_ = 0;
}

void Store::Bend(const StoreBatch& batch) {
  now_.Apply(batch);
  durable_.Apply(batch);
}

}  // namespace strata::simulation::federation
