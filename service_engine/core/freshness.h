#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "farm/site.h"
#include "service_engine/core/http_fields.h"

namespace strata::engine {

// What the Cache-Control of an answer says to a shared cache (RFC 9111, section 5.2.2).
struct CacheDirectives {
  bool no_store = false;
  bool no_cache = false;
  bool is_private = false;
  bool is_public = false;
  bool must_revalidate = false;    // Also by proxy-revalidate.
  bool stale_if_error = false;     // It says something of that itself.
  std::optional<int64_t> max_age;  // Seconds; 0 where it cannot be read.
  std::optional<int64_t> shared_max_age;
};
CacheDirectives ParseCacheControl(std::string_view value);

// How long an answer is kept: section 4 of docs/protocols/agent.md.
struct Freshness {
  // For X-Accel-Expires: seconds; 0: not kept, and nobody shares it.
  int64_t seconds = 0;
  // What stands in the answer; empty: none.
  std::string cache_control;

  bool kept() const { return seconds > 0; }
  friend bool operator==(const Freshness&, const Freshness&) = default;
};

// Of an origin's answer; `authorized`: the request carried Authorization. `now`: wall clock,
// seconds since 1970.
Freshness FreshnessOf(int status, const HttpFields& fields, bool authorized, const farm::Site& site,
                      int64_t now);

// The stated lifetime of an answer, less its Age; nothing if it states none. 0: stale already.
std::optional<int64_t> StatedLifetime(const HttpFields& fields, const CacheDirectives& directives,
                                      int64_t now);

}  // namespace strata::engine
