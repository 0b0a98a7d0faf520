#include "service_engine/core/inventory.h"

#include <algorithm>

#include "common/check.h"

namespace strata::engine {
namespace {

constexpr Duration kShortest{1};  // A lifetime of zero would be none.

farm::Asset AssetAt(const farm::Asset& asset, Timestamp expires, Timestamp now) {
  farm::Asset at = asset;
  if (expires != Timestamp::Never()) at.lifetime = std::max(expires - now, kShortest);
  return at;
}

}  // namespace

// ---- Adapters.

void Inventory::OnFile(std::string_view path, const ContentFile& file) {
  auto it = files_.find(path);
  if (it != files_.end() && it->second.file == file) {
    it->second.seen = true;
    return;
  }
  if (it != files_.end()) Erase(it);
  it = files_.emplace(path, Entry{file, true}).first;
  std::vector<Files::iterator>& files = contents_[file.key];
  const auto by_path = [](const auto& a, const auto& b) { return a->first < b->first; };
  files.insert(std::upper_bound(files.begin(), files.end(), it, by_path), it);
  bytes_ += file.size;
  dirty_.insert(file.key);
}

void Inventory::OnGone(std::string_view path) {
  const auto it = files_.find(path);
  if (it != files_.end()) Erase(it);
}

void Inventory::OnFolderGone(std::string_view folder) {
  for (auto it = files_.lower_bound(folder); it != files_.end() && it->first.starts_with(folder);) {
    Erase(it++);
  }
}

void Inventory::BeginScan(std::string_view folder) {
  scanning_ = folder;
  for (auto it = files_.lower_bound(folder); it != files_.end() && it->first.starts_with(folder);
       ++it) {
    it->second.seen = false;
  }
}

void Inventory::EndScan() {
  if (!scanning_) return;
  const std::string folder = *std::move(scanning_);
  scanning_.reset();
  for (auto it = files_.lower_bound(folder); it != files_.end() && it->first.starts_with(folder);) {
    const auto next = std::next(it);
    if (!it->second.seen) Erase(it);
    it = next;
  }
}

void Inventory::Erase(Files::iterator it) {
  const ContentFile& file = it->second.file;
  const auto content = contents_.find(file.key);
  STRATA_CHECK(content != contents_.end());
  std::erase(content->second, it);
  if (content->second.empty()) contents_.erase(content);
  bytes_ -= file.size;
  dirty_.insert(file.key);
  files_.erase(it);
}

// ---- The farm.

std::optional<Inventory::Told> Inventory::CopyOf(const farm::ContentKey& key) const {
  const auto content = contents_.find(key);
  if (content == contents_.end()) return std::nullopt;
  Told copy{{}, Timestamp::Never()};
  copy.asset.kind = farm::AssetKind::kCache;
  for (const Files::iterator it : content->second) {
    const ContentFile& file = it->second.file;
    // What the operator put there stays, whatever else a cache has of it.
    if (file.kind == farm::AssetKind::kLibrary) copy.asset.kind = farm::AssetKind::kLibrary;
    copy.asset.size += file.size;
    copy.asset.complete &= file.complete;
    if (copy.asset.validator.empty()) copy.asset.validator = file.validator;
    copy.expires = std::min(copy.expires, file.expires);
  }
  return copy;
}

std::vector<farm::AssetsChanged::Change> Inventory::TakeChanges(size_t max, Timestamp now) {
  std::vector<farm::AssetsChanged::Change> changes;
  while (!dirty_.empty() && changes.size() < max) {
    const farm::ContentKey key = *dirty_.begin();
    dirty_.erase(dirty_.begin());
    const std::optional<Told> copy = CopyOf(key);
    const auto told = told_.find(key);
    if (!copy) {
      if (told == told_.end()) continue;  // It came and went unheard.
      told_.erase(told);
      changes.push_back({key, std::nullopt});
    } else if (told == told_.end() || told->second != *copy) {
      told_[key] = *copy;
      changes.push_back({key, AssetAt(copy->asset, copy->expires, now)});
    }
  }
  return changes;
}

void Inventory::TellAll() {
  told_.clear();
  dirty_.clear();
  for (const auto& [key, files] : contents_) dirty_.insert(key);
}

// ---- Looking.

std::optional<farm::Asset> Inventory::Find(const farm::ContentKey& key, Timestamp now) const {
  const std::optional<Told> copy = CopyOf(key);
  if (!copy) return std::nullopt;
  return AssetAt(copy->asset, copy->expires, now);
}

std::vector<std::string> Inventory::FilesOf(const farm::ContentKey& key) const {
  std::vector<std::string> paths;
  const auto content = contents_.find(key);
  if (content == contents_.end()) return paths;
  for (const Files::iterator it : content->second) paths.push_back(it->first);
  return paths;
}

}  // namespace strata::engine
