#include "service_engine/adapters/nginx/held_contents.h"

#include <algorithm>

namespace strata::engine {

// ---- Watchers.

void HeldContents::Set(const std::string& path, const std::optional<FoundFile>& found) {
  {
    absl::MutexLock lock(&mu_);
    if (found) {
      Put(path, *found, scans_begun_);
    } else {
      const auto it = files_.find(path);
      if (it != files_.end()) Erase(it);
      if (scans_running_ > 0) gone_[path] = scans_begun_;
    }
  }
  Tell();
}

void HeldContents::FolderGone(const std::string& folder) {
  {
    absl::MutexLock lock(&mu_);
    for (auto it = files_.lower_bound(folder);
         it != files_.end() && it->first.starts_with(folder);) {
      Erase(it++);
    }
    if (scans_running_ > 0) gone_folders_[folder] = scans_begun_;
  }
  Tell();
}

uint64_t HeldContents::BeginScan() {
  absl::MutexLock lock(&mu_);
  ++scans_running_;
  return ++scans_begun_;
}

void HeldContents::SetScanned(uint64_t scan, const std::string& path,
                              const std::optional<FoundFile>& found) {
  {
    absl::MutexLock lock(&mu_);
    if (ToldSince(scan, path)) return;
    const auto it = files_.find(path);
    if (found) {
      Put(path, *found, it == files_.end() ? 0 : it->second.told);
    } else if (it != files_.end()) {
      Erase(it);
    }
  }
  Tell();
}

void HeldContents::EndScan(uint64_t scan, const std::string& folder) {
  {
    absl::MutexLock lock(&mu_);
    for (auto it = files_.lower_bound(folder);
         it != files_.end() && it->first.starts_with(folder);) {
      const auto next = std::next(it);
      if (it->second.seen < scan) Erase(it);
      it = next;
    }
    if (--scans_running_ == 0) {
      gone_.clear();
      gone_folders_.clear();
    }
  }
  Tell();
}

bool HeldContents::ToldSince(uint64_t scan, const std::string& path) const {
  const auto entry = files_.find(path);
  if (entry != files_.end()) return entry->second.told >= scan;
  const auto gone = gone_.find(path);
  if (gone != gone_.end() && gone->second >= scan) return true;
  return std::any_of(gone_folders_.begin(), gone_folders_.end(), [&](const auto& folder) {
    return folder.second >= scan && path.starts_with(folder.first);
  });
}

void HeldContents::Put(const std::string& path, const FoundFile& found, uint64_t told) {
  const auto it = files_.find(path);
  const bool same = it != files_.end() && it->second.key == found.content.key &&
                    it->second.is_copy == found.is_copy;
  if (it != files_.end() && !same) Erase(it);
  files_[path] = {found.content.key, found.is_copy, scans_begun_, told};
  Content& content = contents_[found.content.key];
  if (content.uri.empty()) content.uri = found.uri;
  content.paths.insert(path);
  if (found.is_copy) inventory_.OnFile(path, found.content);
}

void HeldContents::Erase(Files::iterator it) {
  const auto content = contents_.find(it->second.key);
  content->second.paths.erase(it->first);
  if (content->second.paths.empty()) contents_.erase(content);
  if (it->second.is_copy) inventory_.OnGone(it->first);
  files_.erase(it);
}

void HeldContents::Tell() {
  {
    absl::MutexLock lock(&mu_);
    if (told_ || !inventory_.has_changes()) return;
    told_ = true;
  }
  if (on_changes_) on_changes_();
}

// ---- The inventory's.

std::vector<farm::AssetsChanged::Change> HeldContents::TakeChanges(size_t max, Timestamp now) {
  absl::MutexLock lock(&mu_);
  auto changes = inventory_.TakeChanges(max, now);
  told_ = inventory_.has_changes();
  return changes;
}

void HeldContents::TellAll() {
  {
    absl::MutexLock lock(&mu_);
    inventory_.TellAll();
    told_ = false;
  }
  Tell();
}

std::optional<farm::Asset> HeldContents::Find(const farm::ContentKey& key, Timestamp now) const {
  absl::MutexLock lock(&mu_);
  return inventory_.Find(key, now);
}

std::optional<std::string> HeldContents::UriOf(const farm::ContentKey& key) const {
  absl::MutexLock lock(&mu_);
  const auto content = contents_.find(key);
  if (content == contents_.end()) return std::nullopt;
  return content->second.uri;
}

std::vector<std::string> HeldContents::FilesOf(const farm::ContentKey& key) const {
  absl::MutexLock lock(&mu_);
  const auto content = contents_.find(key);
  if (content == contents_.end()) return {};
  return {content->second.paths.begin(), content->second.paths.end()};
}

std::vector<std::string> HeldContents::FilesBelow(const std::string& front) const {
  absl::MutexLock lock(&mu_);
  std::vector<std::string> paths;
  for (const auto& [key, content] : contents_) {
    if (!content.uri.starts_with(front)) continue;
    paths.insert(paths.end(), content.paths.begin(), content.paths.end());
  }
  return paths;
}

size_t HeldContents::files() const {
  absl::MutexLock lock(&mu_);
  return inventory_.files();
}

uint64_t HeldContents::bytes() const {
  absl::MutexLock lock(&mu_);
  return inventory_.bytes();
}

}  // namespace strata::engine
