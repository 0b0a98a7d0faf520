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
#include "service_engine/adapters/nginx/operator_logs.h"
#include "service_engine/core/access_log.h"

namespace strata::engine {

struct AccessLogTailOptions {
  std::string path;
  uint64_t bytes_max = 0;  // The file is rotated beyond.
};

// Follows nginx's log of requests to its end, turn by turn: hands the operator's lines to his logs,
// tells the requests, and rotates the file: renames it, lets nginx open a new one, reads the old
// one until nobody writes it any more, deletes it. Goes on where a former life stopped: what nginx
// wrote after its end is told too. If that life was killed, the lines of one turn may come twice.
// One thread.
class AccessLogTail {
 public:
  // What was finished; the views live as long as the call.
  using Tell = std::function<void(std::span<const FinishedRequest>)>;

  // `reopen` tells nginx to open its logs anew.
  AccessLogTail(AccessLogTailOptions options, std::function<Status()> reopen, OperatorLogs& logs,
                MetricRegistry& metrics);

  // Tells what was finished since the last turn. False: there was more than one turn takes.
  bool Turn(Timestamp now, const Tell& tell);

  // Since the construction: of a former life's requests too.
  uint64_t lines() const { return lines_; }
  uint64_t bytes() const { return bytes_; }  // That clients were sent, by the log.

 private:
  void Begin(Timestamp now);
  bool Open(const std::string& path);
  // Up to the end of what is there; false if there is more.
  bool ReadOn(const Tell& tell);
  void Deliver(const Tell& tell);
  void MaybeRotate(Timestamp now);
  bool FinishRotated(Timestamp now, const Tell& tell);
  bool IsClosed(Timestamp now) const;
  uint64_t Size() const;
  void SavePosition();
  std::string Rotated() const { return options_.path + ".rotated"; }

  // Of a file, by its inode: what is in front of it was told. On disk as it is.
  struct Position {
    uint64_t inode = 0;
    uint64_t offset = 0;
  };

  const AccessLogTailOptions options_;
  const std::function<Status()> reopen_;
  OperatorLogs& logs_;
  Counter& requests_total_;
  Counter& broken_total_;
  Counter& rotations_;
  Counter& no_site_;
  AccessLogReader reader_;
  std::string buffer_;
  std::vector<FinishedRequest> requests_;
  UniqueFd position_file_;
  Position saved_;
  UniqueFd file_;
  Position at_;
  bool rotating_ = false;  // file_ is the one that was renamed.
  Timestamp rotated_at_;
  uint64_t lines_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace strata::engine
