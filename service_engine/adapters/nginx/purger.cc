#include "service_engine/adapters/nginx/purger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "service_engine/adapters/nginx/limits.h"
#include "service_engine/adapters/nginx/metric_numbers.h"

namespace strata::engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPurgedFolder = ".strata-purged";

Status Removed(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return Ok();
  return Unavailable("remove %s: %s", path.c_str(), strerror(errno));
}

// nginx writes the key at once, but not in the moment that the file is there.
StatusOr<std::string> KeyOfTemporary(const std::string& path) {
  StatusOr<std::string> key = CacheKeyOf(path);
  for (int i = 1; i < kTempFrontTries && key.ok() && key->empty(); ++i) {
    std::this_thread::sleep_for(kTempFrontWait);
    key = CacheKeyOf(path);
  }
  return key;
}

// A rename that replaces nothing: 0, or what the system says.
int RenameTo(const std::string& from, const std::string& to) {
  const int failed =
      renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0 ? 0 : errno;
  if (failed != EINVAL) return failed;
  return rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;  // This file system knows no other.
}

// To `to`, or to `to` with a number behind it. FailedPrecondition if that is on another disk.
Status MoveTo(const std::string& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to.parent_path(), error);
  if (error) return Unavailable("%s: %s", to.parent_path().c_str(), error.message().c_str());
  int failed = RenameTo(from, to.string());
  for (size_t i = 1; i < kPurgedNameTries && failed == EEXIST; ++i) {
    failed = RenameTo(from, to.string() + "." + std::to_string(i));
  }
  if (failed == 0 || failed == ENOENT || failed == ENOTDIR) return Ok();
  const std::string why = "move " + from + " away: " + strerror(failed);
  return MakeStatus(failed == EXDEV ? StatusCode::kFailedPrecondition : StatusCode::kUnavailable,
                    why);
}

}  // namespace

Purger::Purger(PurgerOptions options, const SharedSites& sites, HeldContents& held,
               std::vector<TreeWatch*> watches, MetricRegistry& metrics)
    : options_(std::move(options)),
      sites_(sites),
      held_(held),
      watches_(std::move(watches)),
      purged_(metrics.AddCounter({.name = "strata_engine_purged_total",
                                  .help = "Contents of which a purge has removed something.",
                                  .number = kMetricPurged})),
      failures_(metrics.AddCounter({.name = "strata_engine_purge_failures_total",
                                    .help = "Purges after which something may be left.",
                                    .number = kMetricPurgeFailures})) {}

StatusOr<size_t> Purger::Purge(std::span<const farm::ContentKey> keys) { return Purge(keys, true); }

StatusOr<size_t> Purger::PurgeCache(std::span<const farm::ContentKey> keys) {
  return Purge(keys, false);
}

StatusOr<size_t> Purger::Purge(std::span<const farm::ContentKey> list, bool library) {
  absl::MutexLock lock(&mu_);
  const Keys keys(list.begin(), list.end());
  Keys found;
  Status status = RemoveTemporary(keys, found);
  for (TreeWatch* watch : watches_) {
    const Status settled = watch->Settle(kSettleLimit);
    if (status.ok()) status = settled;
  }
  for (const farm::ContentKey& key : keys) {
    bool had = false;
    const Status removed = RemoveFiles(key, library, had);
    if (status.ok()) status = removed;
    if (had) found.insert(key);
  }
  purged_.Add(found.size());
  if (status.ok()) return found.size();
  failures_.Add();
  return Unavailable("%s", MessageOf(status).c_str());
}

StatusOr<size_t> Purger::PurgeCacheOf(const std::string& host) {
  absl::MutexLock lock(&mu_);
  for (TreeWatch* watch : watches_) STRATA_RETURN_IF_ERROR(watch->Settle(kSettleLimit));
  size_t removed = 0;
  for (const std::string& path : held_.FilesBelow("http://" + host + "/")) {
    if (InLibrary(path)) continue;
    STRATA_RETURN_IF_ERROR(Removed(path));
    held_.Set(path, std::nullopt);
    ++removed;
  }
  purged_.Add(removed);
  return removed;
}

bool Purger::InLibrary(const std::string& path) const {
  return !options_.library_folder.empty() && path.starts_with(options_.library_folder + "/");
}

Status Purger::RemoveTemporary(const Keys& keys, Keys& found) const {
  const std::shared_ptr<const farm::SiteTable> sites = sites_.Get();
  std::error_code error;
  Status status = Ok();
  for (fs::directory_iterator it(options_.temp_folder, error), end; !error && it != end;
       it.increment(error)) {
    const std::string path = it->path().string();
    const StatusOr<std::string> text = KeyOfTemporary(path);
    if (!text.ok() && text.status().code() == StatusCode::kNotFound) continue;
    std::string uri;
    const std::optional<farm::ContentKey> key =
        text.ok() ? ContentOf(*text, *sites, uri) : std::nullopt;
    if (key && !keys.contains(*key)) continue;
    // What cannot be told apart goes too: that fill is then not kept.
    const Status removed = Removed(path);
    if (status.ok()) status = removed;
    if (key) found.insert(*key);
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Unavailable("%s: %s", options_.temp_folder.c_str(), error.message().c_str());
  }
  return status;
}

Status Purger::RemoveFiles(const farm::ContentKey& key, bool library, bool& found) {
  Status status = Ok();
  for (const std::string& path : held_.FilesOf(key)) {
    if (!library && InLibrary(path)) continue;
    found = true;
    const Status removed = RemoveFile(path);
    if (removed.ok()) {
      held_.Set(path, std::nullopt);
    } else if (status.ok()) {
      status = removed;
    }
  }
  return status;
}

Status Purger::RemoveFile(const std::string& path) {
  return InLibrary(path) ? MoveAway(path) : Removed(path);
}

Status Purger::MoveAway(const std::string& path) {
  const std::string below = path.substr(options_.library_folder.size() + 1);
  const Status moved = MoveTo(path, fs::path(options_.library_folder) / kPurgedFolder / below);
  if (moved.code() != StatusCode::kFailedPrecondition) return moved;
  // The site's folder is on another disk: a hidden folder in it is not served either.
  const size_t slash = below.find('/');
  const fs::path site = fs::path(options_.library_folder) / below.substr(0, slash);
  return MoveTo(path, site / kPurgedFolder / below.substr(slash + 1));
}

}  // namespace strata::engine
