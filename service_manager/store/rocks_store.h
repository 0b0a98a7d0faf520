#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "common/status.h"
#include "service_manager/store/store.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class Status;
class WriteBatch;
}  // namespace rocksdb

namespace strata::manager::store {

// A Store in a folder of its own, by RocksDB. Has two threads more than RocksDB's: one syncs
// locations, and writes down how much intent there is (`INTENTS`, for the check at the next Open).
class RocksStore final : public Store {
 public:
  struct Options {
    std::string folder;
    // Called on the syncing thread whenever SyncedUpTo() grew.
    std::function<void()> on_synced = [] {};
    rocksdb::Env* env = nullptr;    // For tests: another file system; must outlive the store.
    size_t write_buffer_bytes = 0;  // For tests: small ones; 0: as limits.h says.
  };

  // Opens the store, or makes one if the folder is missing or empty. Else refuses, naming the
  // folder: DataLoss (corrupt, or less than was committed), FailedPrecondition (of a newer version,
  // or no store at all), PermissionDenied (cannot be written), Unavailable (in use, or anything
  // else the system says).
  static StatusOr<std::unique_ptr<RocksStore>> Open(Options options);
  ~RocksStore() override;  // Syncs what was applied.
  RocksStore(const RocksStore&) = delete;
  RocksStore& operator=(const RocksStore&) = delete;

  StatusOr<std::vector<uint64_t>> Commit(const IntentBatch& batch) override;
  StatusOr<uint64_t> LastPosition(const std::string& log) override;
  StatusOr<std::optional<std::string>> Get(std::string_view table, std::string_view key) override;
  Status VisitTable(std::string_view table,
                    absl::FunctionRef<bool(std::string_view, std::string_view)> visit) override;
  Status VisitLog(std::string_view log, uint64_t from,
                  absl::FunctionRef<bool(uint64_t, std::string_view)> visit) override;
  Status VisitIntents(absl::FunctionRef<bool(std::string_view, std::string_view)> visit) override;
  Status ReplaceIntents(const std::vector<IntentRecord>& records) override;
  StatusOr<uint64_t> Apply(const LocationBatch& batch) override;
  uint64_t SyncedUpTo() const override { return synced_.load(std::memory_order_acquire); }
  Status Sync() override;
  StatusOr<std::optional<StoredLocation>> FindLocation(const farm::ContentKey& key,
                                                       directory::Holder holder) override;
  StatusOr<std::optional<std::string>> FindUri(const farm::ContentKey& key) override;
  Status VisitLocations(uint8_t first, uint8_t last,
                        absl::FunctionRef<void(const RecordHead&)> visit) override;
  StatusOr<uint64_t> VisitContents(const farm::ContentKey& first, const farm::ContentKey& last,
                                   absl::FunctionRef<bool(const ContentView&)> visit) override;
  StatusOr<std::vector<ChildPosition>> ChildPositions() override;

 private:
  // Records by kind: facts about the store, intent, locations, URIs.
  enum Family { kFacts, kIntents, kLocations, kUris, kFamilies };

  explicit RocksStore(Options options);

  Status OpenDatabase();
  Status CheckFormat();
  Status CheckIntents();
  Status LoadFeeds();
  Status Failed(const rocksdb::Status& status) const;
  Status Unreadable(const std::string& what) const;
  StatusOr<std::optional<std::string>> Read(Family family, std::string_view key);
  StatusOr<uint64_t> NextPosition(const std::string& log);
  // Writes intent, synced, and counts it. Under mutex_.
  Status Write(rocksdb::WriteBatch& writes);
  StatusOr<std::vector<uint64_t>> Fill(const IntentBatch& batch, rocksdb::WriteBatch& writes);
  struct Record {
    std::string key, value;
  };
  void PutChanged(Family family, std::span<const Record> records, rocksdb::WriteBatch& writes);
  void FillLocations(const LocationBatch& batch, rocksdb::WriteBatch& writes);
  // Of feeds; under mutex_.
  Status FillPositions(const LocationBatch& batch, rocksdb::WriteBatch& writes);
  void RememberFeeds(const LocationBatch& batch);
  void SyncLoop(uint64_t marked);  // `marked`: the commits that Open found.
  void MarkIntents(uint64_t count);

  const Options options_;
  std::unique_ptr<rocksdb::DB> database_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;

  std::mutex mutex_;
  std::condition_variable changed_;
  // Under mutex_, which is held while a write goes to the log: numbers follow the log's order.
  Status failure_;
  // Grows before its batch can be read; who has read batches reads it without the mutex.
  std::atomic<uint64_t> applied_{0};
  size_t unsynced_bytes_ = 0;
  int format_ = 0;
  std::set<std::string> feeds_;                    // Children that have a position.
  uint64_t intents_ = 0;                           // Commits in the life of the store.
  std::map<std::string, uint64_t> next_position_;  // By log; only of those written since Open.
  bool stop_ = false;

  std::atomic<uint64_t> synced_{0};  // Written under mutex_.
  std::thread syncer_;
};

}  // namespace strata::manager::store
