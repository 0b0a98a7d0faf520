#include "service_manager/store/rocks_store.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "common/bytes.h"
#include "common/check.h"
#include "farm/asset.h"
#include "farm/content_identity.h"
#include "service_manager/store/limits.h"
#include "service_manager/store/slices.h"
#include "service_manager/store/store_files.h"

namespace strata::manager::store {
namespace {

constexpr auto kIntentsFileEvery = std::chrono::seconds(1);
// Records that are looked up at once: what they lie in stays in memory meanwhile, at worst a block
// each.
constexpr size_t kLookUpsMax = 128;

std::string BigEndian(uint64_t number) {
  std::array<uint8_t, 8> bytes;
  ByteWriter writer(bytes);
  writer.U64(number);
  return std::string(AsText(bytes));
}

// The first bytes of the keys of intents, and a key that is beyond all.
constexpr std::string_view kIntentKinds = "lnt";
constexpr char kPastIntents[] = "u";

// Keys among the intents: tables, records of logs, and the next position of each log.
std::string TableKey(std::string_view table, std::string_view key) {
  std::string joined = "t";
  return joined.append(table).append(1, '\0').append(key);
}
std::string LogKey(std::string_view log, uint64_t position) {
  std::string joined = "l";
  return joined.append(log).append(1, '\0').append(BigEndian(position));
}
std::string NextKey(std::string_view log) { return std::string("n").append(log); }

Status CheckName(const std::string& name) {
  const bool fine =
      !name.empty() && name.size() <= kNameBytesMax && name.find('\0') == std::string::npos;
  return fine ? Ok() : InvalidArgument("'%s' is no name of a table or log", name.c_str());
}

Status CheckBytes(const std::string& name, size_t bytes) {
  if (bytes <= kIntentBytesMax) return Ok();
  return InvalidArgument("a record for %s has %zu bytes, more than %zu", name.c_str(), bytes,
                         kIntentBytesMax);
}

Status CheckBatch(const LocationBatch& batch) {
  for (const StoredLocation& stored : batch.stored) {
    if (stored.validator.size() > farm::kMaxValidator) {
      return InvalidArgument("a validator has %zu bytes, more than %zu", stored.validator.size(),
                             farm::kMaxValidator);
    }
  }
  for (const LocationBatch::Uri& uri : batch.uris) {
    if (uri.text.size() > farm::kMaxCanonicalUriBytes) {
      return InvalidArgument("a URI has %zu bytes, more than %zu", uri.text.size(),
                             farm::kMaxCanonicalUriBytes);
    }
  }
  for (const ChildPosition& position : batch.positions) {
    if (!position.child.empty() && position.child.size() <= kScopeBytesMax) continue;
    return InvalidArgument("the scope of a feed has %zu bytes, not 1 to %zu", position.child.size(),
                           kScopeBytesMax);
  }
  return Ok();
}

}  // namespace

RocksStore::RocksStore(Options options) : options_(std::move(options)) {}

RocksStore::~RocksStore() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (syncer_.joinable()) syncer_.join();
  if (database_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    database_->DestroyColumnFamilyHandle(family).PermitUncheckedError();
  }
  database_->Close().PermitUncheckedError();
}

StatusOr<std::vector<uint64_t>> RocksStore::Commit(const IntentBatch& batch) {
  std::lock_guard lock(mutex_);
  if (!failure_.ok()) return failure_;
  rocksdb::WriteBatch writes;
  STRATA_ASSIGN_OR_RETURN(std::vector<uint64_t> positions, Fill(batch, writes));
  STRATA_RETURN_IF_ERROR(Write(writes));
  for (size_t i = 0; i < batch.appends.size(); ++i) {
    next_position_[batch.appends[i].log] = positions[i] + 1;
  }
  for (const IntentBatch::Trim& trim : batch.trims) {
    if (trim.before == kWholeLog) next_position_.erase(trim.log);
  }
  return positions;
}

Status RocksStore::Write(rocksdb::WriteBatch& writes) {
  writes.Put(families_[kFacts], kIntentsKey, std::to_string(intents_ + 1));
  rocksdb::WriteOptions options;
  options.sync = true;
  const rocksdb::Status written = database_->Write(options, &writes);
  if (!written.ok()) return failure_ = Failed(written);
  ++intents_;
  synced_.store(applied_, std::memory_order_release);  // The log was synced with what lay before.
  unsynced_bytes_ = 0;
  changed_.notify_all();
  return Ok();
}

Status RocksStore::VisitIntents(absl::FunctionRef<bool(std::string_view, std::string_view)> visit) {
  std::unique_ptr<rocksdb::Iterator> at(database_->NewIterator({}, families_[kIntents]));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    if (!visit(TextOf(at->key()), TextOf(at->value()))) return Ok();
  }
  return at->status().ok() ? Ok() : Failed(at->status());
}

