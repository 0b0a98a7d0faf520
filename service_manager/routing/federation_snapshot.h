#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/address.h"
#include "common/time.h"
#include "service_manager/federation/holder_name.h"
#include "service_manager/routing/client_addresses.h"
#include "service_manager/routing/region_map.h"
#include "service_manager/routing/routed_holders.h"
#include "service_manager/routing/scope_load_table.h"
#include "service_manager/routing/scope_ranking.h"
#include "service_manager/routing/sites_by_host.h"

namespace strata::manager::routing {

// How a manager above level 1 chooses.
struct ChoiceSettings {
  // Clients are sent to the front end of the best child, which chooses the engine; else to the
  // engine itself, where the directory names it. A site may say otherwise for itself.
  bool delegate = false;
  bool spread = true;  // As farm::DirectorSettings has it.
  // What a child tells of its load counts as fresh for so long.
  Duration stale_after = std::chrono::seconds(10);
};

// A child as its parent knows it.
struct ChildScope {
  std::string scope;
  bool connected = false;            // Its link is up.
  std::vector<Endpoint> front_ends;  // Where clients reach its managers.
};

// All that a front end above level 1 has to know but the locations: judged at one moment, then
// never changed, so that any number of threads read it without waiting. A new one is published when
// a child, a load or a site has changed, and each second, since what is known gets old.
class FederationSnapshot {
 public:
  struct Parts {
    std::shared_ptr<const SitesByHost> sites;
    std::shared_ptr<const RegionMap> regions;
    std::shared_ptr<const RoutedHolders> holders;
    std::vector<ChildScope> children;  // None covers another.
    // By site: scopes beneath that have missed purges of it. No client of the site is sent there.
    std::map<std::string, std::set<std::string, std::less<>>> unpurged = {};
    ChoiceSettings settings;
  };
  struct Child {
    std::string scope;
    federation::HolderIdentity identity;
    ClientAddresses front_ends;
    RegionSet regions;
  };

  // Of what is known at `now`.
  FederationSnapshot(Parts parts, const ScopeLoadTable& loads, Timestamp now);
  FederationSnapshot(const FederationSnapshot&) = delete;
  FederationSnapshot& operator=(const FederationSnapshot&) = delete;

  const SitesByHost& sites() const { return *parts_.sites; }
  const RegionMap& regions() const { return *parts_.regions; }
  const RoutedHolders& holders() const { return *parts_.holders; }
  const ChoiceSettings& settings() const { return parts_.settings; }
  const std::vector<Child>& children() const { return children_; }

  // The child that covers `scope`, of a holder or any; a place in children(), or -1.
  int ChildOf(const RoutedHolders::Place& holder) const { return states_[holder.scope]->child; }
  int ChildOf(std::string_view scope) const { return StateOf(scope).child; }

  // Whether what is held of the site at this scope may have been purged.
  bool IsUnpurged(const std::string& site, std::string_view scope) const;

  // Without place and proximity.
  ScopeCard CardOf(const Child& child) const;
  ScopeCard CardOf(const RoutedHolders::Place& engine) const;
  // Of an engine that other managers have named; one of another manager's scope is up for all that
  // is known here.
  ScopeCard CardOf(const federation::HolderName& engine) const;

 private:
  // Of a scope, or of those beneath it of which nothing else is known.
  struct State {
    ScopeLoad load;
    bool fresh = false;
    int child = -1;
  };

  void AddLoad(const std::string& scope, const ScopeLoadTable::Entry& entry, Timestamp now);
  const State& StateOf(std::string_view scope) const;
  ScopeCard CardOf(federation::HolderIdentity identity, const State& state) const;

  Parts parts_;
  std::vector<Child> children_;
  std::map<std::string, State, std::less<>> by_scope_;
  std::vector<const State*> states_;  // In the order of the holders' scopes.
  absl::flat_hash_map<federation::HolderIdentity, ImpairedEngine> impaired_;
};

}  // namespace strata::manager::routing
