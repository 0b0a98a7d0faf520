#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/random.h"

namespace strata::manager::store {

// A file system whose power can be cut: Restore() leaves of each file what was synced before the
// cut (and perhaps a piece of what was written), and of creations, renames and removals what the
// folder's sync made durable. What is done after the cut seems to work and leaves no trace: on a
// machine without power nobody sees errors. Also stands for a disk that is read-only. For one
// folder without sub-folders.
class PowerCutFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit PowerCutFileSystem(uint64_t seed)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), random_(seed) {}
  static const char* kClassName() { return "PowerCutFileSystem"; }
  const char* Name() const override { return kClassName(); }

  // Cuts the power at the n-th writing operation from now.
  void CutAfter(uint64_t operations);
  void Cut();
  bool is_cut();
  void SetReadOnly(bool read_only);
  // After the cut, when nobody uses the files any more: what a restart finds.
  void Restore();

  using Io = rocksdb::IOStatus;
  Io NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                     std::unique_ptr<rocksdb::FSWritableFile>* result,
                     rocksdb::IODebugContext* debug) override;
  Io ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                        std::unique_ptr<rocksdb::FSWritableFile>* result,
                        rocksdb::IODebugContext* debug) override;
  Io ReuseWritableFile(const std::string& name, const std::string& old_name,
                       const rocksdb::FileOptions& options,
                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                       rocksdb::IODebugContext* debug) override;
  Io NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                  std::unique_ptr<rocksdb::FSDirectory>* result,
                  rocksdb::IODebugContext* debug) override;
  Io DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                rocksdb::IODebugContext* debug) override;
  Io RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                rocksdb::IODebugContext* debug) override;
  Io Truncate(const std::string& name, size_t size, const rocksdb::IOOptions& options,
              rocksdb::IODebugContext* debug) override;

  // For the files and folders that it gives out. BeforeWrite counts an operation.
  Io BeforeWrite();
  void Appended(const std::string& name, uint64_t bytes);
  // A sync that ends after the cut was none.
  Io Synced(const std::string& name, uint64_t bytes);
  Io FolderSynced();

 private:
  // One change of the folder that its sync has not made durable.
  struct Change {
    enum { kCreated, kRenamed, kRemoved } kind;
    std::string name;
    std::string from;                               // kRenamed: the old name.
    std::optional<std::string> content;             // kRemoved, kRenamed: what was under `name`.
    std::optional<uint64_t> synced = std::nullopt;  // Of that content.
  };

  std::optional<std::string> ContentOf(const std::string& name);
  std::optional<uint64_t> SyncedOf(const std::string& name);
  void PutBack(const Change& change);
  void Undo(const Change& change);

  std::mutex mutex_;
  SeededRandom random_;
  bool cut_ = false;
  bool read_only_ = false;
  uint64_t left_ = UINT64_MAX;               // Operations until the cut.
  std::map<std::string, uint64_t> synced_;   // Bytes of each file written here.
  std::map<std::string, uint64_t> written_;  // The same, synced or not, at the cut.
  std::vector<Change> changes_;              // In their order.
};

}  // namespace strata::manager::store
