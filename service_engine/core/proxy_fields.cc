#include "service_engine/core/proxy_fields.h"

#include <algorithm>
#include <array>

#include "common/ascii.h"

namespace strata::engine {
namespace {

constexpr size_t kLoopMembersMax = 32;

bool StartsWithName(std::string_view name, std::string_view prefix) {
  return name.size() >= prefix.size() && EqualNames(name.substr(0, prefix.size()), prefix);
}

// RFC 9110, section 7.6.1; what Connection names comes on top.
bool IsHopByHop(std::string_view name) {
  constexpr std::array<std::string_view, 10> kNames = {"Connection",
                                                       "Keep-Alive",
                                                       "Proxy-Connection",
                                                       "Proxy-Authenticate",
                                                       "Proxy-Authorization",
                                                       "TE",
                                                       "Transfer-Encoding",
                                                       "Trailer",
                                                       "Upgrade",
                                                       "HTTP2-Settings"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [name](std::string_view known) { return EqualNames(name, known); });
}

HttpFields WithoutHopByHop(const HttpFields& fields) {
  const std::string connection = JoinedField(fields, "Connection");
  HttpFields kept;
  for (const HttpField& field : fields) {
    if (IsHopByHop(field.name) || HasMember(connection, field.name)) continue;
    if (StartsWithName(field.name, "Strata-")) continue;
    kept.push_back(field);
  }
  return kept;
}

// One line instead of all of that name.
void Append(HttpFields& fields, const char* name, const std::string& member) {
  std::string value = JoinedField(fields, name);
  if (!value.empty()) value += ", ";
  RemoveField(fields, name);
  fields.push_back({name, value + member});
}

}  // namespace

bool HasLooped(const HttpFields& request, std::string_view loop_token) {
  const std::string list = JoinedField(request, "CDN-Loop");
  size_t members = 0;
  bool looped = false;
  ForEachMember(list, [&](std::string_view member) {
    looped = ++members > kLoopMembersMax ||
             EqualNames(Trimmed(member.substr(0, member.find(';'))), loop_token);
    return !looped;
  });
  return looped;
}

HttpFields OriginRequestFields(const HttpFields& client, const ProxiedClient& who,
                               const ProxyIdentity& identity) {
  HttpFields fields = WithoutHopByHop(client);
  for (const char* name : {"Host", "Content-Length", "Expect", "X-Real-IP"}) {
    RemoveField(fields, name);
  }
  for (const char* name : {"X-Forwarded-Proto", "X-Forwarded-Host"}) RemoveField(fields, name);
  Append(fields, "X-Forwarded-For", who.address);
  fields.push_back({"X-Forwarded-Proto", who.scheme});
  if (!who.host.empty()) fields.push_back({"X-Forwarded-Host", who.host});
  Append(fields, "Via", "1.1 " + identity.name);
  Append(fields, "CDN-Loop", identity.loop_token);
  return fields;
}

void MakeWhole(HttpFields& request, bool keep_conditions) {
  for (const char* name : {"Range", "If-Range", "If-Match", "If-Unmodified-Since"}) {
    RemoveField(request, name);
  }
  if (keep_conditions) return;
  RemoveField(request, "If-None-Match");
  RemoveField(request, "If-Modified-Since");
}

HttpFields AnswerFields(const HttpFields& origin) {
  HttpFields fields = WithoutHopByHop(origin);
  std::erase_if(fields, [](const HttpField& field) {
    return StartsWithName(field.name, "X-Accel-") || EqualNames(field.name, "Content-Length");
  });
  return fields;
}

std::vector<std::string> VaryNames(const HttpFields& answer) {
  std::vector<std::string> names;
  ForEachMember(JoinedField(answer, "Vary"), [&names](std::string_view member) {
    std::string name(member);
    std::transform(name.begin(), name.end(), name.begin(), [](char c) { return ToLower(c); });
    names.push_back(std::move(name));
    return true;
  });
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

bool Agree(const HttpFields& one, const HttpFields& other, const std::vector<std::string>& names) {
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return name != "*" && JoinedField(one, name) == JoinedField(other, name);
  });
}

std::string HostFor(const farm::Site& site, const farm::Origin& origin) {
  if (!origin.host_header.empty()) return origin.host_header;
  return site.hosts.empty() ? origin.host : site.hosts.front();
}

}  // namespace strata::engine
