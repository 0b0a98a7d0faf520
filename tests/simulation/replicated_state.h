#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "common/bytes.h"
#include "multicast/wire/types.h"
#include "tests/simulation/message_registry.h"

namespace strata::simulation {

// One committed message in the order of its delivery.
struct Entry {
  uint64_t number = 0;  // Commit number.
  multicast::MemberId origin{};
  multicast::StreamId stream = 0;
  MessageId id = 0;
  uint64_t hash = 0;  // Of the payload.
  friend bool operator==(const Entry&, const Entry&) = default;
};

// What the application of every member keeps: the list of all it was told, in order, with a hash
// over it. Two members are equal when their chains are.
class ReplicatedState {
 public:
  void Append(const Entry& entry);

  const std::vector<Entry>& entries() const { return entries_; }
  uint64_t chain() const { return chain_; }
  uint64_t last_number() const { return entries_.empty() ? 0 : entries_.back().number; }
  bool Contains(MessageId id) const { return ids_.contains(id); }

  // A founding without survivors starts a new lineage: what the founder had not on disk is lost.
  uint32_t lineage() const { return lineage_; }
  void set_lineage(uint32_t lineage) { lineage_ = lineage; }

  // `padding` zero bytes behind, so that snapshots take several packets.
  Bytes Serialize(size_t padding) const;
  static std::optional<ReplicatedState> Parse(ByteSpan bytes);

 private:
  uint32_t lineage_ = 0;
  uint64_t chain_ = 0;
  std::vector<Entry> entries_;
  std::set<MessageId> ids_;
};

}  // namespace strata::simulation
