#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "common/bytes.h"
#include "common/status.h"
#include "common/time.h"
#include "farm/site_ledger.h"
#include "farm/state_table.h"

namespace strata::farm {

// The streams of the farm's multicast group that carry its table, and the loads.
inline constexpr uint8_t kTableStream = 0;  // Committed.
inline constexpr uint8_t kLoadStream = 1;   // Received.

// A member's state, table and site ledger, behind its multicast group: takes what the group
// delivers, counts what it refuses, and hands the state to learners. Whoever drives the group calls
// it, in the group's order. Pure; one thread.
class TableReplica {
 public:
  struct Member {
    EngineId id{};
    bool manager = false;
  };
  // Messages since the start, by what became of them.
  struct Counters {
    uint64_t applied = 0;
    uint64_t loads = 0;
    uint64_t malformed = 0;
    uint64_t later_version = 0;  // Not malformed: of a program that is newer than this one.
    uint64_t unknown_engine = 0;
    uint64_t not_its_business = 0;
    uint64_t old = 0;
    uint64_t wrong_stream = 0;
  };

  explicit TableReplica(const TableSettings& settings = {}) : table_(settings) {}

  // A view of the group: who may speak for all, and which engines are there.
  void OnView(const std::vector<Member>& members);
  // Deliveries of kTableStream and kLoadStream.
  // The first gives the message if it counted; nothing if it was refused, or changed nothing.
  std::optional<Message> OnCommitted(EngineId origin, ByteSpan message, uint64_t commit_number,
                                     Timestamp now);
  // Gives what is no load: somebody else's business.
  std::optional<Message> OnReceived(EngineId origin, ByteSpan message, Timestamp now);
  // State transfer. InvalidArgument, with the table as it was, if `state` is not a snapshot.
  // `light`: for that light member, which keeps no copies but its own.
  Bytes TakeSnapshot(Timestamp now, std::optional<EngineId> light = std::nullopt) const;
  Status InstallSnapshot(ByteSpan state, uint64_t commit_number, Timestamp now);

  void Observe(CopyObserver* observer) { table_.Observe(observer); }

  const StateTable& table() const { return table_; }
  const SiteLedger& ledger() const { return ledger_; }
  // Of both.
  TableDigest digest() const;
  // What a light member of the same commit number has.
  TableDigest DigestOfLight(EngineId engine) const;
  // Of the last delivery or snapshot. Members with the same one have tables of the same digest.
  uint64_t commit_number() const { return commit_number_; }
  const Counters& counters() const { return counters_; }

 private:
  StatusOr<Message> Decode(ByteSpan message);
  bool Count(StateTable::Applied applied, uint64_t& taken);
  StateTable::Applied Apply(const Message& message, EngineId origin, Timestamp now);

  StateTable table_;
  SiteLedger ledger_;
  std::set<EngineId> managers_;
  std::vector<EngineId> members_;
  uint64_t commit_number_ = 0;
  Counters counters_;
};

}  // namespace strata::farm
