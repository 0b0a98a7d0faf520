#pragma once

#include <chrono>
#include <cstddef>

#include "common/time.h"

namespace strata::manager::address {

inline constexpr size_t kAddressesMax = 16;
inline constexpr size_t kNetlinkReplyBytes = 8192;
inline constexpr Duration kNetlinkWait = std::chrono::seconds(1);  // For the kernel's answer.

}  // namespace strata::manager::address
