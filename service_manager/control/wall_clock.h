#pragma once

#include <chrono>
#include <cstdint>

namespace strata::manager::control {

// Milliseconds since 1970, for what people read: order never depends on it.
inline int64_t WallClockMillis() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace strata::manager::control
