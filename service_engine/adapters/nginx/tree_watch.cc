#include "service_engine/adapters/nginx/tree_watch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "service_engine/adapters/nginx/clock.h"
#include "service_engine/adapters/nginx/folder_scan.h"
#include "service_engine/adapters/nginx/limits.h"
#include "service_engine/adapters/nginx/metric_numbers.h"

namespace strata::engine {
namespace {

constexpr uint32_t kFolderEvents = IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE |
                                   IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr uint32_t kWritingEvents = IN_MODIFY | IN_ATTRIB;
constexpr int kScanTurnMillis = 5;

MetricInfo Info(const char* name, const char* help, uint32_t number, const std::string& tree) {
  return {.name = name, .help = help, .labels = {{"tree", tree}}, .number = number};
}

}  // namespace

TreeWatch::TreeWatch(TreeWatchOptions options, const ContentReader& reader, HeldContents& held,
                     MetricRegistry& metrics)
    : options_(std::move(options)),
      reader_(reader),
      held_(held),
      overflows_(metrics.AddCounter(Info("strata_engine_watch_overflows_total",
                                         "Times that the kernel forgot events of files.",
                                         kMetricOverflows, options_.name))),
      scans_(metrics.AddCounter(
          Info("strata_engine_scans_total", "Scans of all files.", kMetricScans, options_.name))),
      errors_(metrics.AddCounter(Info("strata_engine_file_errors_total",
                                      "Files that could not be read.", kMetricFileErrors,
                                      options_.name))),
      unwatched_(metrics.AddCounter(Info("strata_engine_unwatched_folders_total",
                                         "Folders that the kernel refused to watch.",
                                         kMetricUnwatched, options_.name))) {}

TreeWatch::~TreeWatch() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    scanned_.SignalAll();
  }
  const uint64_t one = 1;
  if (wake_.valid() && write(wake_.get(), &one, sizeof(one)) < 0) logger_.Error("no wake-up");
  if (thread_.joinable()) thread_.join();
}

Status TreeWatch::Start() {
  inotify_ = UniqueFd(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  wake_ = UniqueFd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!inotify_.valid() || !wake_.valid()) return Unavailable("inotify: %s", strerror(errno));
  thread_ = std::thread([this] { Run(); });
  return Ok();
}

void TreeWatch::Rescan() {
  {
    absl::MutexLock lock(&mu_);
    ++scans_wanted_;
  }
  const uint64_t one = 1;
  if (write(wake_.get(), &one, sizeof(one)) < 0) logger_.Error("no wake-up");
}

Status TreeWatch::Settle(Duration limit) {
  const Timestamp until = Now() + limit;
  for (;;) {
    TakeEvents();
    absl::MutexLock lock(&mu_);
    if (scans_done_ == scans_wanted_) return Ok();
    while (scans_done_ != scans_wanted_ && !stopping_) {
      if (Now() >= until) return DeadlineExceeded("the scan of %s goes on", options_.root.c_str());
      if (options_.ending && options_.ending()) return Unavailable("this engine ends");
      scanned_.WaitWithTimeout(&mu_, absl::FromChrono(std::min(until - Now(), kEndingLook)));
    }
    if (stopping_) return Unavailable("%s is not watched any more", options_.root.c_str());
  }
}

bool TreeWatch::settled() const {
  absl::MutexLock lock(&mu_);
  return scans_done_ == scans_wanted_;
}

uint64_t TreeWatch::ScanWanted() const {
  absl::MutexLock lock(&mu_);
  return scans_done_ == scans_wanted_ ? 0 : scans_wanted_;
}

// ---- The thread.

