#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "common/metrics.h"
#include "common/unique_fd.h"
#include "service_engine/adapters/nginx/log_rotation.h"

namespace strata::engine {

// The operator's log of each site: FOLDER/SITE.access.log, rotated. He may move a file away
// himself: the next line is in a new one. A site without requests costs nothing, and one that is
// removed keeps what it has. One thread.
class OperatorLogs {
 public:
  OperatorLogs(std::string folder, const LogLimits& limits, MetricRegistry& metrics);

  // A `site` that is no name of a site has no log; the line is counted as lost.
  void Add(std::string_view site, std::string_view line);
  // Writes what was added since. Lines that a full disk does not take are gone, and counted.
  void Flush();

 private:
  struct Log {
    std::string lines;  // Not written yet.
    UniqueFd file;
    uint64_t inode = 0;
    uint64_t size = 0;
    bool cut = false;  // Half a line is its last.
  };

  std::string PathOf(std::string_view site) const;
  // The file that has the name now.
  bool Open(const std::string& path, Log& log);
  void Write(const std::string& path, Log& log);

  const std::string folder_;
  const LogLimits limits_;
  Counter& failures_;
  Counter& rotations_;
  std::map<std::string, Log, std::less<>> logs_;  // By site.
};

}  // namespace strata::engine
