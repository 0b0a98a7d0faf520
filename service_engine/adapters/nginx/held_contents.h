#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "service_engine/core/inventory.h"

namespace strata::engine {

// What a file says that lies where contents lie.
struct FoundFile {
  ContentFile content;
  std::string uri;      // Canonical, of content.key.
  bool is_copy = true;  // Else it goes with a purge only: a cached redirect or error.
};

// The inventory, behind a lock, with the canonical URIs of what is held, and with the files that
// are no copies but that a purge has to find. Any thread.
class HeldContents {
 public:
  // `on_changes` is called, without the lock, when there are changes after there were none.
  explicit HeldContents(std::function<void()> on_changes) : on_changes_(std::move(on_changes)) {}

  // ---- Watchers: the file is so now, or is not there.
  void Set(const std::string& path, const std::optional<FoundFile>& found);
  // `folder` ends with '/', here and below.
  void FolderGone(const std::string& folder);
  // A scan of a folder begins; several may go on, of folders apart. What nobody has told of until
  // it ends is gone.
  uint64_t BeginScan();
  // What the scan has found, unless Set or FolderGone have told of that path since it began: what
  // they say is newer.
  void SetScanned(uint64_t scan, const std::string& path, const std::optional<FoundFile>& found);
  void EndScan(uint64_t scan, const std::string& folder);

  // ---- The inventory's.
  std::vector<farm::AssetsChanged::Change> TakeChanges(size_t max, Timestamp now);
  void TellAll();
  std::optional<farm::Asset> Find(const farm::ContentKey& key, Timestamp now) const;
  std::optional<std::string> UriOf(const farm::ContentKey& key) const;
  // Copies and others.
  std::vector<std::string> FilesOf(const farm::ContentKey& key) const;
  // Of all contents whose URI begins with `front`.
  std::vector<std::string> FilesBelow(const std::string& front) const;
  size_t files() const;
  uint64_t bytes() const;

 private:
  struct Entry {
    farm::ContentKey key;
    bool is_copy = true;
    uint64_t seen = 0;  // In which scan, or after it.
    uint64_t told = 0;  // Likewise, by a watcher.
  };
  struct Content {
    std::string uri;
    std::set<std::string> paths;
  };
  using Files = std::map<std::string, Entry, std::less<>>;

  void Put(const std::string& path, const FoundFile& found, uint64_t told)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Erase(Files::iterator it) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool ToldSince(uint64_t scan, const std::string& path) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // After a change, with the lock given back: tells the application once.
  void Tell();

  const std::function<void()> on_changes_;
  mutable absl::Mutex mu_;
  Inventory inventory_ ABSL_GUARDED_BY(mu_);
  Files files_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<farm::ContentKey, Content> contents_ ABSL_GUARDED_BY(mu_);
  uint64_t scans_begun_ ABSL_GUARDED_BY(mu_) = 0;
  size_t scans_running_ ABSL_GUARDED_BY(mu_) = 0;
  // What went while scans were running, and in which.
  std::map<std::string, uint64_t, std::less<>> gone_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, uint64_t, std::less<>> gone_folders_ ABSL_GUARDED_BY(mu_);
  bool told_ ABSL_GUARDED_BY(mu_) = false;  // The application knows that there are changes.
};

}  // namespace strata::engine