void TreeWatch::Run() {
  for (;;) {
    bool top_changed = false;
    {
      absl::MutexLock lock(&mu_);
      if (stopping_) return;
      top_changed = std::exchange(top_changed_, false);
    }
    if (top_changed && options_.on_top_folders) options_.on_top_folders();
    if (WatchOf(options_.root) < 0 && Watch(options_.root)) {  // It came, or came again.
      absl::MutexLock lock(&mu_);
      scans_wanted_ = std::max(scans_wanted_, scans_done_ + 1);
    }
    if (const uint64_t wanted = ScanWanted(); wanted != 0) RunScan(wanted);
    Wait();
    TakeEvents();
  }
}

void TreeWatch::Wait() {
  pollfd waiting[2] = {{.fd = inotify_.get(), .events = POLLIN, .revents = 0},
                       {.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  const bool soon = ScanWanted() != 0;
  poll(waiting, 2, soon ? 0 : MillisUntil(Now() + kRootRetry));
  uint64_t count = 0;
  if (waiting[1].revents != 0 && read(wake_.get(), &count, sizeof(count)) < 0) {
    logger_.Error("no wake-up");
  }
}

void TreeWatch::RunScan(uint64_t wanted) {
  const Timestamp start = Now();
  scans_.Add();
  const uint64_t scan = held_.BeginScan();
  {
    FolderScan folders(
        options_.root, reader_, [this](const std::string& path) { return Watch(path); },
        [&](const std::string& path) { held_.SetScanned(scan, path, Read(path, Writing::kNo)); },
        options_.name);
    // Meanwhile the kernel's queue must not run full.
    pollfd waiting{.fd = inotify_.get(), .events = POLLIN, .revents = 0};
    while (!folders.done()) {
      poll(&waiting, 1, kScanTurnMillis);
      TakeEvents();
      absl::MutexLock lock(&mu_);
      if (stopping_) folders.Abandon();
    }
    if (folders.abandoned()) return;
    logger_.Info("scan complete",
                 {{"tree", options_.name}, {"files", folders.files()}, {"took", Now() - start}});
  }
  held_.EndScan(scan, options_.root + "/");
  absl::MutexLock lock(&mu_);
  scans_done_ = wanted;
  top_changed_ = true;
  scanned_.SignalAll();
}

// ---- Events.

void TreeWatch::TakeEvents() {
  absl::MutexLock lock(&events_mu_);
  TakeEventsLocked();
}

void TreeWatch::TakeEventsLocked() {
  alignas(inotify_event) char buffer[kEventBufferBytes];
  for (;;) {
    const ssize_t n = read(inotify_.get(), buffer, sizeof(buffer));
    if (n <= 0) return;
    for (const char* at = buffer; at < buffer + n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      OnEvent(*event, event->len == 0 ? std::string_view() : std::string_view(event->name));
      at += sizeof(inotify_event) + event->len;
    }
  }
}

void TreeWatch::OnEvent(const inotify_event& event, std::string_view name) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    overflows_.Add();
    logger_.Warning("events were lost, scanning again", {{"tree", options_.name}});
    absl::MutexLock lock(&mu_);
    ++scans_wanted_;
    return;
  }
  const std::string folder = PathOf(event.wd);
  if (folder.empty()) return;  // It is not watched any more.
  if ((event.mask & IN_IGNORED) != 0) {
    absl::MutexLock lock(&mu_);
    paths_.erase(event.wd);
    const auto it = watches_.find(folder);
    if (it != watches_.end() && it->second == event.wd) watches_.erase(it);
    return;
  }
  if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0) {
    RecheckFolder(folder);
    return;
  }
  if (name.empty()) return;
  const std::string path = folder + "/" + std::string(name);
  const bool top = folder == options_.root;
  const bool is_folder =
      (event.mask & IN_ISDIR) != 0 || (top && WatchOf(path) >= 0) || (top && IsFolderNow(path));
  if (is_folder) {
    if (reader_.IsFolder(name)) RecheckFolder(path);
    if (top) {
      absl::MutexLock lock(&mu_);
      top_changed_ = true;
    }
  } else if (reader_.IsFile(name)) {
    const bool writing = (event.mask & (IN_CREATE | IN_MODIFY)) != 0;
    if (options_.by_rename && (event.mask & IN_CREATE) != 0) return;
    RecheckFile(path, writing ? Writing::kMaybe : Writing::kNo);
  }
}

