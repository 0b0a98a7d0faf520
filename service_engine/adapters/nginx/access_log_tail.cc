#include "service_engine/adapters/nginx/access_log_tail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "service_engine/adapters/nginx/limits.h"
#include "service_engine/adapters/nginx/metric_numbers.h"

namespace strata::engine {

AccessLogTail::AccessLogTail(AccessLogTailOptions options, std::function<Status()> reopen,
                             OperatorLogs& logs, MetricRegistry& metrics)
    : options_(std::move(options)),
      reopen_(std::move(reopen)),
      logs_(logs),
      requests_total_(metrics.AddCounter({.name = "strata_engine_requests_total",
                                          .help = "Requests that nginx has finished.",
                                          .number = kMetricRequests})),
      broken_total_(metrics.AddCounter({.name = "strata_engine_log_broken_lines_total",
                                        .help = "Lines of nginx's log that could not be read.",
                                        .number = kMetricBrokenLines})),
      rotations_(metrics.AddCounter({.name = "strata_engine_log_rotations_total",
                                     .help = "Times that nginx's log was rotated.",
                                     .number = kMetricLogRotations})),
      no_site_(metrics.AddCounter({.name = "strata_engine_no_site_total",
                                   .help = "Requests for a host that is of no site.",
                                   .number = kMetricNoSite})),
      buffer_(kLogReadBytesMax, '\0') {
  static_assert(kLogReadBytesMax > kMaxAccessLogLine);
}

bool AccessLogTail::Turn(Timestamp now, const Tell& tell) {
  if (!position_file_.valid()) Begin(now);
  bool at_end = true;
  if (rotating_) at_end = FinishRotated(now, tell);
  if (!rotating_ && (file_.valid() || Open(options_.path))) {
    at_end = ReadOn(tell);
    MaybeRotate(now);
  }
  broken_total_.AdvanceTo(reader_.broken());
  SavePosition();
  return at_end;
}

// The folder is there only once nginx is to be started.
void AccessLogTail::Begin(Timestamp now) {
  const std::string path = options_.path + ".position";
  position_file_ = UniqueFd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  Position found;
  const ssize_t n = pread(position_file_.get(), &found, sizeof(found), 0);
  if (n == static_cast<ssize_t>(sizeof(found))) saved_ = found;
  rotating_ = Open(Rotated());
  rotated_at_ = now;
}

bool AccessLogTail::Open(const std::string& path) {
  file_ = UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!file_.valid() || fstat(file_.get(), &info) != 0) return false;
  at_ = {info.st_ino, 0};
  if (saved_.inode == at_.inode && saved_.offset <= static_cast<uint64_t>(info.st_size)) {
    at_.offset = saved_.offset;
  }
  return true;
}

uint64_t AccessLogTail::Size() const {
  struct stat info {};
  return fstat(file_.get(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

bool AccessLogTail::ReadOn(const Tell& tell) {
  if (Size() < at_.offset) at_.offset = 0;  // Somebody has cut it.
  size_t wanted = kLogReadBytes;
  for (size_t i = 0; i < kLogReadsPerTurn; ++i) {
    const auto from = static_cast<off_t>(at_.offset);
    const ssize_t n = pread(file_.get(), buffer_.data(), wanted, from);
    if (n <= 0) return true;
    const auto read = static_cast<size_t>(n);
    const size_t taken = reader_.Read(std::string_view(buffer_).substr(0, read), requests_);
    at_.offset += taken;
    Deliver(tell);
    if (read < wanted) return true;
    wanted = taken == 0 ? kLogReadBytesMax : kLogReadBytes;
  }
  return false;
}

void AccessLogTail::Deliver(const Tell& tell) {
  uint64_t no_site = 0;
  for (const FinishedRequest& request : requests_) {
    bytes_ += request.bytes;
    if (request.site.empty()) {
      no_site += request.status == 404 ? 1 : 0;
    } else if (request.entry == kEntryHost || request.entry == kEntryPath) {
      logs_.Add(request.site, request.operator_line);
    }
  }
  logs_.Flush();
  no_site_.Add(no_site);
  lines_ += requests_.size();
  requests_total_.Add(requests_.size());
  if (!requests_.empty()) tell(requests_);
  requests_.clear();
}

void AccessLogTail::MaybeRotate(Timestamp now) {
  if (at_.offset < options_.bytes_max) return;
  // Somebody may have deleted it: it is written all the same, until nginx opens another.
  if (rename(options_.path.c_str(), Rotated().c_str()) != 0 && errno != ENOENT) return;
  rotating_ = true;
  rotated_at_ = now;
  rotations_.Add();
  reopen_().IgnoreError();  // No nginx: the next one opens the new name.
}

bool AccessLogTail::FinishRotated(Timestamp now, const Tell& tell) {
  // Asked before the last look: what was written until then is seen.
  const bool closed = IsClosed(now);
  const bool at_end = ReadOn(tell);
  if (!closed || !at_end) return at_end;
  reader_.EndFile(Size() - std::min(Size(), at_.offset));
  unlink(Rotated().c_str());
  file_.Close();
  rotating_ = false;
  return true;
}

// A kill of this process loses nothing of it; after a power cut some lines come twice.
void AccessLogTail::SavePosition() {
  if (!file_.valid() || (at_.inode == saved_.inode && at_.offset == saved_.offset)) return;
  const ssize_t n = pwrite(position_file_.get(), &at_, sizeof(at_), 0);
  if (n == static_cast<ssize_t>(sizeof(at_))) saved_ = at_;
}

bool AccessLogTail::IsClosed(Timestamp now) const {
  // A read lease is given when nobody has the file open for writing.
  fcntl(file_.get(), F_SETSIG, SIGURG);
  if (fcntl(file_.get(), F_SETLEASE, F_RDLCK) == 0) {
    fcntl(file_.get(), F_SETLEASE, F_UNLCK);
    return true;
  }
  return errno != EAGAIN && now - rotated_at_ > kRotateLimit;
}

}  // namespace strata::engine
