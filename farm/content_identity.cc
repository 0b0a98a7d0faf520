#include "farm/content_identity.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <optional>

#include "common/address.h"
#include "common/ascii.h"
#include "common/hex.h"

namespace strata::farm {
namespace {

constexpr size_t kMaxLabelBytes = 63;
constexpr std::string_view kScheme = "http://";
constexpr std::string_view kHexDigits = "0123456789ABCDEF";

// What a byte of a path or query is, as RFC 3986 sees it.
enum CharacterClass : uint8_t {
  kUnreserved = 1,  // Stands for itself, escaped or not.
  kPathReserved = 2,
  kQueryReserved = 4,
  kControl = 8,
};

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes{};
  for (int c = 0; c < 0x20; ++c) classes[static_cast<size_t>(c)] = kControl;
  classes[0x7f] = kControl;
  for (char c = 'a'; c <= 'z'; ++c) classes[static_cast<uint8_t>(c)] = kUnreserved;
  for (char c = 'A'; c <= 'Z'; ++c) classes[static_cast<uint8_t>(c)] = kUnreserved;
  for (char c = '0'; c <= '9'; ++c) classes[static_cast<uint8_t>(c)] = kUnreserved;
  for (const char c : std::string_view("-._~")) classes[static_cast<uint8_t>(c)] = kUnreserved;
  for (const char c : std::string_view("!$&'()*+,;=:@/")) {
    classes[static_cast<uint8_t>(c)] = kPathReserved | kQueryReserved;
  }
  classes['?'] = kQueryReserved;
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

bool Is(char c, uint8_t classes) { return (kClasses[static_cast<uint8_t>(c)] & classes) != 0; }

void AppendEscaped(uint8_t byte, std::string& out) {
  out += '%';
  out += kHexDigits[byte >> 4];
  out += kHexDigits[byte & 15];
}

// Section 3: escapes. `literal` are the classes that need none. `part` names the text in errors.
Status AppendNormalised(std::string_view text, uint8_t literal, const char* part,
                        std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const std::optional<Bytes> byte = FromHex(text.substr(i + 1, 2));
      if (!byte || byte->empty()) {
        return InvalidArgument("%s: no two hexadecimal digits after %% at byte %zu", part, i);
      }
      c = static_cast<char>(byte->front());
      if (c == '\0') return InvalidArgument("%s: an escaped NUL at byte %zu", part, i);
      i += 2;
      if (Is(c, kUnreserved)) {
        out += c;
      } else {
        AppendEscaped(static_cast<uint8_t>(c), out);
      }
      continue;
    }
    if (Is(c, kControl) || c == '#') {
      return InvalidArgument("%s: byte 0x%02x at %zu has to be escaped", part,
                             static_cast<unsigned>(static_cast<uint8_t>(c)), i);
    }
    if (Is(c, literal)) {
      out += c;
    } else {
      AppendEscaped(static_cast<uint8_t>(c), out);
    }
  }
  return Ok();
}

// Section 4: removes the segments "." and ".." of the path that starts at `from` in `out`.
Status RemoveDotSegments(size_t from, std::string& out) {
  size_t write = from;
  for (size_t read = from; read < out.size();) {
    const size_t end = std::min(out.find('/', read + 1), out.size());
    const std::string_view segment = std::string_view(out).substr(read + 1, end - read - 1);
    const bool last = end == out.size();
    if (segment == "." || segment == "..") {
      if (segment == "..") {
        if (write == from) return InvalidArgument("path: \"..\" climbs above the root");
        write = out.rfind('/', write - 1);
      }
      if (last) out[write++] = '/';
    } else {
      std::copy(out.begin() + static_cast<std::ptrdiff_t>(read),
                out.begin() + static_cast<std::ptrdiff_t>(end),
                out.begin() + static_cast<std::ptrdiff_t>(write));
      write += end - read;
    }
    read = end;
  }
  out.resize(write);
  return Ok();
}

std::string_view NameOf(std::string_view parameter) {
  return parameter.substr(0, std::min(parameter.find('='), parameter.size()));
}

bool Keeps(const QueryRules& rules, std::string_view name) {
  const bool listed = std::find(rules.names.begin(), rules.names.end(), name) != rules.names.end();
  switch (rules.keep) {
    case QueryRules::Keep::kAll:
      return true;
    case QueryRules::Keep::kNone:
      return false;
    case QueryRules::Keep::kOnly:
      return listed;
    case QueryRules::Keep::kAllBut:
      return !listed;
  }
  return true;
}

// Section 5: which parameters stay, and in which order.
Status AppendParameters(std::string_view query, const QueryRules& rules, std::string& out) {
  std::vector<std::string_view> parameters;
  size_t seen = 0;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view parameter = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (parameter.empty()) continue;
    if (++seen > kMaxQueryParameters) {
      return InvalidArgument("query: more than %zu parameters", kMaxQueryParameters);
    }
    if (Keeps(rules, NameOf(parameter))) parameters.push_back(parameter);
  }
  if (rules.sorted) {
    std::stable_sort(parameters.begin(), parameters.end(),
                     [](std::string_view a, std::string_view b) { return NameOf(a) < NameOf(b); });
  }
  char separator = '?';
  for (const std::string_view parameter : parameters) {
    out += separator;
    out += parameter;
    separator = '&';
  }
  return Ok();
}

