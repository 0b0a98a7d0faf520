#pragma once

#include <cstdint>

namespace strata::cli {

// What the command ends with; README.md is the reference.
enum class ExitCode : uint8_t {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,
  kNotComplete = 3,  // It was done, but not everywhere; a comparison found a difference.
  kUnreachable = 4,  // No manager answered, or it can do nothing at the moment.
  kRefused = 5,      // The certificate, or what its role may do.
};

}  // namespace strata::cli
