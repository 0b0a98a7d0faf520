#include "common/quantity.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>

namespace strata {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr size_t kQuotedMax = 80;
// As many as 2^64 has, and few enough for a product with any factor to fit a Wide.
constexpr size_t kDigitsMax = 20;
constexpr size_t kFractionDigitsMax = 15;

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr Unit kDurationUnits[] = {
    {"d", 86'400'000'000'000},
    {"h", 3'600'000'000'000},
    {"min", 60'000'000'000},
    {"s", 1'000'000'000},
    {"ms", 1'000'000},
    {"us", 1'000},
    {"ns", 1},
};

constexpr Unit kByteUnits[] = {
    {"TiB", uint64_t{1} << 40},
    {"GiB", uint64_t{1} << 30},
    {"MiB", uint64_t{1} << 20},
    {"KiB", uint64_t{1} << 10},
    {"TB", 1'000'000'000'000},
    {"GB", 1'000'000'000},
    {"MB", 1'000'000},
    {"kB", 1'000},
    {"B", 1},
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes the digits off the front of `text`; nothing if there are none or more than `digits_max`.
std::optional<std::string_view> TakeDigits(std::string_view& text, size_t digits_max) {
  const auto end = std::find_if_not(text.begin(), text.end(), IsDigit);
  const std::string_view digits = text.substr(0, static_cast<size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  if (digits.empty() || digits.size() > digits_max) return std::nullopt;
  return digits;
}

Wide NumberOf(std::string_view digits) {
  Wide number = 0;
  for (const char c : digits) number = number * 10 + static_cast<unsigned>(c - '0');
  return number;
}

// `whole`.`fraction` times `factor`, if that is a whole number that fits 64 bits.
std::optional<uint64_t> Scale(std::string_view whole, std::string_view fraction, uint64_t factor) {
  Wide divisor = 1;
  for (size_t i = 0; i < fraction.size(); ++i) divisor *= 10;
  const Wide part = NumberOf(fraction) * factor;
  if (part % divisor != 0) return std::nullopt;
  const Wide result = NumberOf(whole) * factor + part / divisor;
  if (result > std::numeric_limits<uint64_t>::max()) return std::nullopt;
  return static_cast<uint64_t>(result);
}

struct Number {
  std::string_view whole;
  std::string_view fraction;
};

// Takes "12" or "12.5" off the front of `text`.
std::optional<Number> TakeNumber(std::string_view& text) {
  const std::optional<std::string_view> whole = TakeDigits(text, kDigitsMax);
  if (!whole) return std::nullopt;
  if (!text.starts_with('.')) return Number{*whole, {}};
  text.remove_prefix(1);
  const std::optional<std::string_view> fraction = TakeDigits(text, kFractionDigitsMax);
  if (!fraction) return std::nullopt;
  return Number{*whole, *fraction};
}

std::optional<uint64_t> ParseQuantity(std::string_view text, std::span<const Unit> units) {
  const std::optional<Number> number = TakeNumber(text);
  if (!number) return std::nullopt;
  for (const Unit& unit : units) {
    if (text == unit.name) return Scale(number->whole, number->fraction, unit.factor);
  }
  return std::nullopt;
}

std::string FormatQuantity(uint64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) {
      return std::to_string(value / unit.factor) + std::string(unit.name);
    }
  }
  return "0" + std::string(units.back().name);
}

Status NotA(const char* what, std::string_view text) {
  const int size = static_cast<int>(std::min(text.size(), kQuotedMax));
  return InvalidArgument("\"%.*s\" is not %s", size, text.data(), what);
}

}  // namespace

StatusOr<Duration> ParseDuration(std::string_view text) {
  if (text == "0") return Duration::zero();
  const std::optional<uint64_t> nanos = ParseQuantity(text, kDurationUnits);
  if (!nanos || *nanos > static_cast<uint64_t>(Duration::max().count())) {
    return NotA("a duration such as 200us, 1.5s or 10min", text);
  }
  return Duration(static_cast<int64_t>(*nanos));
}

StatusOr<uint64_t> ParseByteSize(std::string_view text) {
  const bool bare = std::all_of(text.begin(), text.end(), IsDigit);
  const std::string with_unit = std::string(text) + (bare ? "B" : "");
  const std::optional<uint64_t> bytes = ParseQuantity(with_unit, kByteUnits);
  if (!bytes) return NotA("a size such as 512B, 64KiB or 1.5GiB", text);
  return *bytes;
}

std::string FormatDuration(Duration d) {
  const uint64_t size =
      d.count() < 0 ? 0 - static_cast<uint64_t>(d.count()) : static_cast<uint64_t>(d.count());
  return (d.count() < 0 ? "-" : "") + FormatQuantity(size, kDurationUnits);
}

std::string FormatByteSize(uint64_t bytes) {
  // Powers of 1000 are read but not written: one size, one spelling.
  constexpr Unit kWritten[] = {kByteUnits[0], kByteUnits[1], kByteUnits[2], kByteUnits[3],
                               kByteUnits[8]};
  return FormatQuantity(bytes, kWritten);
}

}  // namespace strata
