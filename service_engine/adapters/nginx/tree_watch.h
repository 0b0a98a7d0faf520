#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/status.h"
#include "common/unique_fd.h"
#include "service_engine/adapters/nginx/content_readers.h"
#include "service_engine/adapters/nginx/held_contents.h"

struct inotify_event;

namespace strata::engine {

struct TreeWatchOptions {
  std::string name;  // "cache", "library": of log lines and series.
  std::string root;  // An absolute folder; it may come and go.
  // Files there come by rename only; a file in which somebody writes counts on. Else what is being
  // written does not.
  bool by_rename = true;
  // Called on the watch's thread when the folders directly below the root are others than before.
  std::function<void()> on_top_folders;
  std::function<void(const Status& error)> on_disk_error;
  std::function<bool()> ending = {};  // As NginxAdapterCallbacks has it.
};

// Keeps HeldContents equal to what is below one folder: scans it with several threads, then
// follows inotify; scans again after an overflow, and when asked to. An event only says where to
// look: what counts is what is there then, so old and repeated events do no harm.
class TreeWatch {
 public:
  TreeWatch(TreeWatchOptions options, const ContentReader& reader, HeldContents& held,
            MetricRegistry& metrics);
  ~TreeWatch();
  TreeWatch(const TreeWatch&) = delete;
  TreeWatch& operator=(const TreeWatch&) = delete;

  // Starts the thread, which scans first. Unavailable if the kernel gives no inotify.
  Status Start();
  // Everything is read again, soon: the rules by which it is read have changed.
  void Rescan();
  // Takes in everything that has happened until now. DeadlineExceeded if a scan goes on too long,
  // Unavailable if the engine is to end meanwhile.
  Status Settle(Duration limit);
  // The first scan has ended, and none since has to.
  bool settled() const;

 private:
  class Scan;

  void Run();
  void RunScan(uint64_t wanted);
  // The scan that has to be run, by its number; 0: none.
  uint64_t ScanWanted() const;
  void Wait();
  // Reads events until there are none; returns without waiting.
  void TakeEvents() ABSL_LOCKS_EXCLUDED(events_mu_);
  void TakeEventsLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(events_mu_);
  void OnEvent(const inotify_event& event, std::string_view name)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(events_mu_);
  void RecheckFile(const std::string& path, Writing writing);
  void RecheckFolder(const std::string& path);
  void ReadFolder(const std::string& path, int depth);
  // A folder below the root, or a link to one directly below it.
  bool IsFolderNow(const std::string& path) const;
  // Before a folder is listed: what comes later is told by an event. False if it is not there.
  bool Watch(const std::string& path);
  int WatchOf(const std::string& path) const;  // -1: none.
  void UnwatchBelow(const std::string& path);
  std::string PathOf(int watch) const;
  std::optional<FoundFile> Read(const std::string& path, Writing writing);

  const TreeWatchOptions options_;
  const ContentReader& reader_;
  HeldContents& held_;
  const Logger logger_{"nginx"};
  Counter& overflows_;
  Counter& scans_;
  Counter& errors_;
  Counter& unwatched_;

  UniqueFd inotify_;
  UniqueFd wake_;
  absl::Mutex events_mu_;  // Who holds it reads events and acts on them.
  mutable absl::Mutex mu_;
  absl::CondVar scanned_;                                  // A scan has ended, or nothing will.
  std::map<int, std::string> paths_ ABSL_GUARDED_BY(mu_);  // By watch.
  std::map<std::string, int, std::less<>> watches_ ABSL_GUARDED_BY(mu_);  // By path.
  uint64_t scans_wanted_ ABSL_GUARDED_BY(mu_) = 1;
  uint64_t scans_done_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool top_changed_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace strata::engine
