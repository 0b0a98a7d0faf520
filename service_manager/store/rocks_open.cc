#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <utility>

#include "common/number.h"
#include "service_manager/store/limits.h"
#include "service_manager/store/rocks_store.h"
#include "service_manager/store/store_files.h"

// How a RocksStore is opened, and when that is refused.

namespace strata::manager::store {
namespace {

bool Has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

rocksdb::DBOptions DatabaseOptions(rocksdb::Env* env) {
  rocksdb::DBOptions options;
  options.env = env;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  // A torn end of the log is what a power loss leaves. That nothing which was synced is missing is
  // checked by WAL sizes in the manifest, and by the count of intents.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.track_and_verify_wals_in_manifest = true;
  options.max_total_wal_size = kWalBytesMax;
  options.max_background_jobs = 2;
  options.bytes_per_sync = 1 << 20;
  options.max_open_files = 512;
  options.keep_log_file_num = 2;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  return options;
}

rocksdb::ColumnFamilyOptions FamilyOptions(std::shared_ptr<rocksdb::Cache> cache,
                                           size_t write_buffer_bytes) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = write_buffer_bytes != 0 ? write_buffer_bytes : kWriteBuffersBytes / 4;
  options.paranoid_file_checks = true;
  for (const auto type : {rocksdb::kLZ4Compression, rocksdb::kSnappyCompression}) {
    const auto supported = rocksdb::GetSupportedCompressions();
    if (std::ranges::find(supported, type) == supported.end()) continue;
    options.compression = type;
    break;
  }
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = std::move(cache);
  table.block_size = 16 << 10;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;  // Bounded by the cache, that is.
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

// For locations and URIs, which come by the ten thousand a second.
rocksdb::ColumnFamilyOptions LocationOptions(rocksdb::ColumnFamilyOptions options) {
  // Each is looked for before it is written, and mostly is not there: a filter says so sooner than
  // the search in a write buffer.
  options.memtable_prefix_bloom_size_ratio = 0.05;
  options.memtable_whole_key_filtering = true;
  // A batch comes in the order of its keys: the way to one begins where the one before lies. The
  // same hint for all, whatever they begin with.
  options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewCappedPrefixTransform(0));
  return options;
}

// What a start that was cut short may leave in a folder before there is a store.
bool IsLeftover(rocksdb::Env* env, const std::string& folder, const std::string& name) {
  for (const char* known : {"MANIFEST-", "LOG", "LOCK", "IDENTITY", "OPTIONS-"}) {
    if (name.starts_with(known)) return true;
  }
  uint64_t bytes = 0;
  return name == "." || name == ".." || name.ends_with(".dbtmp") || name.ends_with(kFreshSuffix) ||
         (name.ends_with(".log") && env->GetFileSize(folder + "/" + name, &bytes).ok() &&
          bytes == 0);
}

// A folder without a store is taken for a new one only if nothing in it may have been one.
Status CheckFolder(rocksdb::Env* env, const std::string& folder) {
  std::vector<std::string> names;
  if (env->GetChildren(folder, &names).IsNotFound()) return Ok();
  if (std::ranges::find(names, "CURRENT") != names.end()) return Ok();
  for (const std::string& name : names) {
    if (IsLeftover(env, folder, name)) continue;
    if (name.ends_with(".sst") || name.ends_with(".log") || name == kIntentsFile) {
      return DataLoss("the store in %s is corrupt: it has %s, but CURRENT is missing",
                      folder.c_str(), name.c_str());
    }
    return FailedPrecondition("%s is no store: it is not empty, and has no CURRENT",
                              folder.c_str());
  }
  return Ok();
}

}  // namespace

StatusOr<std::unique_ptr<RocksStore>> RocksStore::Open(Options options) {
  if (options.env == nullptr) options.env = rocksdb::Env::Default();
  std::unique_ptr<RocksStore> store(new RocksStore(std::move(options)));
  STRATA_RETURN_IF_ERROR(CheckFolder(store->options_.env, store->options_.folder));
  STRATA_RETURN_IF_ERROR(store->OpenDatabase());
  STRATA_RETURN_IF_ERROR(store->CheckFormat());
  STRATA_RETURN_IF_ERROR(store->CheckIntents());
  STRATA_RETURN_IF_ERROR(store->LoadFeeds());
  store->syncer_ =
      std::thread([raw = store.get(), marked = store->intents_] { raw->SyncLoop(marked); });
  return store;
}

