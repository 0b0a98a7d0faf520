#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/status.h"

// Who somebody is: what a certificate says in its URI name strata://SCOPE/ROLE/NAME, such as
// strata://cdn-one/dc-two/lan-a/engine/north-1.

namespace strata::tls {

inline constexpr size_t kScopeSegmentsMax = 4;
inline constexpr size_t kScopeSegmentBytesMax = 63;
inline constexpr size_t kNameBytesMax = 32;

enum class Role : uint8_t {
  kManager,
  kEngine,
  kOperator,  // May change everything.
  kViewer,    // May look.
  kWitness,   // Votes in a farm.
};

// "manager", "engine", "operator", "viewer", "witness"; InvalidArgument names the text otherwise.
StatusOr<Role> ParseRole(std::string_view text);
const char* ToString(Role role);

struct Identity {
  Role role = Role::kViewer;
  std::string scope;  // cdn-one/dc-two/lan-a
  std::string name;   // Unique among those of one scope and role.

  // Of the certificate that says so: which one it is, and when it is valid (seconds since 1970).
  std::string serial;  // Upper-case hexadecimal digits.
  std::string issuer;  // RFC 2253.
  int64_t not_before_s = 0;
  int64_t not_after_s = 0;

  friend bool operator==(const Identity&, const Identity&) = default;
};

// "engine north-1 of cdn-one/dc-two/lan-a", for people.
std::string ToString(const Identity& identity);

// The URI, and back: role, scope and name are filled in. InvalidArgument says what is wrong.
std::string IdentityUri(const Identity& identity);
StatusOr<Identity> ParseIdentityUri(std::string_view uri);

// 1 to 4 segments of a-z 0-9 -, with / between; and 1 to 32 of a-z 0-9 - . for a name, which begins
// and ends with a letter or digit, as segments do.
Status CheckScope(std::string_view scope);
Status CheckName(std::string_view name);

// Whether `inner` is `outer` or lies below it.
bool ScopeCovers(std::string_view outer, std::string_view inner);

}  // namespace strata::tls
