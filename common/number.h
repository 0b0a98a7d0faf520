#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace strata {

// All of `text` as a number of that type, in ASCII digits; integers of any base, a minus where the
// type has one. Nothing for everything else: empty, blanks, a plus, a rest, out of range.
template <class Number>
requires(std::is_arithmetic_v<Number> &&
         !std::same_as<Number, bool>) std::optional<Number> ParseNumber(std::string_view text,
                                                                        int base = 10) {
  Number number{};
  const char* const end = text.data() + text.size();
  std::from_chars_result result{};
  if constexpr (std::is_integral_v<Number>) {
    result = std::from_chars(text.data(), end, number, base);
  } else {
    result = std::from_chars(text.data(), end, number);
  }
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

}  // namespace strata
