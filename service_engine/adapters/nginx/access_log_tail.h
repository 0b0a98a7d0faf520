#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "common/metrics.h"
#include "common/status.h"
#include "common/time.h"
#include "common/unique_fd.h"
#include "service_engine/core/access_log.h"

namespace strata::engine {

struct AccessLogTailOptions {
  std::string path;
  uint64_t bytes_max = 0;  // The file is rotated beyond.
};

// Follows nginx's log of requests to its end, turn by turn, and rotates it: renames the file, lets
// nginx open a new one, reads the old one until nobody writes it any more, deletes it. Begins,
// before nginx does, with no log: what a former life has left behind is deleted. One thread.
class AccessLogTail {
 public:
  // `reopen` tells nginx to open its logs anew.
  AccessLogTail(AccessLogTailOptions options, std::function<Status()> reopen,
                MetricRegistry& metrics);

  // What was finished since the last turn; empty if nothing was.
  std::vector<FinishedRequest> Turn(Timestamp now);

  uint64_t lines() const { return lines_; }  // Since the construction.
  uint64_t bytes() const { return bytes_; }  // That clients were sent, by the log.

 private:
  bool Open(const std::string& path);
  // Up to the end of what is there; false if there is more.
  bool ReadOn(std::vector<FinishedRequest>& requests);
  void MaybeRotate(Timestamp now);
  void FinishRotated(Timestamp now, std::vector<FinishedRequest>& requests);
  bool IsClosed(Timestamp now) const;
  std::string Rotated() const { return options_.path + ".rotated"; }

  const AccessLogTailOptions options_;
  const std::function<Status()> reopen_;
  Counter& requests_total_;
  Counter& broken_total_;
  Counter& rotations_;
  Counter& no_site_;
  AccessLogReader reader_;
  UniqueFd file_;
  uint64_t offset_ = 0;
  bool rotating_ = false;  // file_ is the one that was renamed.
  Timestamp rotated_at_;
  uint64_t lines_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace strata::engine
