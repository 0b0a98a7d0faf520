#pragma once

#include <cstdint>
#include <string>

#include "common/status.h"

namespace strata::engine {

// How much of a log is kept: the file, and so many older ones beside it.
struct LogLimits {
  uint64_t bytes_max = 0;  // A file is rotated beyond.
  uint32_t kept = 0;       // FILE.1 is the newest of the older ones.
};

// Renames FILE.1 to FILE.2 and so on, then FILE to FILE.1; what is beyond `kept` is deleted.
// Whoever writes FILE goes on writing FILE.1 until he opens it anew. Unavailable if FILE stays.
Status RotateLog(const std::string& path, uint32_t kept);

}  // namespace strata::engine
