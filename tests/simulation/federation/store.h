#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "farm/content_key.h"
#include "service_manager/directory/location.h"
#include "service_manager/federation/feed/feed_position.h"
#include "tests/simulation/federation/knowledge.h"

namespace strata::simulation::federation {

using manager::directory::Holder;
using manager::federation::FeedPosition;

// One write of a manager's store.
struct PutCopy {
  farm::ContentKey key;
  Holder holder;
  LocationFlags flags = 0;
  uint64_t size = 0;
  std::string uri;  // Empty: the store has it.
};
struct RemoveCopy {
  farm::ContentKey key;
  Holder holder;
};
struct NameHolder {
  Holder holder;
  HolderName name;
};
struct PositionOfChild {
  std::string child;
  FeedPosition position;
};
using StoreWrite = std::variant<PutCopy, RemoveCopy, NameHolder, PositionOfChild>;
// All of it is durable, or nothing.
using StoreBatch = std::vector<StoreWrite>;

// What a store has at one moment.
struct StoreState {
  struct Copy {
    LocationFlags flags = 0;
    uint64_t size = 0;
  };
  struct Row {
    std::string uri;
    std::map<Holder, Copy> copies;  // Never empty.
  };
  std::map<farm::ContentKey, Row> contents;
  std::map<Holder, HolderName> names;
  std::map<HolderName, Holder> numbers;
  std::map<std::string, FeedPosition> positions;  // By the child's scope.

  void Apply(const StoreBatch& batch);
  Knowledge KnowledgeOf() const;
};

// The store of one machine, in memory: what was written is there at once, and durable once it was
// synced. A loss of power forgets the rest, so what is durable is a prefix of what was written.
class Store {
 public:
  const StoreState& state() const { return now_; }
  // Batches so far.
  uint64_t written() const { return written_; }
  uint64_t synced() const { return written_ - pending_.size(); }

  // Whether a loss of power would forget how far some child's feed was applied.
  bool UnsyncedPosition() const;

  void Write(StoreBatch batch);
  void SyncUpTo(uint64_t batches);
  void LosePower();
  // A machine whose store is a copy of another's.
  void CopyFrom(const Store& other);
  // What no program wrote: bits that a disk bent, now and durably.
  void Bend(const StoreBatch& batch);

 private:
  StoreState now_;
  StoreState durable_;
  std::deque<StoreBatch> pending_;
  uint64_t written_ = 0;
};

}  // namespace strata::simulation::federation
