#pragma once

#include <cstddef>
#include <string>

#include "common/status.h"

namespace strata {

// The content of a regular file of at most `bytes_max` bytes. Every failure names the path:
// NotFound, PermissionDenied, FailedPrecondition (not a regular file), ResourceExhausted (too big),
// Unavailable (anything else the system says). Never waits for another process, also on a pipe or a
// device.
StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max);

}  // namespace strata
