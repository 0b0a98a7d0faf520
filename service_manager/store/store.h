#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "common/status.h"
#include "service_manager/store/record.h"

namespace strata::manager::store {

// Of a trim: all records that there ever were.
inline constexpr uint64_t kWholeLog = UINT64_MAX;

// Intent, to be written at once: all of it or nothing. A table is a map from key to value, a log
// gives each record the next position, from 1. Names of tables and logs are not empty, of at most
// kNameBytesMax bytes, without a NUL; a table and a log of one name are two things.
struct IntentBatch {
  struct Put {
    std::string table, key, value;
  };
  struct Delete {
    std::string table, key;
  };
  struct Append {
    std::string log, record;
    uint64_t position =
        0;  // Above that of the last record, of whom numbers elsewhere; 0: the next.
  };
  struct Trim {  // Forgets the records before a position.
    std::string log;
    uint64_t before = 0;  // kWholeLog: all, and the next position is 1 again.
  };

  std::vector<Put> puts = {};
  std::vector<Delete> deletes = {};  // After the puts.
  std::vector<Append> appends = {};
  std::vector<Trim> trims = {};  // After the appends.
};

// A record of intent as it lies in a store: only for another store of the same version.
struct IntentRecord {
  std::string key, value;
};

// Changes of locations, each of another one, to be written all or none. With the positions of the
// feeds whose records these are: so what is durable of a feed is a prefix of it, and its position.
struct LocationBatch {
  struct Gone {
    farm::ContentKey key;
    directory::Holder holder;
  };
  struct Uri {
    farm::ContentKey key;
    std::string text;  // Of at most farm::kMaxCanonicalUriBytes bytes; empty: forget it.
  };

  std::vector<StoredLocation> stored = {};
  std::vector<Gone> gone = {};
  std::vector<Uri> uris = {};
  std::vector<ChildPosition> positions = {};  // Each of another child.
  std::vector<std::string> forgotten = {};    // Children without a position from now on.
};

// A content with all of its copies, for the time of one visit.
struct ContentView {
  farm::ContentKey key;
  std::string_view uri;                       // Empty: not known.
  std::span<const StoredLocation> locations;  // At least one; in the order of their holders.
};

// What a manager must not forget. Two classes of durability: intent is synced before Commit
// returns; locations are written by Apply, synced soon and together, and SyncedUpTo() tells how
// far. Both lie in one order: when a record is durable, so is everything before it.
//
// Every function may be called from any thread; those that write wait for the disk, so they belong
// on a thread for that. After a failed write nothing more is accepted: the same error comes again.
class Store {
 public:
  virtual ~Store();

  // ---- Intent.

  // Writes and syncs; gives the positions of the appended records, in their order. InvalidArgument
  // for a name, record or position out of bounds (nothing is written), else what the disk says.
  virtual StatusOr<std::vector<uint64_t>> Commit(const IntentBatch& batch) = 0;
  virtual StatusOr<std::optional<std::string>> Get(std::string_view table,
                                                   std::string_view key) = 0;
  // The position that a record was given last in this log, trimmed or not; 0: none was.
  virtual StatusOr<uint64_t> LastPosition(const std::string& log) = 0;
  // In the order of the keys; until `visit` says false.
  virtual Status VisitTable(
      std::string_view table,
      absl::FunctionRef<bool(std::string_view key, std::string_view value)> visit) = 0;
  // From a position on, in order; until `visit` says false.
  virtual Status VisitLog(
      std::string_view log, uint64_t from,
      absl::FunctionRef<bool(uint64_t position, std::string_view record)> visit) = 0;

  // ---- All of intent at once, for copies of a store.

  // Every record as of one instant, in the order of its keys; until `visit` says false.
  virtual Status VisitIntents(
      absl::FunctionRef<bool(std::string_view key, std::string_view value)> visit) = 0;
  // Puts these records in place of all intent, as one Commit. ResourceExhausted beyond
  // kIntentsBytesMax; then nothing is written.
  virtual Status ReplaceIntents(const std::vector<IntentRecord>& records) = 0;

  // ---- Locations.

  // Writes what does not lie there like that, without waiting for the sync unless kUnsyncedBytesMax
  // are waiting for it. Gives the number of the batch: 1, 2, … since Open; one with nothing to
  // write has that of the batch before. InvalidArgument for a text that is too long, or a child
  // without a name; ResourceExhausted for more than kFeedsMax children: nothing is written then.
  // Batches that touch the same content come one after the other.
  virtual StatusOr<uint64_t> Apply(const LocationBatch& batch) = 0;
  // The last batch that is durable, with all before it. Does not wait.
  virtual uint64_t SyncedUpTo() const = 0;
  // Waits until all that was applied is durable.
  virtual Status Sync() = 0;
  // One location, or the URI of a content; nothing if unknown.
  virtual StatusOr<std::optional<StoredLocation>> FindLocation(const farm::ContentKey& key,
                                                               directory::Holder holder) = 0;
  virtual StatusOr<std::optional<std::string>> FindUri(const farm::ContentKey& key) = 0;
  // The heads of all locations whose key begins with a byte from `first` to `last`, in order; as of
  // the call. DataLoss if a record cannot be read: what was visited is then not all.
  virtual Status VisitLocations(uint8_t first, uint8_t last,
                                absl::FunctionRef<void(const RecordHead&)> visit) = 0;
  // The contents between two keys, both included, in order, each with all that lies here of it;
  // until `visit` says false: who goes on by steps begins the next one after the last key that he
  // saw. As of the call, and it may not be durable yet: gives the number of a batch; when
  // SyncedUpTo() has reached it, all that was visited is. DataLoss as above.
  virtual StatusOr<uint64_t> VisitContents(const farm::ContentKey& first,
                                           const farm::ContentKey& last,
                                           absl::FunctionRef<bool(const ContentView&)> visit) = 0;
  // How far the feed of each child is applied, in the order of the children's scopes; as of the
  // call, durable or not. DataLoss if one cannot be read.
  virtual StatusOr<std::vector<ChildPosition>> ChildPositions() = 0;
};

}  // namespace strata::manager::store
