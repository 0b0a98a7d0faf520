#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "common/time.h"

namespace strata::engine {

// How a request came: the entries of docs/protocols/agent.md, section 1, by what nginx knows
// without asking: by a Host of the site's (direct, or redirected to ENGINE.HOST); by /_s/HOST/;
// from another engine by /_s/HOST/ or /_f/HOST/.
inline constexpr std::string_view kEntryHost = "host";
inline constexpr std::string_view kEntryPath = "path";
inline constexpr std::string_view kEntryPeer = "peer";
inline constexpr std::string_view kEntryPeerFill = "peer-fill";

// The front of each line of the log that the engine gives its nginx, up to the line in the
// operator's format that follows. Fields, each with a tab behind it: the site's name, the entry,
// whether the cache had it, the seconds it took, the bytes sent to the client, the status, the
// client's address, the method, the target (path and query, without /_s/HOST). Texts or variables
// of nginx are given for what is known before a request comes: a text costs nginx nothing. nginx
// escapes what is not printable, quotes and backslashes as \xHH, so no field has a tab or a line
// end in it.
std::string AccessLogFormat(std::string_view site, std::string_view entry, std::string_view target);

// Bytes; what is longer is counted as broken. nginx takes four times 16 KiB of a request's header,
// writes four bytes for one that it escapes, and the target is there twice.
inline constexpr size_t kMaxAccessLogLine = 512 << 10;

// Views: of whoever read it, until the next.
struct FinishedRequest {
  std::string_view site;   // Its name. Empty: it was of no site.
  std::string_view entry;  // See above; empty: of no site.
  std::string_view cache;  // HIT, MISS, …; empty: no cache was asked.
  Duration duration{};
  uint64_t bytes = 0;
  int status = 0;
  std::string_view client;         // Its address, without port.
  std::string_view method;         // Empty: nginx could not read the request.
  std::string_view target;         // Without nginx's escapes.
  std::string_view operator_line;  // As nginx wrote it.

  friend bool operator==(const FinishedRequest&, const FinishedRequest&) = default;
};

// What is wrong with a line.
enum class LineFault { kNone, kFields, kEscape, kStatus, kDuration, kBytes };

// One line without its end. `spelled` gets the target, if it had escapes.
LineFault ParseAccessLogLine(std::string_view line, FinishedRequest& request,
                             std::deque<std::string>& spelled);

// Cuts what is read from a growing file into requests. Allocates nothing for a usual line.
class AccessLogReader {
 public:
  // Appends the requests of the complete lines in `bytes`; they are views of `bytes` and of this
  // reader, until the next Read. Returns how many bytes these lines are: the rest is to be given
  // again, with what follows it. A rest beyond kMaxAccessLogLine is dropped up to its line's end.
  size_t Read(std::string_view bytes, std::vector<FinishedRequest>& requests);
  // The file ends here, with so many bytes that are no line.
  void EndFile(uint64_t rest);

  uint64_t broken() const { return broken_; }  // Lines that could not be read.

 private:
  std::deque<std::string> spelled_;  // Targets that had escapes.
  bool too_long_ = false;            // Of a line whose front was dropped.
  uint64_t broken_ = 0;
};

}  // namespace strata::engine