Status RocksStore::OpenDatabase() {
  const auto cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  rocksdb::DBOptions database = DatabaseOptions(options_.env);
  database.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(kWriteBuffersBytes, cache);
  const rocksdb::ColumnFamilyOptions family = FamilyOptions(cache, options_.write_buffer_bytes);
  const std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = {
      {rocksdb::kDefaultColumnFamilyName, family},
      {"intents", family},
      {"locations", LocationOptions(family)},
      {"uris", LocationOptions(family)}};
  options_.env->CreateDirIfMissing(options_.folder);  // Open says why, if it cannot.
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(database, options_.folder, descriptors, &families_, &opened);
  database_.reset(opened);
  if (status.ok()) return Ok();
  const std::string text = status.ToString();
  if (status.IsInvalidArgument() || status.IsNotSupported()) {
    return FailedPrecondition("the store in %s is of a newer version: %s", options_.folder.c_str(),
                              text.c_str());
  }
  if (Has(text, "No such file")) {
    return DataLoss("the store in %s is corrupt: %s", options_.folder.c_str(), text.c_str());
  }
  return Failed(status);
}

Status RocksStore::CheckFormat() {
  STRATA_ASSIGN_OR_RETURN(const std::optional<std::string> format, Read(kFacts, kFormatKey));
  if (!format) {
    for (rocksdb::ColumnFamilyHandle* family : families_) {
      std::unique_ptr<rocksdb::Iterator> any(database_->NewIterator({}, family));
      any->SeekToFirst();
      if (!any->status().ok()) return Failed(any->status());
      if (!any->Valid()) continue;
      return DataLoss("the store in %s is corrupt: it does not say its version",
                      options_.folder.c_str());
    }
    rocksdb::WriteOptions synced;
    synced.sync = true;
    const rocksdb::Status written =
        database_->Put(synced, families_[kFacts], kFormatKey, std::to_string(kFormatOfFarm));
    format_ = kFormatOfFarm;
    return written.ok() ? Ok() : Failed(written);
  }
  const std::optional<uint64_t> number = ParseNumber<uint64_t>(*format);
  if (!number) {
    return DataLoss("the store in %s is corrupt: its version is '%s'", options_.folder.c_str(),
                    format->c_str());
  }
  if (*number <= kFormatWithFeeds) {
    format_ = static_cast<int>(*number);
    return Ok();
  }
  return FailedPrecondition(
      "the store in %s is of a newer version: its format is %s, this program "
      "knows %d",
      options_.folder.c_str(), format->c_str(), kFormatWithFeeds);
}

// A log that was cut in the middle, or taken away, looks as if less had been written.
Status RocksStore::CheckIntents() {
  STRATA_ASSIGN_OR_RETURN(const std::optional<std::string> count, Read(kFacts, kIntentsKey));
  intents_ = ParseNumber<uint64_t>(count.value_or("0")).value_or(0);
  std::string text;
  const rocksdb::Status read =
      rocksdb::ReadFileToString(options_.env, options_.folder + "/" + kIntentsFile, &text);
  if (read.IsNotFound() || read.IsPathNotFound()) return Ok();
  if (!read.ok()) return Failed(read);
  const std::optional<uint64_t> marked = ParseNumber<uint64_t>(text);
  if (!marked || *marked <= intents_) return Ok();
  return DataLoss(
      "the store in %s is corrupt: %llu intents were committed, only the first %llu "
      "are there",
      options_.folder.c_str(), static_cast<unsigned long long>(*marked),
      static_cast<unsigned long long>(intents_));
}

Status RocksStore::LoadFeeds() {
  STRATA_ASSIGN_OR_RETURN(const std::vector<ChildPosition> positions, ChildPositions());
  for (const ChildPosition& position : positions) feeds_.insert(position.child);
  return Ok();
}

Status RocksStore::Unreadable(const std::string& what) const {
  return DataLoss("the store in %s is corrupt: %s is not readable", options_.folder.c_str(),
                  what.c_str());
}

Status RocksStore::Failed(const rocksdb::Status& status) const {
  const std::string text = status.ToString();
  const char* folder = options_.folder.c_str();
  if (status.IsCorruption()) {
    return DataLoss("the store in %s is corrupt: %s", folder, text.c_str());
  }
  if (Has(text, "Read-only file system") || Has(text, "Permission denied")) {
    return PermissionDenied("the store in %s cannot be written: %s", folder, text.c_str());
  }
  if (Has(text, "/LOCK")) {
    return Unavailable("the store in %s is in use by another process: %s", folder, text.c_str());
  }
  if (status.IsNoSpace()) {
    return ResourceExhausted("the store in %s has no space: %s", folder, text.c_str());
  }
  return Unavailable("the store in %s failed: %s", folder, text.c_str());
}

}  // namespace strata::manager::store
