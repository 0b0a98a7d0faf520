#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/topology/rendering.h"
#include "common/status.h"

namespace strata::cli::topology {

// A certificate is made anew if the one that is there expires within this time.
inline constexpr int64_t kCertificateLeftMin_s = 30 * 86400;
inline constexpr size_t kDifferencesTold = 20;

struct Written {
  size_t files_written = 0;
  size_t files_kept = 0;  // They were there, and the same.
  size_t certificates_issued = 0;
  size_t certificates_kept = 0;
  std::vector<std::string> strangers;  // Folders of processes that the topology does not have.
};

// Writes a rendering into a folder, which is made if need be, and the certificates that are
// missing, expired, revoked or another's. FailedPrecondition, naming them, if files of settings are
// there with another content and `force` was not said: then nothing is written. Every other error
// names the file. Running it again goes on where an error stopped it. `now_s`: seconds since 1970.
StatusOr<Written> WriteRendering(const Rendering& rendering, const std::string& folder, bool force,
                                 int64_t now_s);

}  // namespace strata::cli::topology