void TreeWatch::RecheckFile(const std::string& path, Writing writing) {
  held_.Set(path, Read(path, writing));
}

void TreeWatch::RecheckFolder(const std::string& path) {
  const int before = WatchOf(path);
  const bool there = IsFolderNow(path) && Watch(path);
  if (!there || (before >= 0 && WatchOf(path) != before)) {
    UnwatchBelow(path);
    held_.FolderGone(path + "/");
  }
  if (!there) return;
  if (path == options_.root) {
    absl::MutexLock lock(&mu_);
    ++scans_wanted_;
    return;
  }
  if (WatchOf(path) < 0 && !Watch(path)) return;
  ReadFolder(path, 0);
}

void TreeWatch::ReadFolder(const std::string& path, int depth) {
  if (depth > static_cast<int>(kFolderDepthMax)) return;
  const StatusOr<FolderEntries> entries = ListFolder(path, reader_);
  if (!entries.ok()) return;
  for (const std::string& file : entries->files) RecheckFile(path + "/" + file, Writing::kNo);
  for (const std::string& folder : entries->folders) {
    const std::string below = path + "/" + folder;
    if (Watch(below)) ReadFolder(below, depth + 1);
  }
}

std::optional<FoundFile> TreeWatch::Read(const std::string& path, Writing writing) {
  StatusOr<std::optional<FoundFile>> found = reader_.Read(path, writing);
  if (found.ok()) return *std::move(found);
  errors_.Add();
  if (options_.on_disk_error) options_.on_disk_error(found.status());
  return std::nullopt;
}

// ---- Watches.

bool TreeWatch::IsFolderNow(const std::string& path) const {
  const bool top = path.find('/', options_.root.size() + 1) == std::string::npos;
  struct stat info {};
  const int failed = top ? stat(path.c_str(), &info) : lstat(path.c_str(), &info);
  return failed == 0 && S_ISDIR(info.st_mode);
}

bool TreeWatch::Watch(const std::string& path) {
  const uint32_t events = kFolderEvents | (options_.by_rename ? 0 : kWritingEvents);
  absl::MutexLock lock(&mu_);
  const int watch = inotify_add_watch(inotify_.get(), path.c_str(), events);
  if (watch < 0) {
    if (errno != ENOSPC) return false;
    unwatched_.Add();
    logger_.Error("fs.inotify.max_user_watches is too small", {{"folder", path}});
    return true;  // At least it is read.
  }
  const auto before = watches_.find(path);
  if (before != watches_.end() && before->second != watch) paths_.erase(before->second);
  paths_[watch] = path;
  watches_[path] = watch;
  return true;
}

int TreeWatch::WatchOf(const std::string& path) const {
  absl::MutexLock lock(&mu_);
  const auto it = watches_.find(path);
  return it == watches_.end() ? -1 : it->second;
}

void TreeWatch::UnwatchBelow(const std::string& path) {
  absl::MutexLock lock(&mu_);
  for (auto it = watches_.lower_bound(path); it != watches_.end();) {
    const std::string& folder = it->first;
    if (!folder.starts_with(path)) break;
    if (folder.size() > path.size() && folder[path.size()] != '/') {
      ++it;
      continue;
    }
    const auto by_watch = paths_.find(it->second);
    if (by_watch != paths_.end() && by_watch->second == folder) {  // Else it has moved.
      inotify_rm_watch(inotify_.get(), it->second);
      paths_.erase(by_watch);
    }
    it = watches_.erase(it);
  }
}

std::string TreeWatch::PathOf(int watch) const {
  absl::MutexLock lock(&mu_);
  const auto it = paths_.find(watch);
  return it == paths_.end() ? "" : it->second;
}

}  // namespace strata::engine