Status RocksStore::ReplaceIntents(const std::vector<IntentRecord>& records) {
  size_t bytes = 0;
  for (const IntentRecord& record : records) {
    bytes += record.key.size() + record.value.size();
    if (record.key.size() < 2 || kIntentKinds.find(record.key[0]) == std::string_view::npos) {
      return InvalidArgument("a record that is no intent of this version");
    }
  }
  if (bytes > kIntentsBytesMax) {
    return ResourceExhausted("%zu bytes of intent, more than %zu", bytes, kIntentsBytesMax);
  }
  std::lock_guard lock(mutex_);
  if (!failure_.ok()) return failure_;
  rocksdb::WriteBatch writes;
  // Below the first kind there is nothing, and above the last.
  writes.DeleteRange(families_[kIntents], rocksdb::Slice("", 0), kPastIntents);
  for (const IntentRecord& record : records) {
    writes.Put(families_[kIntents], record.key, record.value);
  }
  STRATA_RETURN_IF_ERROR(Write(writes));
  next_position_.clear();
  return Ok();
}

// Turns a batch into RocksDB's; gives the positions of its appends. Under mutex_.
StatusOr<std::vector<uint64_t>> RocksStore::Fill(const IntentBatch& batch,
                                                 rocksdb::WriteBatch& writes) {
  rocksdb::ColumnFamilyHandle* family = families_[kIntents];
  for (const IntentBatch::Put& put : batch.puts) {
    STRATA_RETURN_IF_ERROR(CheckName(put.table));
    STRATA_RETURN_IF_ERROR(CheckBytes(put.table, put.key.size() + put.value.size()));
    writes.Put(family, TableKey(put.table, put.key), put.value);
  }
  for (const IntentBatch::Delete& gone : batch.deletes) {
    STRATA_RETURN_IF_ERROR(CheckName(gone.table));
    writes.Delete(family, TableKey(gone.table, gone.key));
  }
  std::vector<uint64_t> positions;
  std::map<std::string, uint64_t> next;
  for (const IntentBatch::Append& append : batch.appends) {
    STRATA_RETURN_IF_ERROR(CheckName(append.log));
    STRATA_RETURN_IF_ERROR(CheckBytes(append.log, append.record.size()));
    if (!next.contains(append.log)) {
      STRATA_ASSIGN_OR_RETURN(next[append.log], NextPosition(append.log));
    }
    uint64_t& at = next[append.log];
    if (append.position != 0 && (append.position < at || append.position == kWholeLog)) {
      return InvalidArgument("%llu is not above the last position of log %s",
                             static_cast<unsigned long long>(append.position), append.log.c_str());
    }
    at = std::max(at, append.position);
    positions.push_back(at++);
    writes.Put(family, LogKey(append.log, positions.back()), append.record);
    writes.Put(family, NextKey(append.log), BigEndian(next[append.log]));
  }
  for (const IntentBatch::Trim& trim : batch.trims) {
    STRATA_RETURN_IF_ERROR(CheckName(trim.log));
    writes.DeleteRange(family, LogKey(trim.log, 0), LogKey(trim.log, trim.before));
    if (trim.before == kWholeLog) writes.Delete(family, NextKey(trim.log));
  }
  return positions;
}

// From 1; also after all records of the log were trimmed.
StatusOr<uint64_t> RocksStore::NextPosition(const std::string& log) {
  if (const auto known = next_position_.find(log); known != next_position_.end()) {
    return known->second;
  }
  STRATA_ASSIGN_OR_RETURN(const std::optional<std::string> next, Read(kIntents, NextKey(log)));
  if (!next) return uint64_t{1};
  ByteReader reader(AsBytes(*next));
  const uint64_t position = reader.U64();
  if (reader.AtEnd()) return position;
  return Unreadable("the end of log " + log);
}

StatusOr<uint64_t> RocksStore::LastPosition(const std::string& log) {
  std::lock_guard lock(mutex_);
  STRATA_ASSIGN_OR_RETURN(const uint64_t next, NextPosition(log));
  return next - 1;
}

StatusOr<std::optional<std::string>> RocksStore::Read(Family family, std::string_view key) {
  std::string value;
  const rocksdb::Status read = database_->Get({}, families_[family], SliceOf(key), &value);
  if (read.IsNotFound()) return std::optional<std::string>();
  if (!read.ok()) return Failed(read);
  return std::optional(std::move(value));
}

StatusOr<std::optional<std::string>> RocksStore::Get(std::string_view table, std::string_view key) {
  return Read(kIntents, TableKey(table, key));
}

