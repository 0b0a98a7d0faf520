#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/log.h"
#include "common/status.h"
#include "service_engine/adapters/nginx/content_readers.h"

namespace strata::engine {

struct FolderEntries {
  std::vector<std::string> files;
  std::vector<std::string> folders;  // Links to folders are with the files.
};

// The names in a folder that `reader` looks at. NotFound and the like if it cannot be listed.
StatusOr<FolderEntries> ListFolder(const std::string& path, const ContentReader& reader);

// Visits every file below a folder with up to kScanThreads threads, from its construction on.
class FolderScan {
 public:
  // Both are called on these threads: `enter` with each folder before it is listed (false: it is
  // left out), `visit` with each file. Every kScanProgressFiles files make a line in the log.
  FolderScan(const std::string& root, const ContentReader& reader,
             std::function<bool(const std::string& path)> enter,
             std::function<void(const std::string& path)> visit, const std::string& name);
  ~FolderScan();
  FolderScan(const FolderScan&) = delete;
  FolderScan& operator=(const FolderScan&) = delete;

  bool done() const;
  // It ends soon, before it has seen everything.
  void Abandon();
  bool abandoned() const;
  size_t files() const { return files_; }

 private:
  struct Folder {
    std::string path;
    size_t depth = 0;
  };

  void Work();
  void Visit(const Folder& folder);

  const std::string root_;
  const ContentReader& reader_;
  const std::function<bool(const std::string& path)> enter_;
  const std::function<void(const std::string& path)> visit_;
  const std::string name_;
  const Logger logger_{"nginx"};
  std::atomic<size_t> files_ = 0;
  mutable absl::Mutex mu_;
  absl::CondVar changed_;  // There may be something to do, or nothing any more.
  std::deque<Folder> folders_ ABSL_GUARDED_BY(mu_);
  size_t working_ ABSL_GUARDED_BY(mu_) = 0;  // Threads that may find more folders.
  bool abandoned_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace strata::engine
