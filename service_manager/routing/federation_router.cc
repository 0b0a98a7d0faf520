#include "service_manager/routing/federation_router.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace strata::manager::routing {

using farm::EngineStatus;

namespace {

constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kHttpsPort = 443;

// What makes it come late, or first.
std::string ReasonOf(const ScopeCard& card, bool client_has_region, bool drawn) {
  std::string late;
  const auto add = [&late](const char* why) {
    late += late.empty() ? "; comes late: " : ", ";
    late += why;
  };
  if (card.status != EngineStatus::kUp) add(ToString(card.status));
  if (card.overloaded) add("overloaded");
  if (client_has_region && !card.near) add("not in the client's region");
  return drawn ? late + "; drawn" : late;
}

ExplainedEngine Explained(const std::string& name, uint32_t number, const ScopeCard& card) {
  ExplainedEngine engine;
  engine.name = name;
  engine.id = number;
  engine.status = ToString(card.status);
  engine.load_factor = card.load_factor;
  engine.overloaded = card.overloaded;
  return engine;
}

}  // namespace

const Decision& FederationRouter::Decide(const FederationSnapshot& snapshot, const Request& request,
                                         Lookup lookup) {
  if (!Begin(snapshot, request)) return decision_;
  locations_count_ = std::min(lookup(decision_.key, locations_), locations_.size());
  Collect(snapshot);
  return Answer(snapshot);
}

const Decision& FederationRouter::DecideAmong(const FederationSnapshot& snapshot,
                                              const Request& request,
                                              std::span<const federation::LocatedCopy> copies) {
  if (!Begin(snapshot, request)) return decision_;
  Collect(snapshot, copies);
  return Answer(snapshot);
}

bool FederationRouter::Begin(const FederationSnapshot& snapshot, const Request& request) {
  request_ = request;
  locations_count_ = 0;
  targets_.clear();
  cards_.clear();
  const std::optional<Outcome> early = reader_.Read(snapshot.sites(), request_, decision_);
  if (early) {
    decision_.outcome = *early;
    return false;
  }
  region_ = snapshot.regions().RegionOf(request.client);
  return true;
}

void FederationRouter::Collect(const FederationSnapshot& snapshot) {
  for (const directory::Location& location : std::span(locations_).first(locations_count_)) {
    const int index = snapshot.holders().IndexOf(location.holder);
    if (index < 0) continue;
    const RoutedHolders::Place& holder = snapshot.holders().at(index);
    ScopeCard card = snapshot.CardOf(holder);
    if (WhyNot(snapshot, holder.name.scope, card, location.flags) != nullptr) continue;
    const int child = snapshot.ChildOf(holder);
    if (child >= 0 && (Delegates(snapshot) || holder.name.engine.empty())) {
      AddChild(snapshot, child, IsNear(holder.regions));
    } else {
      card.near = IsNear(holder.regions);
      AddTarget(card, {.addresses = &holder.addresses,
                       .engine = &holder.name,
                       .number = location.holder.value()});
    }
  }
}

void FederationRouter::Collect(const FederationSnapshot& snapshot,
                               std::span<const federation::LocatedCopy> copies) {
  found_.clear();
  found_.reserve(copies.size());  // Targets point into it.
  for (const federation::LocatedCopy& copy : copies) {
    ScopeCard card = snapshot.CardOf(copy.holder);
    if (copy.stale) card.status = std::max(card.status, EngineStatus::kStale);
    if (WhyNot(snapshot, copy.holder.scope, card, copy.flags) != nullptr) continue;
    card.near = IsNear(snapshot.regions().RegionsOf(copy.holder.scope, copy.clients));
    if (!copy.holder.engine.empty()) {
      found_.emplace_back(copy.clients);
      AddTarget(card, {.addresses = &found_.back(), .engine = &copy.holder});
    } else if (const int child = snapshot.ChildOf(copy.holder.scope); child >= 0) {
      AddChild(snapshot, child, card.near);
    }
  }
}

bool FederationRouter::Delegates(const FederationSnapshot& snapshot) const {
  const farm::Site::Choice choice = decision_.site->choice;
  if (choice == farm::Site::Choice::kManagers) return snapshot.settings().delegate;
  return choice == farm::Site::Choice::kDelegate;
}

void FederationRouter::AddChild(const FederationSnapshot& snapshot, int child, bool near) {
  const auto same = std::find_if(targets_.begin(), targets_.end(),
                                 [child](const Target& target) { return target.child == child; });
  if (same != targets_.end()) {
    ScopeCard& card = cards_[static_cast<size_t>(same - targets_.begin())];
    card.near = card.near || near;
    return;
  }
  const FederationSnapshot::Child& here = snapshot.children()[static_cast<size_t>(child)];
  ScopeCard card = snapshot.CardOf(here);
  card.near = near;
  AddTarget(card, {.addresses = &here.front_ends, .child = child});
}

void FederationRouter::AddTarget(ScopeCard card, const Target& target) {
  card.place = targets_.size();
  cards_.push_back(card);
  targets_.push_back(target);
}

const char* FederationRouter::WhyNot(const FederationSnapshot& snapshot, const std::string& scope,
                                     const ScopeCard& card, directory::LocationFlags flags) const {
  if ((flags & directory::kComplete) == 0) return "its copy is partial";
  if (card.status == EngineStatus::kDown) return ToString(card.status);
  if (snapshot.IsUnpurged(decision_.site->name, scope)) return "it has missed a purge";
  // Who is drained is asked for what no origin can give again, until it is copied.
  const bool given_again = (flags & directory::kLibrary) == 0 && !decision_.site->origins.empty();
  if (card.status == EngineStatus::kDraining && given_again) return ToString(card.status);
  return nullptr;
}

