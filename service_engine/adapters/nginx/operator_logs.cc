#include "service_engine/adapters/nginx/operator_logs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "service_engine/adapters/nginx/limits.h"
#include "service_engine/adapters/nginx/metric_numbers.h"

namespace strata::engine {
namespace {

// The log of requests is a file of nginx's workers, who are not trusted with paths.
bool IsFileName(std::string_view site) {
  return !site.empty() && std::all_of(site.begin(), site.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

OperatorLogs::OperatorLogs(std::string folder, const LogLimits& limits, MetricRegistry& metrics)
    : folder_(std::move(folder)),
      limits_(limits),
      failures_(metrics.AddCounter({.name = "strata_engine_operator_log_lost_lines_total",
                                    .help = "Lines that could not be written to a site's log.",
                                    .number = kMetricOperatorLogLost})),
      rotations_(metrics.AddCounter({.name = "strata_engine_operator_log_rotations_total",
                                     .help = "Times that a site's log was rotated.",
                                     .number = kMetricOperatorLogRotations})) {}

void OperatorLogs::Add(std::string_view site, std::string_view line) {
  auto it = logs_.find(site);
  if (it == logs_.end()) {
    if (!IsFileName(site)) {
      failures_.Add();
      return;
    }
    it = logs_.emplace(std::string(site), Log()).first;
  }
  std::string& lines = it->second.lines;
  lines.append(line);
  lines += '\n';
}

void OperatorLogs::Flush() {
  for (auto& [site, log] : logs_) {
    if (log.lines.empty()) continue;
    Write(PathOf(site), log);
    log.lines.clear();
  }
  if (logs_.size() > kOperatorLogsOpen) logs_.clear();
}

std::string OperatorLogs::PathOf(std::string_view site) const {
  return folder_ + "/" + std::string(site) + ".access.log";
}

bool OperatorLogs::Open(const std::string& path, Log& log) {
  struct stat info {};
  const bool there = stat(path.c_str(), &info) == 0;
  if (log.file.valid() && there && info.st_ino == log.inode) return true;
  // The folder is nginx's workers': a link that lies there is not followed.
  constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
  log.file = UniqueFd(open(path.c_str(), kFlags, 0644));
  if (!log.file.valid() || fstat(log.file.get(), &info) != 0) return false;
  log.inode = info.st_ino;
  log.size = static_cast<uint64_t>(info.st_size);
  log.cut = false;
  return true;
}

void OperatorLogs::Write(const std::string& path, Log& log) {
  std::string_view left = log.lines;
  if (Open(path, log)) {
    if (std::exchange(log.cut, false)) left = log.lines.insert(0, 1, '\n');
    while (!left.empty()) {
      const ssize_t n = write(log.file.get(), left.data(), left.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      log.cut = left[static_cast<size_t>(n) - 1] != '\n';
      log.size += static_cast<uint64_t>(n);
      left.remove_prefix(static_cast<size_t>(n));
    }
  }
  failures_.Add(static_cast<uint64_t>(std::count(left.begin(), left.end(), '\n')));
  if (limits_.bytes_max == 0 || log.size < limits_.bytes_max) return;
  if (!RotateLog(path, limits_.kept).ok()) return;
  log.file.Close();
  log.size = 0;
  rotations_.Add();
}

}  // namespace strata::engine
