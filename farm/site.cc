#include "farm/site.h"

#include <algorithm>
#include <set>

#include "common/hex.h"
#include "common/quantity.h"

namespace strata::farm {
namespace {

constexpr Duration kDay = std::chrono::hours(24);
constexpr Duration kYear = 366 * kDay;
constexpr uint32_t kMaxCopies = 1000;
constexpr size_t kMaxScopeSegments = 4;
constexpr std::string_view kHostPrefix = "/_s/";

// Collects what is wrong.
class Faults {
 public:
  void Add(const std::string& field, const std::string& what) {
    faults_.push_back(field + ": " + what);
  }
  void Require(bool condition, const std::string& field, const std::string& what) {
    if (!condition) Add(field, what);
  }
  // A host that is written as it would be compared.
  void RequireCanonical(const std::string& host, const std::string& field) {
    const StatusOr<std::string> canonical = CanonicalHost(host);
    if (!canonical.ok()) {
      Add(field, "\"" + host + "\": " + MessageOf(canonical.status()));
    } else if (*canonical != host) {
      Add(field, "\"" + host + "\" has to be written " + *canonical);
    }
  }
  void RequireTime(Duration time, Duration least, Duration most, const std::string& field) {
    if (time >= least && time <= most) return;
    Add(field, "is not between " + FormatDuration(least) + " and " + FormatDuration(most));
  }
  std::vector<std::string> Take() { return std::move(faults_); }

