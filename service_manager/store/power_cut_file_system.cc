#include "service_manager/store/power_cut_file_system.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace strata::manager::store {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

void Write(const std::string& name, const std::string& content) {
  std::ofstream(name, std::ios::binary | std::ios::trunc) << content;
}

class File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::unique_ptr<rocksdb::FSWritableFile> file, std::string name, PowerCutFileSystem& system)
      : FSWritableFileOwnerWrapper(std::move(file)), name_(std::move(name)), system_(system) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    if (IOStatus status = system_.BeforeWrite(); !status.ok()) return status;
    return Appended(FSWritableFileOwnerWrapper::Append(data, options, debug), options, debug);
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& info, IODebugContext* debug) override {
    if (IOStatus status = system_.BeforeWrite(); !status.ok()) return status;
    return Appended(FSWritableFileOwnerWrapper::Append(data, options, info, debug), options, debug);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    if (IOStatus status = system_.BeforeWrite(); !status.ok()) return status;
    return FSWritableFileOwnerWrapper::Truncate(size, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return SyncInName(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return SyncInName(options, debug);
  }

 private:
  IOStatus Appended(IOStatus status, const IOOptions& options, IODebugContext* debug) {
    if (status.ok()) system_.Appended(name_, target()->GetFileSize(options, debug));
    return status;
  }
  // What was there before the sync began is durable after it. The real disk is not troubled.
  IOStatus SyncInName(const IOOptions& options, IODebugContext* debug) {
    if (IOStatus status = system_.BeforeWrite(); !status.ok()) return status;
    return system_.Synced(name_, target()->GetFileSize(options, debug));
  }

  const std::string name_;
  PowerCutFileSystem& system_;
};

class Folder final : public rocksdb::FSDirectory {
 public:
  explicit Folder(PowerCutFileSystem& system) : system_(system) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    if (IOStatus status = system_.BeforeWrite(); !status.ok()) return status;
    return system_.FolderSynced();
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  PowerCutFileSystem& system_;
};

}  // namespace

void PowerCutFileSystem::CutAfter(uint64_t operations) {
  std::lock_guard lock(mutex_);
  left_ = operations;
}

void PowerCutFileSystem::Cut() {
  std::lock_guard lock(mutex_);
  cut_ = true;
}

bool PowerCutFileSystem::is_cut() {
  std::lock_guard lock(mutex_);
  return cut_;
}

void PowerCutFileSystem::SetReadOnly(bool read_only) {
  std::lock_guard lock(mutex_);
  read_only_ = read_only;
}

IOStatus PowerCutFileSystem::BeforeWrite() {
  std::lock_guard lock(mutex_);
  if (read_only_) return IOStatus::IOError("Read-only file system");
  if (left_ == 0) cut_ = true;
  if (!cut_) --left_;
  return IOStatus::OK();
}

void PowerCutFileSystem::Appended(const std::string& name, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  if (!cut_) written_[name] = bytes;
}

IOStatus PowerCutFileSystem::Synced(const std::string& name, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  if (!cut_) synced_[name] = std::max(synced_[name], bytes);
  return IOStatus::OK();
}

IOStatus PowerCutFileSystem::FolderSynced() {
  std::lock_guard lock(mutex_);
  if (!cut_) changes_.clear();
  return IOStatus::OK();
}