bool FederationRouter::IsNear(const RegionSet& regions) const {
  return region_ != RegionId() &&
         std::find(regions.begin(), regions.end(), region_) != regions.end();
}

void FederationRouter::RankChildren(const FederationSnapshot& snapshot,
                                    std::vector<RankedCard>& ranked) {
  const size_t first = cards_.size();
  for (size_t i = 0; i < snapshot.children().size(); ++i) {
    const FederationSnapshot::Child& child = snapshot.children()[i];
    if (snapshot.IsUnpurged(decision_.site->name, child.scope)) continue;
    ScopeCard card = snapshot.CardOf(child);
    card.near = IsNear(child.regions);
    AddTarget(card, {.addresses = &child.front_ends, .child = static_cast<int>(i)});
  }
  RankToFill(decision_.key, std::span(cards_).subspan(first), ranked);
}

const Decision& FederationRouter::Answer(const FederationSnapshot& snapshot) {
  RankCards(cards_, snapshot.settings().spread, request_.draw, ranked_);
  decision_.held = !ranked_.empty();
  if (!decision_.held) RankChildren(snapshot, ranked_);
  decision_.outcome =
      decision_.site->mode == farm::Site::Mode::kForward ? Forward(snapshot) : Redirect(snapshot);
  if (reader_.explain()) {
    BeginExplanation(decision_.outcome, decision_);
    decision_.explanation.client_region = snapshot.regions().NameOf(region_);
    decision_.explanation.engines = ExplainTargets(snapshot);
    decision_.outcome = Outcome::kExplain;
  }
  return decision_;
}

Outcome FederationRouter::Redirect(const FederationSnapshot& snapshot) {
  const auto redirect = [this](std::span<const RankedCard> ranked) {
    for (const RankedCard& each : ranked) {
      const Authorities* engine = targets_[each.card.place].addresses->Of(request_.client.family());
      if (engine == nullptr) continue;
      decision_.location =
          "http://" + engine->by_address + farm::PathAtEngine(decision_.host, request_.target);
      return true;
    }
    return false;
  };
  if (redirect(ranked_)) return Outcome::kRedirect;
  if (decision_.held) {
    RankChildren(snapshot, spare_);
    if (redirect(spare_)) return Outcome::kRedirect;
  }
  return ToOrigin();
}

Outcome FederationRouter::Forward(const FederationSnapshot& snapshot) {
  AddEngines(ranked_);
  if (decision_.held && decision_.engines.size() < kForwardTriesMax) {
    RankChildren(snapshot, spare_);
    AddEngines(spare_);
  }
  if (decision_.engines.empty()) return ToOrigin();
  decision_.engine_target = farm::PathAtEngine(decision_.host, request_.target);
  return Outcome::kForward;
}

void FederationRouter::AddEngines(std::span<const RankedCard> ranked) {
  std::vector<const Authorities*>& engines = decision_.engines;
  for (const RankedCard& each : ranked) {
    if (engines.size() == kForwardTriesMax) return;
    const Authorities* engine = targets_[each.card.place].addresses->Of(IpFamily::kV4);
    if (engine == nullptr) continue;
    if (std::find(engines.begin(), engines.end(), engine) == engines.end()) {
      engines.push_back(engine);
    }
  }
}

Outcome FederationRouter::ToOrigin() {
  if (decision_.site->origins.empty()) return Outcome::kNoEngine;
  const farm::Origin& origin = decision_.site->origins.front();
  decision_.location = origin.tls ? "https://" : "http://";
  decision_.location += origin.host;
  if (origin.port != (origin.tls ? kHttpsPort : kHttpPort)) {
    decision_.location += ":" + std::to_string(origin.port);
  }
  decision_.location += request_.target;
  return Outcome::kRedirect;
}

std::vector<ExplainedEngine> FederationRouter::ExplainTargets(
    const FederationSnapshot& snapshot) const {
  std::vector<ExplainedEngine> explained;
  for (const RankedCard& each : ranked_) {
    const Target& target = targets_[each.card.place];
    const bool child = target.engine == nullptr;
    const std::string name = child ? snapshot.children()[static_cast<size_t>(target.child)].scope
                                   : ToString(*target.engine);
    ExplainedEngine& engine = explained.emplace_back(Explained(name, target.number, each.card));
    engine.rank = static_cast<uint32_t>(explained.size());
    engine.chance = each.chance;
    engine.reason = !decision_.held ? "nobody holds it; would fetch it"
                    : child         ? "a copy is beneath it"
                                    : "holds it";
    engine.reason +=
        ReasonOf(each.card, region_ != RegionId(), decision_.held && explained.size() == 1);
  }
  ExplainLeftOut(snapshot, explained);
  return explained;
}

void FederationRouter::ExplainLeftOut(const FederationSnapshot& snapshot,
                                      std::vector<ExplainedEngine>& explained) const {
  for (const directory::Location& location : std::span(locations_).first(locations_count_)) {
    const int index = snapshot.holders().IndexOf(location.holder);
    if (index < 0) continue;
    const RoutedHolders::Place& holder = snapshot.holders().at(index);
    const ScopeCard card = snapshot.CardOf(holder);
    const char* why = WhyNot(snapshot, holder.name.scope, card, location.flags);
    if (why == nullptr) continue;
    explained.push_back(Explained(ToString(holder.name), location.holder.value(), card));
    explained.back().reason = std::string("left out: ") + why;
  }
}

}  // namespace strata::manager::routing
