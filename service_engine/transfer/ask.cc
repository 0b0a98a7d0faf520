#include "service_engine/transfer/ask.h"

#include <algorithm>
#include <charconv>

#include "farm/content_identity.h"
#include "service_engine/core/proxy_fields.h"

namespace strata::engine::transfer {
namespace {

constexpr std::string_view kScheme = "http://";

Refusal BadRequest(std::string reason) { return {400, std::move(reason)}; }

// The host that a redirect names: the client's, if it is one of the site's.
std::string HostOf(const farm::Site& site, std::string_view host) {
  const StatusOr<std::string> canonical = farm::CanonicalHost(host);
  const bool known = canonical.ok() && std::find(site.hosts.begin(), site.hosts.end(),
                                                 *canonical) != site.hosts.end();
  return known ? *canonical : site.hosts.front();
}

MissMethod MethodOf(std::string_view method) {
  if (method == "GET") return MissMethod::kGet;
  return method == "HEAD" ? MissMethod::kHead : MissMethod::kOther;
}

bool ReadNumber(std::string_view text, FetchNumber& number) {
  if (text.empty()) return true;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

void ReadTried(std::string_view list, std::vector<std::string>& tried) {
  ForEachMember(list, [&tried](std::string_view member) {
    tried.emplace_back(member);
    return tried.size() < kMaxTriedPeers;
  });
}

}  // namespace

Refusal ReadAsk(const NginxRequest& request, AgentTable& table, Ask& ask) {
  const std::string_view host = request.Field("Strata-Site");
  const std::string_view target = request.Field("Strata-Target");
  const auto form = ParseMissForm(request.Field("Strata-Form"));
  const StatusOr<IpAddress> client = IpAddress::Parse(request.Field("Strata-Client"));
  if (host.empty() || target.empty() || !form || !client.ok()) {
    return BadRequest("Strata-Site, -Target, -Form or -Client is missing or wrong");
  }
  if (!ReadNumber(request.Field("Strata-Fill"), ask.fetch)) {
    return BadRequest("Strata-Fill is no number");
  }
  ask.site = table.SiteOfHost(host);
  if (ask.site == nullptr || ask.site->hosts.empty()) return {404, "no site has this host"};
  const std::string& first_host = ask.site->hosts.front();
  const Status canonical =
      farm::CanonicalUri(first_host, target, ask.site->query, ask.canonical_uri);
  if (!canonical.ok()) return BadRequest(MessageOf(canonical));
  ask.key = farm::KeyOf(ask.canonical_uri);
  ask.origin_target = ask.canonical_uri.substr(kScheme.size() + first_host.size());
  ask.canonical = ask.origin_target == target;
  MissQuestion& question = ask.question;
  question.form = *form;
  question.method = MethodOf(request.method);
  question.client = client->Unmapped();
  question.scheme = request.Field("Strata-Scheme") == "https" ? "https" : "http";
  question.host = HostOf(*ask.site, request.Field("Strata-Host"));
  question.target = std::string(target);
  question.web_origin = std::string(request.Field("Origin"));
  ReadTried(request.Field("Strata-Tried"), question.tried);
  return {};
}

bool HasExpiredCopy(const NginxRequest& request) {
  const std::string_view cached = request.Field("Strata-Cached");
  return cached == "EXPIRED" || cached == "STALE" || cached == "UPDATING";
}

FetchOrder OrderOf(const NginxRequest& request, const Ask& ask, const ProxyIdentity& identity) {
  FetchOrder order;
  order.site = ask.site;
  order.key = ask.key;
  order.target = ask.origin_target;
  order.request = request.fields;
  const ProxiedClient who{.address = ToString(ask.question.client),
                          .scheme = ask.question.scheme,
                          .host = std::string(request.Field("Strata-Host"))};
  order.to_origin = OriginRequestFields(request.fields, who, identity);
  order.authorized = FindField(request.fields, "Authorization") != nullptr;
  return order;
}

}  // namespace strata::engine::transfer