std::optional<std::string> PowerCutFileSystem::ContentOf(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::optional<uint64_t> PowerCutFileSystem::SyncedOf(const std::string& name) {
  const auto found = synced_.find(name);
  return found == synced_.end() ? std::nullopt : std::optional(found->second);
}

IOStatus PowerCutFileSystem::NewWritableFile(const std::string& name,
                                             const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* result,
                                             IODebugContext* debug) {
  if (IOStatus status = BeforeWrite(); !status.ok()) return status;
  {
    std::lock_guard lock(mutex_);
    std::optional<std::string> old = ContentOf(name);
    if (!old) {
      changes_.push_back({Change::kCreated, name, "", std::nullopt});
    } else {  // Replaced in place: taken for a removal and a creation.
      changes_.push_back({Change::kRemoved, name, "", std::move(old), SyncedOf(name)});
    }
    synced_[name] = 0;
    if (!cut_) written_[name] = 0;
  }
  std::unique_ptr<rocksdb::FSWritableFile> file;
  IOStatus status = FileSystemWrapper::NewWritableFile(name, options, &file, debug);
  if (status.ok()) *result = std::make_unique<File>(std::move(file), name, *this);
  return status;
}

IOStatus PowerCutFileSystem::ReopenWritableFile(const std::string& name,
                                                const rocksdb::FileOptions& options,
                                                std::unique_ptr<rocksdb::FSWritableFile>* result,
                                                IODebugContext* debug) {
  if (IOStatus status = BeforeWrite(); !status.ok()) return status;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  IOStatus status = FileSystemWrapper::ReopenWritableFile(name, options, &file, debug);
  if (status.ok()) *result = std::make_unique<File>(std::move(file), name, *this);
  return status;
}

IOStatus PowerCutFileSystem::ReuseWritableFile(const std::string&, const std::string&,
                                               const rocksdb::FileOptions&,
                                               std::unique_ptr<rocksdb::FSWritableFile>*,
                                               IODebugContext*) {
  return IOStatus::NotSupported("files are not used again");
}

IOStatus PowerCutFileSystem::NewDirectory(const std::string& name, const IOOptions& options,
                                          std::unique_ptr<rocksdb::FSDirectory>* result,
                                          IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> folder;
  IOStatus status = FileSystemWrapper::NewDirectory(name, options, &folder, debug);
  if (status.ok()) *result = std::make_unique<Folder>(*this);
  return status;
}

IOStatus PowerCutFileSystem::DeleteFile(const std::string& name, const IOOptions& options,
                                        IODebugContext* debug) {
  if (IOStatus status = BeforeWrite(); !status.ok()) return status;
  std::lock_guard lock(mutex_);
  if (std::optional<std::string> content = ContentOf(name)) {
    changes_.push_back({Change::kRemoved, name, "", std::move(content), SyncedOf(name)});
  }
  synced_.erase(name);
  return FileSystemWrapper::DeleteFile(name, options, debug);
}

IOStatus PowerCutFileSystem::RenameFile(const std::string& from, const std::string& to,
                                        const IOOptions& options, IODebugContext* debug) {
  if (IOStatus status = BeforeWrite(); !status.ok()) return status;
  std::lock_guard lock(mutex_);
  changes_.push_back({Change::kRenamed, to, from, ContentOf(to), SyncedOf(to)});
  if (const std::optional<uint64_t> synced = SyncedOf(from)) {
    synced_[to] = *synced;
    synced_.erase(from);
  }
  if (const auto written = written_.find(from); written != written_.end() && !cut_) {
    written_[to] = written->second;
  }
  return FileSystemWrapper::RenameFile(from, to, options, debug);
}

IOStatus PowerCutFileSystem::Truncate(const std::string& name, size_t size,
                                      const IOOptions& options, IODebugContext* debug) {
  if (IOStatus status = BeforeWrite(); !status.ok()) return status;
  return FileSystemWrapper::Truncate(name, size, options, debug);
}

void PowerCutFileSystem::PutBack(const Change& change) {
  Write(change.name, *change.content);
  if (change.synced) synced_[change.name] = *change.synced;
}

void PowerCutFileSystem::Undo(const Change& change) {
  switch (change.kind) {
    case Change::kCreated:
      std::remove(change.name.c_str());
      synced_.erase(change.name);
      return;
    case Change::kRenamed:
      std::rename(change.name.c_str(), change.from.c_str());
      if (const std::optional<uint64_t> synced = SyncedOf(change.name)) {
        synced_[change.from] = *synced;
        synced_.erase(change.name);
      }
      if (change.content) PutBack(change);
      return;
    case Change::kRemoved:
      PutBack(change);
      return;
  }
}

void PowerCutFileSystem::Restore() {
  std::lock_guard lock(mutex_);
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) Undo(*change);
  for (const auto& [name, synced] : synced_) {
    std::error_code error;
    const uint64_t bytes = std::filesystem::file_size(name, error);
    if (error || bytes <= synced) continue;
    // Some of what was not synced at the cut may have reached the disk all the same.
    const auto written = written_.find(name);
    const uint64_t then = written == written_.end() ? bytes : std::min(bytes, written->second);
    const uint64_t unsynced = then > synced ? then - synced : 0;
    const uint64_t more = random_.Chance(0.5) ? random_.Below(unsynced + 1) : 0;
    std::filesystem::resize_file(name, synced + more);
  }
  changes_.clear();
  synced_.clear();
  written_.clear();
  cut_ = false;
  left_ = UINT64_MAX;
}

}  // namespace strata::manager::store
