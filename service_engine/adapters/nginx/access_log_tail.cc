#include "service_engine/adapters/nginx/access_log_tail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "service_engine/adapters/nginx/limits.h"
#include "service_engine/adapters/nginx/metric_numbers.h"

namespace strata::engine {

AccessLogTail::AccessLogTail(AccessLogTailOptions options, std::function<Status()> reopen,
                             MetricRegistry& metrics)
    : options_(std::move(options)),
      reopen_(std::move(reopen)),
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
                                   .number = kMetricNoSite})) {
  unlink(options_.path.c_str());
  unlink(Rotated().c_str());
}

std::vector<FinishedRequest> AccessLogTail::Turn(Timestamp now) {
  std::vector<FinishedRequest> requests;
  if (rotating_) {
    FinishRotated(now, requests);
  } else if (file_.valid() || Open(options_.path)) {
    ReadOn(requests);
    MaybeRotate(now);
  }
  for (const FinishedRequest& request : requests) {
    bytes_ += request.bytes;
    if (request.site.empty() && request.status == 404) no_site_.Add();
  }
  lines_ += requests.size();
  requests_total_.Add(requests.size());
  broken_total_.AdvanceTo(reader_.broken());
  return requests;
}

bool AccessLogTail::Open(const std::string& path) {
  file_ = UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  offset_ = 0;
  return file_.valid();
}

bool AccessLogTail::ReadOn(std::vector<FinishedRequest>& requests) {
  std::string buffer(kLogReadBytes, '\0');
  for (size_t i = 0; i < kLogReadsPerTurn; ++i) {
    const ssize_t n = pread(file_.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset_));
    if (n <= 0) return true;
    offset_ += static_cast<uint64_t>(n);
    reader_.Read(std::string_view(buffer).substr(0, static_cast<size_t>(n)), requests);
  }
  return false;
}

void AccessLogTail::MaybeRotate(Timestamp now) {
  if (offset_ < options_.bytes_max) return;
  if (rename(options_.path.c_str(), Rotated().c_str()) != 0) return;
  rotating_ = true;
  rotated_at_ = now;
  rotations_.Add();
  reopen_().IgnoreError();  // No nginx: the next one opens the new name.
}

void AccessLogTail::FinishRotated(Timestamp now, std::vector<FinishedRequest>& requests) {
  // Asked before the last look: what was written until then is seen.
  const bool closed = IsClosed(now);
  const bool at_end = ReadOn(requests);
  if (!closed || !at_end) return;
  reader_.EndFile();
  unlink(Rotated().c_str());
  file_.Close();
  rotating_ = false;
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