Status RocksStore::VisitTable(std::string_view table,
                              absl::FunctionRef<bool(std::string_view, std::string_view)> visit) {
  const std::string prefix = TableKey(table, "");
  std::unique_ptr<rocksdb::Iterator> at(database_->NewIterator({}, families_[kIntents]));
  for (at->Seek(prefix); at->Valid() && at->key().starts_with(prefix); at->Next()) {
    if (!visit(TextOf(at->key()).substr(prefix.size()), TextOf(at->value()))) return Ok();
  }
  return at->status().ok() ? Ok() : Failed(at->status());
}

Status RocksStore::VisitLog(std::string_view log, uint64_t from,
                            absl::FunctionRef<bool(uint64_t, std::string_view)> visit) {
  const size_t prefix_bytes = LogKey(log, 0).size() - 8;
  const std::string end_key = LogKey(log, UINT64_MAX);
  const rocksdb::Slice end(end_key);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end;
  std::unique_ptr<rocksdb::Iterator> at(database_->NewIterator(options, families_[kIntents]));
  for (at->Seek(LogKey(log, from)); at->Valid(); at->Next()) {
    ByteReader position(AsBytes(TextOf(at->key()).substr(prefix_bytes)));
    if (!visit(position.U64(), TextOf(at->value()))) return Ok();
  }
  return at->status().ok() ? Ok() : Failed(at->status());
}

// Puts those records that do not lie in the store like that: to look is far cheaper than to write,
// and an engine that comes back tells all that it holds. What cannot be read is written. `records`
// are in the order of their keys.
void RocksStore::PutChanged(Family family, std::span<const Record> records,
                            rocksdb::WriteBatch& writes) {
  std::array<rocksdb::Slice, kLookUpsMax> keys;
  std::array<rocksdb::PinnableSlice, kLookUpsMax> found;
  std::array<rocksdb::Status, kLookUpsMax> statuses;
  while (!records.empty()) {
    const size_t count = std::min(records.size(), kLookUpsMax);
    for (size_t i = 0; i < count; ++i) {
      keys[i] = records[i].key;
      found[i].Reset();
    }
    database_->MultiGet({}, families_[family], count, keys.data(), found.data(), statuses.data(),
                        /*sorted_input=*/true);
    for (size_t i = 0; i < count; ++i) {
      if (statuses[i].ok() && TextOf(found[i]) == records[i].value) continue;
      writes.Put(families_[family], records[i].key, records[i].value);
    }
    records = records.subspan(count);
  }
}

void RocksStore::FillLocations(const LocationBatch& batch, rocksdb::WriteBatch& writes) {
  std::vector<Record> records;
  std::vector<Record> limited;  // In time, which counts from when it is written.
  for (const StoredLocation& stored : batch.stored) {
    std::vector<Record>& fitting = stored.remaining ? limited : records;
    fitting.push_back({RecordKey(stored.key, stored.location.holder), RecordValue(stored)});
  }
  // In the order of their keys they are found, and written, much sooner.
  std::ranges::sort(records, {}, &Record::key);
  std::ranges::sort(limited, {}, &Record::key);
  for (const Record& record : limited) {
    writes.Put(families_[kLocations], record.key, record.value);
  }
  PutChanged(kLocations, records, writes);
  for (const LocationBatch::Gone& gone : batch.gone) {
    writes.Delete(families_[kLocations], RecordKey(gone.key, gone.holder));
  }
  records.clear();
  for (const LocationBatch::Uri& uri : batch.uris) {
    if (uri.text.empty()) {
      writes.Delete(families_[kUris], UriKey(uri.key));
    } else {
      records.push_back({UriKey(uri.key), uri.text});
    }
  }
  std::ranges::sort(records, {}, &Record::key);
  PutChanged(kUris, records, writes);
}

Status RocksStore::FillPositions(const LocationBatch& batch, rocksdb::WriteBatch& writes) {
  size_t feeds = feeds_.size();
  for (const ChildPosition& position : batch.positions) {
    if (!feeds_.contains(position.child) && ++feeds > kFeedsMax) {
      return ResourceExhausted("feeds of %zu children have a position here: %s finds no room",
                               feeds_.size(), position.child.c_str());
    }
    writes.Put(families_[kFacts], ChildPositionKey(position.child), ChildPositionValue(position));
  }
  for (const std::string& child : batch.forgotten) {
    if (feeds_.contains(child)) writes.Delete(families_[kFacts], ChildPositionKey(child));
  }
  if (format_ < kFormatWithFeeds && !batch.positions.empty()) {
    writes.Put(families_[kFacts], kFormatKey, std::to_string(kFormatWithFeeds));
  }
  return Ok();
}

void RocksStore::RememberFeeds(const LocationBatch& batch) {
  for (const ChildPosition& position : batch.positions) feeds_.insert(position.child);
  for (const std::string& child : batch.forgotten) feeds_.erase(child);
  if (!batch.positions.empty()) format_ = kFormatWithFeeds;
}

