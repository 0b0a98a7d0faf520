#include "service_manager/routing/federation_snapshot.h"

#include <utility>

#include "common/check.h"
#include "service_manager/routing/covering_scope.h"

namespace strata::manager::routing {
namespace {

// Of which nothing is known: it counts as one engine.
constexpr ScopeLoad kUnknown = {
    .engines = 1, .overloaded = 0, .free_bandwidth = 0, .worst = 0, .mean = 0};

}  // namespace

FederationSnapshot::FederationSnapshot(Parts parts, const ScopeLoadTable& loads, Timestamp now)
    : parts_(std::move(parts)) {
  STRATA_CHECK(parts_.sites != nullptr && parts_.regions != nullptr && parts_.holders != nullptr);
  for (const ChildScope& child : parts_.children) {
    by_scope_[child.scope] = {
        .load = kUnknown, .fresh = false, .child = static_cast<int>(children_.size())};
    children_.push_back({.scope = child.scope,
                         .identity = federation::IdentityOf({.scope = child.scope, .engine = {}}),
                         .front_ends = ClientAddresses(child.front_ends),
                         .regions = parts_.regions->RegionsOf(child.scope, child.front_ends)});
  }
  for (const auto& [scope, entry] : loads.entries()) AddLoad(scope, entry, now);
  for (const std::string& scope : parts_.holders->scopes()) states_.push_back(&StateOf(scope));
}

void FederationSnapshot::AddLoad(const std::string& scope, const ScopeLoadTable::Entry& entry,
                                 Timestamp now) {
  const int child = StateOf(scope).child;
  if (child < 0) return;  // It is no child any more.
  const bool connected = parts_.children[static_cast<size_t>(child)].connected;
  by_scope_[scope] = {.load = entry.load,
                      .fresh = connected && now - entry.measured <= parts_.settings.stale_after,
                      .child = child};
  for (const ImpairedEngine& engine : entry.impaired) {
    impaired_[federation::IdentityOf({.scope = scope, .engine = engine.name})] = engine;
  }
}

const FederationSnapshot::State& FederationSnapshot::StateOf(std::string_view scope) const {
  static constexpr State kElsewhere = {.load = kUnknown, .fresh = true, .child = -1};
  const auto covering = FindCovering(by_scope_, scope);
  return covering == by_scope_.end() ? kElsewhere : covering->second;
}

bool FederationSnapshot::IsUnpurged(const std::string& site, std::string_view scope) const {
  if (parts_.unpurged.empty()) return false;
  const auto scopes = parts_.unpurged.find(site);
  return scopes != parts_.unpurged.end() &&
         FindCovering(scopes->second, scope) != scopes->second.end();
}

ScopeCard FederationSnapshot::CardOf(const Child& child) const {
  const State& state = StateOf(child.scope);
  return CardOfScope(child.identity.value(), state.load, state.fresh);
}

ScopeCard FederationSnapshot::CardOf(const RoutedHolders::Place& engine) const {
  return CardOf(engine.identity, *states_[engine.scope]);
}

ScopeCard FederationSnapshot::CardOf(const federation::HolderName& engine) const {
  return CardOf(federation::IdentityOf(engine), StateOf(engine.scope));
}

ScopeCard FederationSnapshot::CardOf(federation::HolderIdentity identity,
                                     const State& state) const {
  const auto impaired = impaired_.find(identity);
  return CardOfEngine(identity.value(), state.load, state.fresh,
                      impaired == impaired_.end() ? nullptr : &impaired->second);
}

}  // namespace strata::manager::routing
