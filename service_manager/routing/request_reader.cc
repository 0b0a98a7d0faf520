#include "service_manager/routing/request_reader.h"

#include <algorithm>
#include <utility>

#include "farm/content_identity.h"

namespace strata::manager::routing {
namespace {

constexpr std::string_view kExplainParameter = "strata=explain";

Cors CorsOf(const farm::Site& site, std::string_view origin) {
  Cors cors;
  for (const std::string& allowed : site.cors_origins) {
    if (allowed == "*") return {.allow_origin = "*", .vary = false};
    cors.vary = true;
    if (allowed == origin) cors.allow_origin = origin;
  }
  return cors;
}

void Clear(Decision& decision) {
  decision.site = nullptr;
  decision.cors = {};
  decision.host = {};
  decision.uri = {};
  decision.held = false;
  decision.location.clear();
  decision.engines.clear();
}

// Whether one of the query's parameters is `strata=explain`; `out` is then the target without it.
bool TakeExplain(std::string_view target, std::string& out) {
  const size_t mark = target.find('?');
  if (mark == std::string_view::npos) return false;
  bool found = false;
  out.assign(target.substr(0, mark));
  char separator = '?';
  for (size_t at = mark + 1; at <= target.size();) {
    const size_t end = std::min(target.find('&', at), target.size());
    const std::string_view parameter = target.substr(at, end - at);
    at = end + 1;
    if (parameter == kExplainParameter) {
      found = true;
      continue;
    }
    out += std::exchange(separator, '&');
    out += parameter;
  }
  return found;
}

}  // namespace

std::optional<Outcome> RequestReader::Read(const SitesByHost& sites, Request& request,
                                           Decision& decision) {
  Clear(decision);
  explain_ = false;
  const auto bad = [&decision](Status problem) {
    decision.problem = std::move(problem);
    return Outcome::kBadRequest;
  };
  if (request.method == Method::kOptions && request.target == "*") return Outcome::kPreflight;
  if (Status target = ReadTarget(sites, request); !target.ok()) return bad(std::move(target));
  if (Status host = ReadHost(sites, request.host, decision); !host.ok()) {
    return bad(std::move(host));
  }
  if (decision.site == nullptr) return Outcome::kNoSite;
  decision.cors = CorsOf(*decision.site, request.origin);
  if (request.method == Method::kOptions && request.preflight) return Outcome::kPreflight;
  if (Status content = ReadContent(request, decision); !content.ok()) {
    return bad(std::move(content));
  }
  return std::nullopt;
}

Status RequestReader::ReadTarget(const SitesByHost& sites, Request& request) {
  if (!request.target.starts_with('/')) {
    const StatusOr<farm::UriParts> parts = farm::SplitUri(request.target);
    if (!parts.ok()) return InvalidArgument("target: neither a path nor a URI");
    request.host = parts->host;
    request.target = parts->target;
    if (request.target.starts_with('?')) {
      absolute_target_ = "/";
      absolute_target_ += request.target;
      request.target = absolute_target_;
    }
  }
  const std::optional<farm::UriParts> parts = farm::SplitPathAtEngine(request.target);
  if (!parts) return Ok();
  const StatusOr<std::string> host = farm::CanonicalHost(parts->host);
  // Else it is a path like any other.
  if (host.ok() && sites.Find(*host) != nullptr) {
    request.host = parts->host;
    request.target = parts->target;
  }
  return Ok();
}

Status RequestReader::ReadHost(const SitesByHost& sites, std::string_view host,
                               Decision& decision) {
  // Nearly always it comes in its canonical form.
  decision.host = host;
  decision.site = sites.Find(host);
  if (decision.site != nullptr) return Ok();
  STRATA_ASSIGN_OR_RETURN(canonical_host_, farm::CanonicalHost(host));
  decision.host = canonical_host_;
  decision.site = sites.Find(canonical_host_);
  return Ok();
}

Status RequestReader::ReadContent(Request& request, Decision& decision) {
  explain_ = request.may_explain && TakeExplain(request.target, target_);
  if (explain_) request.target = target_;
  const farm::Site& site = *decision.site;
  STRATA_RETURN_IF_ERROR(farm::CanonicalUri(site.hosts[0], request.target, site.query, uri_));
  decision.uri = uri_;
  decision.key = farm::KeyOf(uri_);
  return Ok();
}

}  // namespace strata::manager::routing
