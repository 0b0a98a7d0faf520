#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/status.h"

namespace strata::engine::app {

// Up to which position of each site's purge log this engine has come, in a file. What is not there
// was never purged here. The file may be behind: what is between is purged again after a restart,
// before the engine serves, which is right also where a power loss brought files back. It must
// never be ahead of what was removed. One thread.
class PurgePositions {
 public:
  // A missing file is an empty one. DataLoss, naming the line, if it cannot be read: then nobody
  // knows what was purged, and the cache has to go.
  static StatusOr<PurgePositions> Open(const std::string& path);

  uint64_t Of(const std::string& site) const;
  const std::map<std::string, uint64_t>& all() const { return positions_; }
  // Of what was removed already; Save() brings it to disk.
  void Set(const std::string& site, uint64_t position);
  // Durable when it returns: a later site of this name begins anew.
  Status Forget(const std::string& site);
  Status Save();
  bool saved() const { return saved_; }

 private:
  explicit PurgePositions(std::string path) : path_(std::move(path)) {}

  std::string path_;
  bool saved_ = true;
  std::map<std::string, uint64_t> positions_;
};

}  // namespace strata::engine::app
