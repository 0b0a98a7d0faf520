#include "cli/readable.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace strata::cli {
namespace {

// With one digit behind the point where it has only one before it.
std::string Scaled(double value, double step, const std::array<const char*, 5>& units) {
  size_t unit = 0;
  while (value >= step && unit + 1 < units.size()) {
    value /= step;
    ++unit;
  }
  char text[64];
  const int digits = unit == 0 || value >= 9.95 ? 0 : 1;
  std::snprintf(text, sizeof text, "%.*f %s", digits, value, units[unit]);
  return text;
}

}  // namespace

std::string ReadableBytes(uint64_t bytes) {
  return Scaled(static_cast<double>(bytes), 1024, {"B", "KiB", "MiB", "GiB", "TiB"});
}

std::string ReadableRate(uint64_t bits_per_second) {
  return Scaled(static_cast<double>(bits_per_second), 1000,
                {"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"});
}

std::string ReadableCount(uint64_t count) {
  std::string digits = std::to_string(count);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string ReadableShare(double share) {
  char text[64];
  if (!std::isfinite(share)) return "?";
  std::snprintf(text, sizeof text, "%.0f %%", std::clamp(share, 0.0, 1e6) * 100);
  return text;
}

std::string ReadableSeconds(double seconds) {
  char text[64];
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  if (seconds < 10) {
    std::snprintf(text, sizeof text, "%.1f s", seconds);
  } else if (seconds < 120) {
    std::snprintf(text, sizeof text, "%.0f s", seconds);
  } else if (seconds < 7200) {
    std::snprintf(text, sizeof text, "%.0f min", seconds / 60);
  } else if (seconds < 172800) {
    std::snprintf(text, sizeof text, "%.0f h", seconds / 3600);
  } else {
    std::snprintf(text, sizeof text, "%.0f d", seconds / 86400);
  }
  return text;
}

std::string ReadableMicros(uint64_t micros) {
  const double millis = static_cast<double>(micros) / 1e3;
  if (millis >= 1000) return ReadableSeconds(millis / 1e3);
  char text[64];
  std::snprintf(text, sizeof text, millis < 9.995 ? "%.2f ms" : "%.0f ms", millis);
  return text;
}

std::string ReadableUse(uint64_t used, uint64_t total) {
  if (total == 0) return ReadableBytes(used);
  return ReadableBytes(used) + " of " + ReadableBytes(total);
}

std::string ReadableTime(int64_t unix_ms) {
  namespace chrono = std::chrono;
  const chrono::sys_time<chrono::milliseconds> instant{chrono::milliseconds(unix_ms)};
  const auto day = chrono::floor<chrono::days>(instant);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss time(instant - day);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d", int{date.year()},
                unsigned{date.month()}, unsigned{date.day()},
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text;
}

std::string Counted(uint64_t count, std::string_view one, std::string_view many) {
  return ReadableCount(count) + " " + std::string(count == 1 ? one : many);
}

}  // namespace strata::cli