 private:
  std::vector<std::string> faults_;
};

void CheckHosts(const Site& site, Faults& faults) {
  faults.Require(!site.hosts.empty(), "hosts", "there has to be one");
  faults.Require(site.hosts.size() <= kMaxSiteHosts, "hosts", "there are more than 32");
  std::set<std::string> seen;
  for (const std::string& host : site.hosts) {
    faults.RequireCanonical(host, "hosts");
    faults.Require(seen.insert(host).second, "hosts", "\"" + host + "\" is there twice");
  }
}

void CheckOrigins(const Site& site, Faults& faults) {
  faults.Require(site.origins.size() <= kMaxOrigins, "origins", "there are more than 16");
  for (size_t i = 0; i < site.origins.size(); ++i) {
    const Origin& origin = site.origins[i];
    const std::string field = "origins[" + std::to_string(i) + "]";
    faults.RequireCanonical(origin.host, field + ".host");
    faults.Require(origin.port != 0, field + ".port", "is 0");
    if (!origin.host_header.empty()) {
      faults.RequireCanonical(origin.host_header, field + ".host_header");
    }
    faults.RequireTime(origin.connect_timeout, std::chrono::milliseconds(100),
                       std::chrono::minutes(10), field + ".connect_timeout");
    faults.RequireTime(origin.read_timeout, std::chrono::milliseconds(100), std::chrono::hours(1),
                       field + ".read_timeout");
  }
}

void CheckQuery(const QueryRules& query, Faults& faults) {
  const bool named =
      query.keep == QueryRules::Keep::kOnly || query.keep == QueryRules::Keep::kAllBut;
  faults.Require(named == !query.names.empty(), "query.names",
                 named ? "there has to be one" : "are for \"only\" and \"all but\"");
  faults.Require(query.names.size() <= kMaxQueryNames, "query.names", "there are more than 32");
  for (const std::string& name : query.names) {
    const StatusOr<std::string> canonical = CanonicalName(name);
    if (name.size() > kMaxSiteText) {
      faults.Add("query.names", "a name is longer than 255 bytes");
    } else if (!canonical.ok()) {
      faults.Add("query.names", "\"" + name + "\": " + MessageOf(canonical.status()));
    } else if (*canonical != name) {
      faults.Add("query.names", "\"" + name + "\" has to be written " + *canonical);
    }
  }
}

// "https://player.example:8443": what browsers send as Origin.
bool IsWebOrigin(std::string_view text) {
  if (text == "*") return true;
  if (text.size() > kMaxSiteText) return false;
  const StatusOr<UriParts> parts = SplitUri(text);
  if (!parts.ok() || text.ends_with('/') || parts->target != "/") return false;
  return CanonicalHost(parts->host).ok();
}

void CheckCors(const Site& site, Faults& faults) {
  faults.Require(site.cors_origins.size() <= kMaxCorsOrigins, "cors_origins",
                 "there are more than 32");
  for (const std::string& origin : site.cors_origins) {
    faults.Require(IsWebOrigin(origin), "cors_origins",
                   "\"" + origin + "\" is neither * nor scheme://host[:port]");
  }
}

// As certificates name them.
bool IsScope(std::string_view path) {
  size_t segments = 0;
  while (true) {
    const size_t slash = path.find('/');
    if (!IsSiteName(path.substr(0, slash)) || ++segments > kMaxScopeSegments) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

void CheckScopes(const Site& site, Faults& faults) {
  faults.Require(site.scopes.size() <= kMaxSiteScopes, "scopes", "there are more than 32");
  std::set<std::string> seen;
  for (const std::string& scope : site.scopes) {
    faults.Require(IsScope(scope), "scopes", "\"" + scope + "\" is no path such as cdn-one/dc-two");
    faults.Require(seen.insert(scope).second, "scopes", "\"" + scope + "\" is there twice");
  }
}

bool Covers(std::string_view outer, std::string_view inner) {
  return inner.starts_with(outer) && (inner.size() == outer.size() || inner[outer.size()] == '/');
}

// ---- Differences.

std::string Text(Duration value) { return FormatDuration(value); }
std::string Text(uint32_t value) { return std::to_string(value); }
std::string Text(Site::Mode mode) { return mode == Site::Mode::kRedirect ? "redirect" : "forward"; }
std::string Text(Site::RedirectForm form) {
  return form == Site::RedirectForm::kHost ? "host" : "path";
}
std::string Text(Site::Choice choice) {
  static constexpr const char* kNames[] = {"as each manager is set", "direct", "delegate"};
  return kNames[static_cast<size_t>(choice)];
}
std::string Text(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text.empty() ? "none" : text;
}
std::string Text(const QueryRules& rules) {
  static constexpr const char* kNames[] = {"all", "none", "only", "all but"};
  std::string text = kNames[static_cast<size_t>(rules.keep)];
  if (!rules.names.empty()) text += " " + Text(rules.names);
  return rules.sorted ? text + ", sorted" : text;
}
std::string Text(const Origin& origin) {
  std::string text = origin.tls ? "https://" : "http://";
  text += origin.host + ":" + std::to_string(origin.port);
  if (origin.tls && !origin.verify) text += " (certificate not verified)";
  if (!origin.host_header.empty()) text += " as " + origin.host_header;
  return text + ", connect " + Text(origin.connect_timeout) + ", read " + Text(origin.read_timeout);
}
std::string Text(const std::map<uint8_t, Bytes>& fields) {
  std::string text;
  for (const auto& [tag, bytes] : fields) {
    text += (text.empty() ? "" : ", ") + std::to_string(tag) + "=" + ToHex(bytes);
  }
  return text.empty() ? "none" : text;
}
std::string Text(const std::vector<Origin>& origins) {
  std::string text;
  for (const Origin& origin : origins) text += (text.empty() ? "" : "; ") + Text(origin);
  return text.empty() ? "none" : text;
}

}  // namespace

bool IsSiteName(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !name.empty() && name.size() <= kMaxSiteName && name.front() != '-' &&
         name.back() != '-' && std::all_of(name.begin(), name.end(), fits);
}

std::vector<std::string> FaultsOf(const Site& site) {
  Faults faults;
  faults.Require(IsSiteName(site.name), "name",
                 "\"" + site.name + "\" is not 1 to 63 of a-z, 0-9 and - inside");
  CheckHosts(site, faults);
  CheckOrigins(site, faults);
  CheckQuery(site.query, faults);
  CheckCors(site, faults);
  CheckScopes(site, faults);
  faults.RequireTime(site.ttl, Duration::zero(), kYear, "ttl");
  faults.RequireTime(site.negative_ttl, Duration::zero(), kDay, "negative_ttl");
  faults.RequireTime(site.stale_if_error, Duration::zero(), kYear, "stale_if_error");
  faults.RequireTime(site.fill_limit, std::chrono::seconds(1), kDay, "fill_limit");
  faults.Require(site.minimum_copies >= 1 && site.minimum_copies <= kMaxCopies, "minimum_copies",
                 "is not between 1 and 1000");
  return faults.Take();
}

std::vector<std::string> DifferencesOf(const Site& before, const Site& after) {
  std::vector<std::string> lines;
  const auto compare = [&lines](const char* field, const auto& old_value, const auto& new_value) {
    if (old_value == new_value) return;
    lines.push_back(std::string(field) + ": " + Text(old_value) + " -> " + Text(new_value));
  };
  compare("hosts", before.hosts, after.hosts);
  compare("origins", before.origins, after.origins);
  compare("query", before.query, after.query);
  compare("ttl", before.ttl, after.ttl);
  compare("negative_ttl", before.negative_ttl, after.negative_ttl);
  compare("stale_if_error", before.stale_if_error, after.stale_if_error);
  compare("mode", before.mode, after.mode);
  compare("redirect_form", before.redirect_form, after.redirect_form);
  compare("minimum_copies", before.minimum_copies, after.minimum_copies);
  compare("fill_limit", before.fill_limit, after.fill_limit);
  compare("cors_origins", before.cors_origins, after.cors_origins);
  compare("choice", before.choice, after.choice);
  compare("fields of a later version", before.later_fields, after.later_fields);
  if (before.scopes != after.scopes) {
    const auto text = [](const Site& site) {
      return site.scopes.empty() ? std::string("all") : Text(site.scopes);
    };
    lines.push_back("scopes: " + text(before) + " -> " + text(after));
  }
  return lines;
}

bool MayHold(const Site& site, std::string_view scope) {
  if (site.scopes.empty()) return true;
  return std::any_of(site.scopes.begin(), site.scopes.end(), [scope](const std::string& path) {
    return Covers(path, scope) || Covers(scope, path);
  });
}

Site ForMembers(Site site) {
  site.scopes.clear();
  return site;
}

std::string RedirectLocation(const Site& site, std::string_view scheme, std::string_view engine,
                             std::string_view host, std::string_view target) {
  std::string location(scheme);
  location += "://";
  location += engine;
  if (site.redirect_form == Site::RedirectForm::kHost) {
    location += '.';
    location += host;
    location += target;
  } else {
    location += PathAtEngine(host, target);
  }
  return location;
}

std::string PathAtEngine(std::string_view host, std::string_view target) {
  std::string path(kHostPrefix);
  path += host;
  path += target;
  return path;
}

std::optional<UriParts> SplitPathAtEngine(std::string_view path) {
  if (!path.starts_with(kHostPrefix)) return std::nullopt;
  path.remove_prefix(kHostPrefix.size());
  const size_t slash = path.find('/');
  if (slash == 0 || slash == std::string_view::npos) return std::nullopt;
  return UriParts{.host = path.substr(0, slash), .target = path.substr(slash)};
}

}  // namespace strata::farm
