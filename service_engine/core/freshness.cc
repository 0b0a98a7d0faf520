#include "service_engine/core/freshness.h"

#include <algorithm>

namespace strata::engine {
namespace {

int64_t WholeSeconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

// What an answer is kept that says nothing about it (RFC 9110, section 15.1, and errors for the
// site's negative ttl, so that a broken origin is not asked by everybody).
int64_t DefaultLifetime(int status, const farm::Site& site) {
  switch (status) {
    case 200:
    case 203:
    case 204:
    case 300:
    case 301:
    case 304:
    case 308:
      return WholeSeconds(site.ttl);
    case 400:  // It may be about this client's request alone.
    case 401:
    case 407:
    case 408:
    case 412:
    case 416:
    case 429:
      return 0;
    default:
      return status >= 400 ? WholeSeconds(site.negative_ttl) : 0;
  }
}

// Partial and informational answers are no content of that URI.
bool MayBeKept(int status) { return status >= 200 && status != 206 && status != 304; }

bool Forbids(const HttpFields& fields, const CacheDirectives& directives, bool authorized) {
  if (directives.no_store || directives.no_cache || directives.is_private) return true;
  if (FindField(fields, "Set-Cookie") != nullptr) return true;
  if (HasMember(JoinedField(fields, "Vary"), "*")) return true;
  return authorized && !directives.is_public && !directives.shared_max_age &&
         !directives.must_revalidate;
}

}  // namespace

CacheDirectives ParseCacheControl(std::string_view value) {
  CacheDirectives directives;
  const auto age = [](std::optional<int64_t>& into, std::string_view argument) {
    const int64_t seconds = ParseDeltaSeconds(Trimmed(argument)).value_or(0);
    into = into ? std::min(*into, seconds) : seconds;  // Of two the shorter: nobody is misled.
  };
  ForEachMember(value, [&](std::string_view member) {
    const size_t equals = member.find('=');
    const std::string_view name = Trimmed(member.substr(0, equals));
    const std::string_view argument =
        equals == std::string_view::npos ? std::string_view() : member.substr(equals + 1);
    directives.no_store |= EqualNames(name, "no-store");
    directives.no_cache |= EqualNames(name, "no-cache");
    directives.is_private |= EqualNames(name, "private");
    directives.is_public |= EqualNames(name, "public");
    directives.must_revalidate |=
        EqualNames(name, "must-revalidate") || EqualNames(name, "proxy-revalidate");
    directives.stale_if_error |= EqualNames(name, "stale-if-error");
    if (EqualNames(name, "max-age")) age(directives.max_age, argument);
    if (EqualNames(name, "s-maxage")) age(directives.shared_max_age, argument);
    return true;
  });
  return directives;
}

std::optional<int64_t> StatedLifetime(const HttpFields& fields, const CacheDirectives& directives,
                                      int64_t now) {
  std::optional<int64_t> lifetime =
      directives.shared_max_age ? directives.shared_max_age : directives.max_age;
  if (!lifetime) {
    const std::string* expires = FindField(fields, "Expires");
    if (expires == nullptr) return std::nullopt;
    const std::string* date = FindField(fields, "Date");
    const int64_t from = date == nullptr ? now : ParseHttpDate(*date).value_or(now);
    // "Expires: 0" and the like mean: expired.
    lifetime = ParseHttpDate(*expires).value_or(from) - from;
  }
  const std::string* age = FindField(fields, "Age");
  if (age != nullptr) *lifetime -= ParseDeltaSeconds(*age).value_or(0);
  return std::max<int64_t>(*lifetime, 0);
}

Freshness FreshnessOf(int status, const HttpFields& fields, bool authorized, const farm::Site& site,
                      int64_t now) {
  Freshness freshness;
  freshness.cache_control = JoinedField(fields, "Cache-Control");
  const CacheDirectives directives = ParseCacheControl(freshness.cache_control);
  const bool possible = MayBeKept(status) || status == 304;
  if (!possible || Forbids(fields, directives, authorized)) return freshness;
  freshness.seconds =
      StatedLifetime(fields, directives, now).value_or(DefaultLifetime(status, site));
  const int64_t beyond = WholeSeconds(site.stale_if_error);
  if (freshness.kept() && status < 400 && beyond > 0 && !directives.stale_if_error &&
      !directives.must_revalidate && !directives.shared_max_age) {
    if (!freshness.cache_control.empty()) freshness.cache_control += ", ";
    freshness.cache_control += "stale-if-error=" + std::to_string(beyond);
  }
  return freshness;
}

}  // namespace strata::engine