Status AppendQuery(std::string_view query, const QueryRules& rules, std::string& out) {
  if (rules.keep == QueryRules::Keep::kNone || query.empty()) return Ok();
  std::string normalised;
  normalised.reserve(query.size());
  STRATA_RETURN_IF_ERROR(
      AppendNormalised(query, kUnreserved | kQueryReserved, "query", normalised));
  if (rules.keep == QueryRules::Keep::kAll && !rules.sorted) {
    out += '?';
    out += normalised;
    return Ok();
  }
  return AppendParameters(normalised, rules, out);
}

// ---- Hosts, section 2.

Status CheckPort(std::string_view port) {
  unsigned value = 0;
  for (const char c : port) {
    if (c < '0' || c > '9') return InvalidArgument("host: the port is no number");
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > 65535) return InvalidArgument("host: the port is above 65535");
  }
  return Ok();
}

StatusOr<std::string> CanonicalIpv6Host(std::string_view host) {
  const size_t close = host.find(']');
  if (close == std::string_view::npos) return InvalidArgument("host: no ] after [");
  const StatusOr<IpAddress> address = IpAddress::Parse(host.substr(1, close - 1));
  if (!address.ok() || !address->IsV6()) {
    return InvalidArgument("host: no IPv6 address in brackets");
  }
  const std::string_view rest = host.substr(close + 1);
  if (!rest.empty() && rest[0] != ':') return InvalidArgument("host: text after ]");
  if (!rest.empty()) STRATA_RETURN_IF_ERROR(CheckPort(rest.substr(1)));
  return "[" + ToString(*address) + "]";
}

Status CheckLabels(std::string_view host) {
  size_t length = 0;
  for (const char c : host) {
    if (c == '.') {
      if (length == 0) return InvalidArgument("host: an empty label");
      length = 0;
      continue;
    }
    const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!fits) {
      return InvalidArgument("host: byte 0x%02x is not of a host name",
                             static_cast<unsigned>(static_cast<uint8_t>(c)));
    }
    if (++length > kMaxLabelBytes) {
      return InvalidArgument("host: a label of more than %zu bytes", kMaxLabelBytes);
    }
  }
  if (length == 0) return InvalidArgument("host: an empty label");
  return Ok();
}

}  // namespace

StatusOr<std::string> CanonicalHost(std::string_view host) {
  if (host.empty()) return InvalidArgument("host: empty");
  if (host[0] == '[') return CanonicalIpv6Host(host);
  const size_t colon = host.find(':');
  if (colon != std::string_view::npos) {
    STRATA_RETURN_IF_ERROR(CheckPort(host.substr(colon + 1)));
    host = host.substr(0, colon);
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.size() > kMaxHostBytes) {
    return InvalidArgument("host: more than %zu bytes", kMaxHostBytes);
  }
  const std::string canonical = ToLower(host);
  STRATA_RETURN_IF_ERROR(CheckLabels(canonical));
  return canonical;
}

StatusOr<std::string> CanonicalName(std::string_view name) {
  std::string canonical;
  STRATA_RETURN_IF_ERROR(
      AppendNormalised(name, kUnreserved | kQueryReserved, "parameter name", canonical));
  if (canonical.empty() || canonical.find_first_of("&=") != std::string::npos) {
    return InvalidArgument("parameter name: empty, or with & or = in it");
  }
  return canonical;
}

StatusOr<UriParts> SplitUri(std::string_view uri) {
  const size_t colon = uri.find("://");
  if (colon == std::string_view::npos)
    return InvalidArgument("a URI begins with http:// or https://");
  std::string scheme(uri.substr(0, colon));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(), [](char c) { return ToLower(c); });
  if (scheme != "http" && scheme != "https") {
    return InvalidArgument("scheme %s is neither http nor https", scheme.c_str());
  }
  const std::string_view rest = uri.substr(colon + 3);
  const size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  UriParts parts{rest.substr(0, end), rest.substr(end)};
  if (parts.host.find('@') != std::string_view::npos) {
    return InvalidArgument("a user name in front of the host");
  }
  if (parts.target.empty()) parts.target = "/";
  return parts;
}

Status CanonicalUri(std::string_view site_host, std::string_view target, const QueryRules& rules,
                    std::string& out) {
  if (target.size() > kMaxTargetBytes) {
    return InvalidArgument("path and query: more than %zu bytes", kMaxTargetBytes);
  }
  const size_t mark = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, mark);
  out.assign(kScheme);
  out += site_host;
  const size_t from = out.size();
  if (path.empty()) {
    out += '/';
  } else {
    if (path[0] != '/') return InvalidArgument("path: does not begin with /");
    STRATA_RETURN_IF_ERROR(AppendNormalised(path, kUnreserved | kPathReserved, "path", out));
    if (out.find("/.", from) != std::string::npos) {
      STRATA_RETURN_IF_ERROR(RemoveDotSegments(from, out));
    }
  }
  return AppendQuery(target.substr(std::min(mark + 1, target.size())), rules, out);
}

ContentKey KeyOf(std::string_view canonical_uri) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const uint8_t*>(canonical_uri.data()), canonical_uri.size(),
         digest.data());
  ByteReader in(digest);
  return DecodeContentKey(in);
}

}  // namespace strata::farm
