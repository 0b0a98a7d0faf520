#pragma once

#include <chrono>
#include <cstdint>

// The system's clock, since 1970: for what people read, and for what others say in that time, such
// as certificates and the times of files. It jumps: order and timeouts have Timestamp. Any thread.
namespace strata {

inline int64_t WallClockNanos() {
  return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}
inline int64_t WallClockMillis() { return WallClockNanos() / 1'000'000; }
inline int64_t WallClockSeconds() { return WallClockNanos() / 1'000'000'000; }

}  // namespace strata
