#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"
#include "farm/content_key.h"

namespace strata::farm {

// What makes two requests name the same content: docs/protocols/content_identity.md, which these
// functions follow section by section. Pure; any thread. Errors are InvalidArgument and say which
// part is wrong and why; `out` is then unspecified.

inline constexpr size_t kMaxHostBytes = 253;
inline constexpr size_t kMaxTargetBytes = 8192;  // Path and query as the client sent them.
// Escapes make it longer: each byte may become three.
inline constexpr size_t kMaxCanonicalUriBytes = 7 + kMaxHostBytes + 3 * kMaxTargetBytes;
inline constexpr size_t kMaxQueryParameters = 256;
inline constexpr size_t kMaxQueryNames = 64;  // In a site's rules.

// How the query takes part in the identity of a site's contents.
struct QueryRules {
  enum class Keep : uint8_t { kAll, kNone, kOnly, kAllBut };

  Keep keep = Keep::kAll;
  std::vector<std::string> names;  // Of kOnly and kAllBut, as CanonicalName gives them.
  bool sorted = false;             // Parameters by name, instead of as they came.

  friend bool operator==(const QueryRules&, const QueryRules&) = default;
};

// A URI of `http` or `https` as somebody types it, cut in two. The views are into the text.
struct UriParts {
  std::string_view host;    // With port, if there is one.
  std::string_view target;  // From the first slash; "/" if there is none.
};
StatusOr<UriParts> SplitUri(std::string_view uri);

// The host of a request (a Host header or an authority) as sites write it: lower case, without port
// and final dot; IPv6 addresses in brackets and RFC 5952's form.
StatusOr<std::string> CanonicalHost(std::string_view host);

// A parameter's name as it stands in canonical URIs.
StatusOr<std::string> CanonicalName(std::string_view name);

// Sets `out` to the canonical URI of a request at a site whose first host is `site_host` (as
// CanonicalHost gives it), for `target`, a path and perhaps a query.
Status CanonicalUri(std::string_view site_host, std::string_view target, const QueryRules& rules,
                    std::string& out);

// The key of a canonical URI.
ContentKey KeyOf(std::string_view canonical_uri);

}  // namespace strata::farm
