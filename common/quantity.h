#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/status.h"
#include "common/time.h"

namespace strata {

// A decimal number and a unit without a space between: ns, us, ms, s, min, h, d; "0" alone is fine.
// Never negative, exact to the nanosecond. InvalidArgument names the text otherwise.
StatusOr<Duration> ParseDuration(std::string_view text);

// A decimal number and a unit: B, kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB (powers of
// 1024); a whole number alone counts bytes. InvalidArgument names the text otherwise.
StatusOr<uint64_t> ParseByteSize(std::string_view text);

// With the largest unit that needs no fraction: "1500ms", "90s", "64KiB". Parses back to the same,
// a negative duration excepted.
std::string FormatDuration(Duration d);
std::string FormatByteSize(uint64_t bytes);

}  // namespace strata
