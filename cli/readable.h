#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Numbers as people read them. Pure.

namespace strata::cli {

std::string ReadableBytes(uint64_t bytes);           // "512 B", "1.5 GiB"
std::string ReadableRate(uint64_t bits_per_second);  // "0 bit/s", "950 Mbit/s"
std::string ReadableCount(uint64_t count);           // "1,234,567"
std::string ReadableShare(double share);             // "42 %"
std::string ReadableSeconds(double seconds);         // "0.3 s", "5 min", "3 h", "12 d"
std::string ReadableMicros(uint64_t micros);         // "0.42 ms", "12 ms", "1.5 s"
// "1.5 GiB of 4.0 GiB"; without the second where `total` is 0.
std::string ReadableUse(uint64_t used, uint64_t total);
std::string ReadableTime(int64_t unix_ms);  // "2026-11-20 18:04:05", UTC.

// The word, or its plural if `count` is not 1: "3 copies" of (3, "copy", "copies").
std::string Counted(uint64_t count, std::string_view one, std::string_view many);

}  // namespace strata::cli
