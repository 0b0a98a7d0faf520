#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/address.h"
#include "common/time.h"
#include "farm/ranking.h"
#include "farm/site.h"
#include "farm/site_table.h"
#include "farm/state_table.h"

namespace strata::manager::routing {

// The sites of a scope, found by host. Immutable, so that snapshots share it: made anew when a site
// changes, not when a load does.
class SitesByHost {
 public:
  explicit SitesByHost(const farm::SiteTable& sites);
  SitesByHost(const SitesByHost&) = delete;
  SitesByHost& operator=(const SitesByHost&) = delete;

  // `host` as CanonicalHost gives it; null if it is no site's.
  const farm::Site* Find(std::string_view host) const;
  size_t sites() const { return sites_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  std::vector<farm::Site> sites_;
  std::unordered_map<std::string, const farm::Site*, Hash, std::equal_to<>> by_host_;
};

// An engine as requests are sent to it.
struct RoutedEngine {
  farm::EngineCard card;
  std::string name;
  std::vector<Endpoint> clients;  // Where clients reach it; the first of a family is preferred.
};

// All that a front end has to know of its farm, but the locations: judged at one moment, then never
// changed, so that any number of threads read it without waiting. A new one is published whenever
// a row, a status or a load has changed.
class RoutingSnapshot {
 public:
  // How clients call one engine, as it stands in a URI.
  struct Authorities {
    std::string by_address;  // "192.0.2.7", "[2001:db8::7]:8080": without the default port.
    std::string port;        // ":8080"; empty for the default port.
    Endpoint endpoint;
  };

  // `engines` in any order, each id once. `spread`: DirectorSettings has it.
  RoutingSnapshot(std::shared_ptr<const SitesByHost> sites, std::vector<RoutedEngine> engines,
                  bool spread);
  // That of a table's rows at `now`. Statuses depend on the time: one that is older than a second
  // may call an engine up that has fallen silent.
  static std::shared_ptr<const RoutingSnapshot> Of(const farm::StateTable& table,
                                                   std::shared_ptr<const SitesByHost> sites,
                                                   const farm::DirectorSettings& settings,
                                                   Timestamp now);

  const SitesByHost& sites() const { return *sites_; }
  bool spread() const { return spread_; }
  // By rising id.
  const std::vector<farm::EngineCard>& cards() const { return cards_; }

  // Places in cards(); -1 if there is no such engine.
  int IndexOf(farm::EngineId engine) const;
  const std::string& NameOf(int index) const { return engines_[static_cast<size_t>(index)].name; }
  // How a client of `family` calls it: by an address of his family, else by another; null if it has
  // none at all.
  const Authorities* AuthoritiesOf(int index, IpFamily family) const;

 private:
  struct Engine {
    std::string name;
    std::vector<Authorities> addresses;
    std::array<int, 2> preferred{-1, -1};  // For clients of IPv4, of IPv6; a place in addresses.
  };

  std::shared_ptr<const SitesByHost> sites_;
  bool spread_;
  std::vector<farm::EngineCard> cards_;
  std::vector<Engine> engines_;  // In the order of cards_.
};

}  // namespace strata::manager::routing
