#include "service_engine/adapters/nginx/log_rotation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

namespace strata::engine {

Status RotateLog(const std::string& path, uint32_t kept) {
  const auto older = [&path](uint32_t n) { return path + "." + std::to_string(n); };
  unlink(older(kept).c_str());
  for (uint32_t n = kept; n > 1; --n) rename(older(n - 1).c_str(), older(n).c_str());
  const int done = kept == 0 ? unlink(path.c_str()) : rename(path.c_str(), older(1).c_str());
  if (done == 0) return Ok();
  return Unavailable("rotate %s: %s", path.c_str(), strerror(errno));
}

}  // namespace strata::engine
