#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.h"
#include "common/status.h"
#include "common/time.h"

namespace strata::engine {

// The log format that the engine gives its nginx, one line a finished request, fields between tabs:
// the site's first host, the method, the target (path and query, without /_s/HOST), the status, the
// seconds it took, the bytes sent to the client, the client's address, and whether the cache had
// it. nginx escapes what is not printable, quotes and backslashes as \xHH, so no field has a tab or
// a line end in it.
inline constexpr std::string_view kAccessLogFormat =
    "$strata_site\t$request_method\t$strata_target\t$status\t$request_time\t$bytes_sent\t"
    "$remote_addr\t$upstream_cache_status";

inline constexpr size_t kMaxAccessLogLine = 65536;  // Bytes; what is longer is counted as broken.

struct FinishedRequest {
  std::string site;    // Empty: it was of no site.
  std::string method;  // Empty: nginx could not read the request.
  std::string target;
  int status = 0;
  Duration duration{};
  uint64_t bytes = 0;
  IpAddress client;
  std::string cache;  // HIT, MISS, …; empty: no cache was asked.

  friend bool operator==(const FinishedRequest&, const FinishedRequest&) = default;
};

// One line without its end. InvalidArgument, naming the field, if it is not of that format.
StatusOr<FinishedRequest> ParseAccessLogLine(std::string_view line);

// Cuts what is read from a growing file into requests. A line may come in pieces.
class AccessLogReader {
 public:
  // The next bytes of the file. What became complete is appended to `requests`.
  void Read(std::string_view bytes, std::vector<FinishedRequest>& requests);
  // The file ends here (it was rotated): an incomplete line is broken.
  void EndFile();

  uint64_t broken() const { return broken_; }  // Lines that could not be read.
  // Bytes of the file that belong to lines already taken: where to go on after a restart.
  uint64_t consumed() const { return consumed_; }

 private:
  void Line(std::string_view line, std::vector<FinishedRequest>& requests);

  std::string rest_;       // An incomplete line.
  bool too_long_ = false;  // It is dropped up to its end.
  uint64_t broken_ = 0;
  uint64_t consumed_ = 0;
};

}  // namespace strata::engine