StatusOr<uint64_t> RocksStore::Apply(const LocationBatch& batch) {
  STRATA_RETURN_IF_ERROR(CheckBatch(batch));
  rocksdb::WriteBatch writes;
  FillLocations(batch, writes);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return unsynced_bytes_ < kUnsyncedBytesMax || !failure_.ok(); });
  if (!failure_.ok()) return failure_;
  STRATA_RETURN_IF_ERROR(FillPositions(batch, writes));
  if (writes.Count() == 0) return applied_.load();
  const uint64_t number = ++applied_;
  const rocksdb::Status written = database_->Write({}, &writes);
  if (!written.ok()) return failure_ = Failed(written);
  RememberFeeds(batch);
  unsynced_bytes_ += writes.GetDataSize();
  changed_.notify_all();
  return number;
}

Status RocksStore::Sync() {
  std::unique_lock lock(mutex_);
  const uint64_t wanted = applied_;
  changed_.wait(lock, [&] { return SyncedUpTo() >= wanted || !failure_.ok(); });
  return SyncedUpTo() >= wanted ? Ok() : failure_;
}

StatusOr<std::optional<StoredLocation>> RocksStore::FindLocation(const farm::ContentKey& key,
                                                                 directory::Holder holder) {
  const std::string record = RecordKey(key, holder);
  STRATA_ASSIGN_OR_RETURN(const std::optional<std::string> value, Read(kLocations, record));
  if (!value) return std::optional<StoredLocation>();
  std::optional<StoredLocation> stored = DecodeRecord(record, *value);
  if (stored) return stored;
  return Unreadable("the record of " + ToString(key));
}

StatusOr<std::optional<std::string>> RocksStore::FindUri(const farm::ContentKey& key) {
  return Read(kUris, UriKey(key));
}

Status RocksStore::VisitLocations(uint8_t first, uint8_t last,
                                  absl::FunctionRef<void(const RecordHead&)> visit) {
  const std::string begin(1, static_cast<char>(first));
  const std::string end_key(1, static_cast<char>(last + 1));
  const rocksdb::Slice end(end_key);
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = 2 << 20;
  if (last != UINT8_MAX) options.iterate_upper_bound = &end;
  std::unique_ptr<rocksdb::Iterator> at(database_->NewIterator(options, families_[kLocations]));
  for (at->Seek(begin); at->Valid(); at->Next()) {
    const std::optional<RecordHead> head = DecodeRecordHead(TextOf(at->key()), TextOf(at->value()));
    if (!head) return Unreadable("a location's record");
    visit(*head);
  }
  return at->status().ok() ? Ok() : Failed(at->status());
}

// Syncs what was applied, all of it at once; now and then writes down the number of intents.
void RocksStore::SyncLoop(uint64_t marked) {
  std::unique_lock lock(mutex_);
  auto mark_at = std::chrono::steady_clock::now();
  while (failure_.ok()) {
    const auto work = [&] { return stop_ || !failure_.ok() || applied_ > SyncedUpTo(); };
    if (intents_ == marked) {
      changed_.wait(lock, [&] { return work() || intents_ > marked; });
    } else {
      changed_.wait_until(lock, mark_at, work);
    }
    if (!failure_.ok()) return;
    if (applied_ > SyncedUpTo()) {
      const uint64_t target = applied_;
      // Under the lock: RocksDB ends the process (an assertion) when a log is synced while a write
      // to it fails. Batches that come meanwhile are synced together, the next time.
      const rocksdb::Status synced = database_->SyncWAL();
      if (synced.ok()) {
        unsynced_bytes_ = 0;
        synced_.store(target, std::memory_order_release);
      } else {
        failure_ = Failed(synced);
      }
      changed_.notify_all();
      lock.unlock();
      if (synced.ok()) options_.on_synced();
      lock.lock();
    }
    const bool due = stop_ || std::chrono::steady_clock::now() >= mark_at;
    if (intents_ > marked && due && failure_.ok()) {
      marked = intents_;
      mark_at = std::chrono::steady_clock::now() + kIntentsFileEvery;
      lock.unlock();
      MarkIntents(marked);
      lock.lock();
    }
    if (stop_ && applied_ == SyncedUpTo() && intents_ == marked) return;
  }
}

// A number that is too small is no harm, so a failure is none either; the next write will say it.
void RocksStore::MarkIntents(uint64_t count) {
  const std::string path = options_.folder + "/" + kIntentsFile;
  const std::string fresh = path + kFreshSuffix;
  rocksdb::Status written =
      rocksdb::WriteStringToFile(options_.env, std::to_string(count), fresh, true);
  if (written.ok()) written = options_.env->RenameFile(fresh, path);
  written.PermitUncheckedError();
}

}  // namespace strata::manager::store
