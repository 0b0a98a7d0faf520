#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "common/bytes.h"
#include "common/status.h"
#include "common/time.h"
#include "farm/asset.h"
#include "farm/engine.h"
#include "farm/messages.h"
#include "farm/table_digest.h"

namespace strata::farm {

// One engine's row. Everything but load, in_view and the ages is the same at every member that has
// applied the same messages.
struct Row {
  EngineInfo engine;
  uint64_t registration = 0;
  Health health = Health::kUp;
  std::string reason;  // Why it is not up.
  bool draining = false;
  bool telling = false;  // Its inventory is being told again: what is missing may come yet.
  uint64_t assets = 0;   // Copies it holds.
  uint64_t asset_bytes = 0;
  TableDigest digest;  // Of its assets.

  bool in_view = true;  // It is a member of the farm's multicast view.
  Load load;            // sequence 0: none has come.
  Timestamp load_at;    // When it came.
};

struct TableSettings {
  Duration stale_after = std::chrono::seconds(5);  // Without a load report.
  // A light member's table: the copies of this engine only, which is itself; of all if none.
  std::optional<EngineId> copies_of;
};

// Two ends of lifetimes that are not further apart are one: each way to tell one takes its time.
inline constexpr Duration kSameExpiry = std::chrono::seconds(1);

// Hears of each copy that a table gains, changes or loses by a message.
class CopyObserver {
 public:
  virtual ~CopyObserver();

  // `asset`: null if the copy is gone. `as_before`: it was there, and nothing about it has changed
  // (its lifetime ends when it did, but for kSameExpiry): it was told anew. Called while the table
  // changes: it must not be asked.
  virtual void OnCopy(EngineId engine, const ContentKey& key, const Asset* asset,
                      bool as_before) = 0;
};

// The state table of a farm: a row for each engine, and which engine holds which content (seed 1,
// section 1 of docs/protocols/farm.md). Every full member has one and applies the same committed
// messages in the same order, so that all are equal; `digest` proves it. Pure, one thread.
class StateTable {
 public:
  using Holders = absl::InlinedVector<EngineId, 4>;

  explicit StateTable(const TableSettings& settings = {}) : settings_(settings) {}

  // ---- What changes it.
  // Why a message changed nothing.
  enum class Applied : uint8_t {
    kYes,
    kUnknownEngine,   // It is about an engine that is not registered.
    kNotItsBusiness,  // Its sender may not say that.
    kOld,             // A load report or registration that a newer one has overtaken.
    kNotHere,         // A load report among committed messages, or the reverse.
  };
  // A committed message of member `sender`; `from_manager`: of the farm's SM or a BSM.
  Applied Apply(const Message& message, EngineId sender, bool from_manager, Timestamp now);
  // Received delivery: in any order, any number of times.
  Applied ApplyLoad(const LoadReport& report, EngineId sender, Timestamp now);
  // From now on `observer`, which must outlive the table, hears what messages change; not what
  // Restore does. Null: nobody.
  void Observe(CopyObserver* observer) { observer_ = observer; }
  // The engines of the multicast view, ordered with the messages.
  void SetView(const std::vector<EngineId>& members);

  // ---- Looking.
  const std::map<EngineId, Row>& rows() const { return rows_; }
  const Row* Find(EngineId engine) const;
  const Row* FindByName(std::string_view name) const;
  EngineStatus StatusOf(const Row& row, Timestamp now) const;
  // Who holds a copy of `key`, in order of id; null if nobody does. Valid until the next change.
  const Holders* FindHolders(const ContentKey& key) const;
  // The copy of `key` that `engine` holds, or null. Valid until the next change.
  const Asset* FindAsset(EngineId engine, const ContentKey& key) const;
  // When that copy expires; Never() if it does not, or if there is none.
  Timestamp ExpiryOf(EngineId engine, const ContentKey& key) const;
  // All copies of an engine, in no order.
  void VisitCopies(EngineId engine,
                   absl::FunctionRef<void(const ContentKey&, const Asset&)> visit) const;
  uint64_t contents() const { return holders_.size(); }
  // Of everything that is equal at all members. Two tables of one digest are equal but for chance
  // of 2^-128.
  const TableDigest& digest() const { return digest_; }
  // What a light member `engine` has that has applied the same messages: without the copies of the
  // others.
  TableDigest DigestOfLight(EngineId engine) const;

  // ---- State transfer (docs/protocols/farm.md, section 4).
  // All that is equal at all members, with what is left of lifetimes at `now`.
  // `copies_of`: for a light member, who keeps the copies of that engine only.
  Bytes Snapshot(Timestamp now, std::optional<EngineId> copies_of = std::nullopt) const;
  // Replaces everything. InvalidArgument, with the table as it was, if `snapshot` is not one.
  Status Restore(ByteSpan snapshot, Timestamp now);

 private:
  struct Copy {
    Asset asset;
    Timestamp expires = Timestamp::Never();
    uint32_t told = 0;  // The inventory round in which it was last told.
  };
  struct Engine {
    absl::flat_hash_map<ContentKey, Copy> copies;
    uint32_t round = 0;
  };

  Applied Take(const EngineRegistered& m);
  Applied Take(const EngineRemoved& m);
  Applied Take(const HealthChanged& m);
  Applied Take(const DrainChanged& m);
  Applied Take(const AssetsChanged& m, Timestamp now);
  Applied Take(const InventoryBegins& m);
  Applied Take(const InventoryEnds& m);

  // A change of what the digest counts of a row.
  void ChangeRow(EngineId engine, absl::FunctionRef<void(Row&)> change);
  void Put(Row& row, const ContentKey& key, const Asset& asset, Timestamp now);
  void Drop(Row& row, const ContentKey& key);
  void DropAll(Row& row);
  void RemoveHolder(const ContentKey& key, EngineId engine);
  bool Keeps(EngineId engine) const {
    return !settings_.copies_of || *settings_.copies_of == engine;
  }
  Status RestoreRow(ByteReader& reader, Timestamp now);

  TableSettings settings_;
  CopyObserver* observer_ = nullptr;
  std::map<EngineId, Row> rows_;
  std::map<EngineId, Engine> engines_;  // The same keys as rows_.
  absl::flat_hash_map<ContentKey, Holders> holders_;
  TableDigest digest_;
};

const char* ToString(StateTable::Applied applied);

}  // namespace strata::farm
