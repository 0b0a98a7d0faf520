#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/status.h"

namespace strata::engine::app {

// Up to which position of each site's purge log this engine has come, in a file. What is not there
// was never purged here. One thread.
class PurgePositions {
 public:
  // A missing file is an empty one. DataLoss, naming the line, if it cannot be read: then nobody
  // knows what was purged, and the cache has to go.
  static StatusOr<PurgePositions> Open(const std::string& path);

  uint64_t Of(const std::string& site) const;
  // Durable when it returns.
  Status Set(const std::string& site, uint64_t position);
  Status Forget(const std::string& site);

 private:
  explicit PurgePositions(std::string path) : path_(std::move(path)) {}

  Status Save() const;

  std::string path_;
  std::map<std::string, uint64_t> positions_;
};

}  // namespace strata::engine::app
