#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"

namespace strata::engine {

// One header line. Names are compared without regard to letter case.
struct HttpField {
  std::string name;
  std::string value;

  friend bool operator==(const HttpField&, const HttpField&) = default;
};
using HttpFields = std::vector<HttpField>;

bool EqualNames(std::string_view a, std::string_view b);
// Without the spaces and tabs around it.
std::string_view Trimmed(std::string_view text);

// The first value, or null.
const std::string* FindField(const HttpFields& fields, std::string_view name);
// All values with ", " between them (RFC 9110, section 5.3); empty if there is none.
std::string JoinedField(const HttpFields& fields, std::string_view name);
void RemoveField(HttpFields& fields, std::string_view name);

// Calls `each` with the members of a comma-separated list (RFC 9110, section 5.6.1), trimmed, the
// empty ones left out; a comma within quotes separates nothing. Ends early when `each` says false.
void ForEachMember(std::string_view list, absl::FunctionRef<bool(std::string_view)> each);
// Whether a token is in the list, whatever its case.
bool HasMember(std::string_view list, std::string_view token);

// Seconds since 1970 of an HTTP date in any of the three formats of RFC 9110, section 5.6.7.
// Nothing if it is none. Two-digit years are of 1970 to 2069.
std::optional<int64_t> ParseHttpDate(std::string_view text);

// A number of seconds as directives have it: digits, cut to 2^31 (RFC 9111, section 1.2.2).
std::optional<int64_t> ParseDeltaSeconds(std::string_view text);

}  // namespace strata::engine
