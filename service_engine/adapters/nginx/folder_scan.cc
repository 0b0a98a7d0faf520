#include "service_engine/adapters/nginx/folder_scan.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <system_error>
#include <utility>

#include "service_engine/adapters/nginx/limits.h"

namespace strata::engine {
namespace {

// Where readdir does not tell the kind (some file systems), lstat does.
bool IsFolder(const std::string& folder, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  struct stat info {};
  const std::string path = folder + "/" + entry.d_name;
  return lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool LeadsToFolder(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

StatusOr<FolderEntries> ListFolder(const std::string& path, const ContentReader& reader) {
  DIR* const open = opendir(path.c_str());
  if (open == nullptr) return NotFound("%s: %s", path.c_str(), strerror(errno));
  FolderEntries entries;
  while (const dirent* entry = readdir(open)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (IsFolder(path, *entry)) {
      if (reader.IsFolder(name)) entries.folders.emplace_back(name);
    } else if (reader.IsFile(name)) {
      entries.files.emplace_back(name);
    }
  }
  closedir(open);
  return entries;
}

FolderScan::FolderScan(const std::string& root, const ContentReader& reader,
                       std::function<bool(const std::string& path)> enter,
                       std::function<void(const std::string& path)> visit, const std::string& name)
    : root_(root),
      reader_(reader),
      enter_(std::move(enter)),
      visit_(std::move(visit)),
      name_(name),
      folders_({{root, 0}}) {
  try {
    while (threads_.size() < kScanThreads) threads_.emplace_back([this] { Work(); });
  } catch (const std::system_error&) {  // The system has no more; fewer do it as well.
    if (threads_.empty()) Work();
  }
}

FolderScan::~FolderScan() {
  for (std::thread& thread : threads_) thread.join();
}

bool FolderScan::done() const {
  absl::MutexLock lock(&mu_);
  return abandoned_ || (folders_.empty() && working_ == 0);
}

void FolderScan::Abandon() {
  absl::MutexLock lock(&mu_);
  abandoned_ = true;
  changed_.SignalAll();
}

bool FolderScan::abandoned() const {
  absl::MutexLock lock(&mu_);
  return abandoned_;
}

void FolderScan::Work() {
  for (;;) {
    Folder folder;
    {
      absl::MutexLock lock(&mu_);
      while (folders_.empty() && working_ > 0 && !abandoned_) changed_.Wait(&mu_);
      if (abandoned_ || folders_.empty()) return;
      folder = std::move(folders_.front());
      folders_.pop_front();
      ++working_;
    }
    Visit(folder);
    absl::MutexLock lock(&mu_);
    if (--working_ == 0) changed_.SignalAll();
  }
}

void FolderScan::Visit(const Folder& folder) {
  if (folder.depth > kFolderDepthMax || !enter_(folder.path)) return;
  StatusOr<FolderEntries> entries = ListFolder(folder.path, reader_);
  if (!entries.ok()) return;
  const bool top = folder.path == root_;
  for (const std::string& file : entries->files) {
    const std::string path = folder.path + "/" + file;
    if (top && LeadsToFolder(path)) {  // An operator may have put a site's folder elsewhere.
      entries->folders.push_back(file);
      continue;
    }
    visit_(path);
    const size_t files = ++files_;
    if (files % kScanProgressFiles == 0) {
      logger_.Info("scanning", {{"tree", name_}, {"files", files}});
    }
    if (files % 64 == 0 && abandoned()) return;
  }
  absl::MutexLock lock(&mu_);
  for (std::string& name : entries->folders) {
    folders_.push_back({folder.path + "/" + name, folder.depth + 1});
  }
  changed_.SignalAll();
}

}  // namespace strata::engine
