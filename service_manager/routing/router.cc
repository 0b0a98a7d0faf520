#include "service_manager/routing/router.h"

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

const Decision& Router::Decide(const RoutingSnapshot& snapshot, const Request& request,
                               Lookup lookup) {
  decision_.site = nullptr;
  decision_.cors = {};
  decision_.host = {};
  decision_.location.clear();
  decision_.engines.clear();
  decision_.outcome = Judge(snapshot, request, lookup);
  return decision_;
}

Outcome Router::Judge(const RoutingSnapshot& snapshot, Request request, Lookup lookup) {
  if (request.method == Method::kOptions && request.target == "*") return Outcome::kPreflight;
  if (!request.target.starts_with('/')) {
    const StatusOr<farm::UriParts> parts = farm::SplitUri(request.target);
    if (!parts.ok()) return BadRequest(InvalidArgument("target: neither a path nor a URI"));
    request.host = parts->host;
    request.target = parts->target;
    if (request.target.starts_with('?')) {
      absolute_target_ = "/";
      absolute_target_ += request.target;
      request.target = absolute_target_;
    }
  }
  if (const Status host = ReadHost(snapshot, request.host); !host.ok()) return BadRequest(host);
  if (decision_.site == nullptr) return Outcome::kNoSite;
  const farm::Site& site = *decision_.site;
  decision_.cors = CorsOf(site, request.origin);
  if (request.method == Method::kOptions && request.preflight) return Outcome::kPreflight;

  const bool explain = request.may_explain && TakeExplain(request.target, target_);
  if (explain) request.target = target_;
  const Status identity = farm::CanonicalUri(site.hosts[0], request.target, site.query, uri_);
  if (!identity.ok()) return BadRequest(identity);
  key_ = farm::KeyOf(uri_);
  const size_t found = std::min(lookup(key_, locations_), locations_.size());
  Rank(snapshot, request.draw, found);
  const bool held = !ranked_.empty();
  if (!held) farm::RankFillers(key_, snapshot.cards(), ranked_);
  const Outcome outcome = site.mode == farm::Site::Mode::kForward ? Forward(snapshot, request)
                                                                  : Redirect(snapshot, request);
  if (!explain) return outcome;
  Explain(snapshot, outcome, held, found);
  return Outcome::kExplain;
}

void Router::Explain(const RoutingSnapshot& snapshot, Outcome outcome, bool held,
                     size_t locations) {
  Explanation& explanation = decision_.explanation;
  explanation.site = decision_.site->name;
  explanation.canonical_uri = uri_;
  explanation.key = ToString(key_);
  explanation.held = held;
  if (outcome == Outcome::kRedirect) {
    explanation.answer = "redirect to " + decision_.location;
  } else if (outcome == Outcome::kForward) {
    explanation.answer = "forward to " + decision_.engines[0]->by_address;
  } else {
    explanation.answer = "503: no engine can serve it";
  }
  explanation.engines = ExplainEngines(snapshot, {locations_.data(), locations}, ranked_, held);
}

Status Router::ReadHost(const RoutingSnapshot& snapshot, std::string_view host) {
  // Nearly always it comes in its canonical form.
  decision_.host = host;
  decision_.site = snapshot.sites().Find(host);
  if (decision_.site != nullptr) return Ok();
  STRATA_ASSIGN_OR_RETURN(canonical_host_, farm::CanonicalHost(host));
  decision_.host = canonical_host_;
  decision_.site = snapshot.sites().Find(canonical_host_);
  return Ok();
}

void Router::Rank(const RoutingSnapshot& snapshot, uint64_t draw, size_t locations) {
  holders_.clear();
  for (const directory::Location& location : std::span(locations_).first(locations)) {
    if ((location.flags & directory::kComplete) == 0) continue;
    const int index = snapshot.IndexOf(farm::EngineId(location.holder.value()));
    if (index < 0) continue;
    const farm::EngineCard& card = snapshot.cards()[static_cast<size_t>(index)];
    // Who is drained is asked for what no origin can give again, until it is copied.
    const bool given_again =
        (location.flags & directory::kLibrary) == 0 && !decision_.site->origins.empty();
    if (card.status == farm::EngineStatus::kDraining && given_again) continue;
    holders_.push_back(&card);
  }
  farm::RankHolders(holders_, snapshot.spread(), draw, ranked_);
  if (ranked_.empty()) farm::RankDraining(holders_, snapshot.spread(), draw, ranked_);
}

Outcome Router::Redirect(const RoutingSnapshot& snapshot, const Request& request) {
  for (const farm::Candidate& candidate : ranked_) {
    const int index = snapshot.IndexOf(candidate.engine);
    const RoutingSnapshot::Authorities* engine = snapshot.AuthoritiesOf(index, request.family);
    if (engine == nullptr) continue;
    const farm::Site& site = *decision_.site;
    if (site.redirect_form == farm::Site::RedirectForm::kHost) {
      decision_.location =
          farm::RedirectLocation(site, "http", snapshot.NameOf(index),
                                 std::string(decision_.host) + engine->port, request.target);
    } else {
      decision_.location =
          farm::RedirectLocation(site, "http", engine->by_address, decision_.host, request.target);
    }
    return Outcome::kRedirect;
  }
  return Outcome::kNoEngine;
}

Outcome Router::Forward(const RoutingSnapshot& snapshot, const Request& request) {
  AddEngines(snapshot, ranked_);
  if (decision_.engines.size() < kForwardTriesMax) {  // When those who hold it cannot be reached.
    farm::RankFillers(key_, snapshot.cards(), spare_);
    AddEngines(snapshot, spare_);
  }
  if (decision_.engines.empty()) return Outcome::kNoEngine;
  decision_.engine_target = "/_s/";
  decision_.engine_target += decision_.host;
  decision_.engine_target += request.target;
  return Outcome::kForward;
}

void Router::AddEngines(const RoutingSnapshot& snapshot,
                        std::span<const farm::Candidate> candidates) {
  std::vector<const RoutingSnapshot::Authorities*>& engines = decision_.engines;
  for (const farm::Candidate& candidate : candidates) {
    if (engines.size() == kForwardTriesMax) return;
    const RoutingSnapshot::Authorities* engine =
        snapshot.AuthoritiesOf(snapshot.IndexOf(candidate.engine), IpFamily::kV4);
    if (engine == nullptr) continue;
    if (std::find(engines.begin(), engines.end(), engine) == engines.end()) {
      engines.push_back(engine);
    }
  }
}

Outcome Router::BadRequest(Status problem) {
  decision_.problem = std::move(problem);
  return Outcome::kBadRequest;
}

}  // namespace strata::manager::routing
