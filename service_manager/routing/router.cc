#include "service_manager/routing/router.h"

#include <algorithm>

#include "service_manager/federation/holder_name.h"

namespace strata::manager::routing {
namespace {

std::vector<ExplainedEngine> ExplainCopies(std::span<const federation::LocatedCopy> copies,
                                           std::span<const RankedCard> ranked) {
  std::vector<ExplainedEngine> engines;
  for (const RankedCard& each : ranked) {
    ExplainedEngine& engine = engines.emplace_back();
    engine.name = ToString(copies[each.card.place].holder);
    engine.status = ToString(each.card.status);
    engine.rank = static_cast<uint32_t>(engines.size());
    engine.chance = each.chance;
    engine.reason = "nobody here holds it; it does";
  }
  return engines;
}

}  // namespace

const Decision& Router::Decide(const RoutingSnapshot& snapshot, const Request& request,
                               Lookup lookup) {
  decision_.outcome = Judge(snapshot, request, lookup);
  return decision_;
}

Outcome Router::Judge(const RoutingSnapshot& snapshot, Request request, Lookup lookup) {
  const std::optional<Outcome> early = reader_.Read(snapshot.sites(), request, decision_);
  if (early) return *early;
  const farm::Site& site = *decision_.site;
  const size_t found = std::min(lookup(decision_.key, locations_), locations_.size());
  Rank(snapshot, request.draw, found);
  decision_.held = !ranked_.empty();
  if (!decision_.held) farm::RankFillers(decision_.key, snapshot.cards(), ranked_);
  const Outcome outcome = site.mode == farm::Site::Mode::kForward ? Forward(snapshot, request)
                                                                  : Redirect(snapshot, request);
  if (!reader_.explain()) return outcome;
  Explain(snapshot, outcome, found);
  return Outcome::kExplain;
}

const Decision& Router::DecideAmong(const RoutingSnapshot& snapshot, const Request& request,
                                    std::span<const federation::LocatedCopy> copies) {
  decision_.outcome = JudgeAmong(snapshot, request, copies);
  return decision_;
}

Outcome Router::JudgeAmong(const RoutingSnapshot& snapshot, Request request,
                           std::span<const federation::LocatedCopy> copies) {
  const std::optional<Outcome> early = reader_.Read(snapshot.sites(), request, decision_);
  if (early) return *early;
  const bool forward = decision_.site->mode == farm::Site::Mode::kForward;
  Rank(snapshot.spread(), request.draw, copies);
  farm::RankFillers(decision_.key, snapshot.cards(), ranked_);
  decision_.held = !away_.empty();
  Outcome outcome;
  if (decision_.held) {
    outcome = forward ? ForwardAway(snapshot, request) : RedirectAway(request);
  } else {
    outcome = forward ? Forward(snapshot, request) : Redirect(snapshot, request);
  }
  if (!reader_.explain()) return outcome;
  Explain(snapshot, outcome, 0);
  if (decision_.held) decision_.explanation.engines = ExplainCopies(copies, away_);
  return Outcome::kExplain;
}

void Router::Rank(bool spread, uint64_t draw, std::span<const federation::LocatedCopy> copies) {
  cards_.clear();
  found_.clear();
  found_.reserve(copies.size());
  for (size_t i = 0; i < copies.size(); ++i) {
    const federation::LocatedCopy& copy = copies[i];
    found_.emplace_back(copy.clients);
    const bool complete = (copy.flags & directory::kComplete) != 0;
    // An origin is better than an engine of which nobody hears.
    if (!complete || (copy.stale && !decision_.site->origins.empty())) continue;
    if (found_[i].Of(IpFamily::kV4) == nullptr) continue;
    ScopeCard& card = cards_.emplace_back();
    card.place = i;
    card.identity = federation::IdentityOf(copy.holder).value();
    card.status = copy.stale ? farm::EngineStatus::kStale : farm::EngineStatus::kUp;
  }
  RankCards(cards_, spread, draw, away_);
}

Outcome Router::RedirectAway(const Request& request) {
  const Authorities* engine = found_[away_.front().card.place].Of(request.client.family());
  // By its address, whatever form the site has: names of engines are their own farm's.
  decision_.location =
      "http://" + engine->by_address + farm::PathAtEngine(decision_.host, request.target);
  return Outcome::kRedirect;
}

Outcome Router::ForwardAway(const RoutingSnapshot& snapshot, const Request& request) {
  for (const RankedCard& each : away_) AddEngine(found_[each.card.place].Of(IpFamily::kV4));
  AddEngines(snapshot, ranked_);
  decision_.engine_target = farm::PathAtEngine(decision_.host, request.target);
  return Outcome::kForward;
}

void Router::Explain(const RoutingSnapshot& snapshot, Outcome outcome, size_t locations) {
  BeginExplanation(outcome, decision_);
  decision_.explanation.engines =
      ExplainEngines(snapshot, {locations_.data(), locations}, ranked_, decision_.held);
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
    const Authorities* engine = snapshot.AddressesOf(index).Of(request.client.family());
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
    farm::RankFillers(decision_.key, snapshot.cards(), spare_);
    AddEngines(snapshot, spare_);
  }
  if (decision_.engines.empty()) return Outcome::kNoEngine;
  decision_.engine_target = farm::PathAtEngine(decision_.host, request.target);
  return Outcome::kForward;
}

void Router::AddEngines(const RoutingSnapshot& snapshot,
                        std::span<const farm::Candidate> candidates) {
  for (const farm::Candidate& candidate : candidates) {
    AddEngine(snapshot.AddressesOf(snapshot.IndexOf(candidate.engine)).Of(IpFamily::kV4));
  }
}

void Router::AddEngine(const Authorities* engine) {
  std::vector<const Authorities*>& engines = decision_.engines;
  if (engine == nullptr || engines.size() == kForwardTriesMax) return;
  if (std::find(engines.begin(), engines.end(), engine) == engines.end()) engines.push_back(engine);
}

}  // namespace strata::manager::routing
