#include "service_manager/control/store_teller.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>

namespace strata::manager::control {
namespace {

constexpr Duration kTellLimit = std::chrono::seconds(10);

}  // namespace

Status StoreTeller::Tell() {
  farm::SiteLedger ledger;
  std::vector<farm::Row> rows;
  member_.Read([&](const farm::TableReplica& replica) {
    ledger = replica.ledger();
    for (const auto& [id, row] : replica.table().rows()) rows.push_back(row);
  });
  const Status sites = TellSites(ledger);
  // A site that has to wait for members to be upgraded keeps no engine waiting.
  STRATA_RETURN_IF_ERROR(TellEngines(rows));
  return sites;
}

Status StoreTeller::TellSites(const farm::SiteLedger& ledger) {
  std::set<std::string> names;
  Status waits;
  for (const SiteVersion& version : sites_.sites()) {
    const std::string& name = version.site.name;
    names.insert(name);
    const farm::Site* there = ledger.sites().Find(name);
    const farm::SiteLedger::PurgeLog* log = ledger.FindLog(name);
    STRATA_ASSIGN_OR_RETURN(const uint64_t last, purges_.Last(name));
    // A site of another home had this name before, with numbers of its own.
    const bool another = !version.home.empty() && there != nullptr &&
                         (there->version > version.site.version || log->position > last);
    if (another) {
      STRATA_RETURN_IF_ERROR(member_.SendAndWait(farm::SiteRemoved{name}, kTellLimit));
      there = nullptr;
      log = nullptr;
    }
    if (there == nullptr || there->version < version.site.version) {
      const farm::SiteApplied told{farm::ForMembers(version.site)};
      if (farm::VersionOf(told) <= member_.spoken_version()) {
        STRATA_RETURN_IF_ERROR(member_.SendAndWait(told, kTellLimit));
      } else {
        // Members go on with the version before, or without the site, until they are upgraded.
        waits = Unavailable("site %s: not all members of the farm speak version %u yet",
                            name.c_str(), unsigned{farm::VersionOf(told)});
        if (there == nullptr) continue;
      }
    }
    STRATA_ASSIGN_OR_RETURN(const std::vector<farm::Purged> entries,
                            purges_.After(name, log == nullptr ? 0 : log->position));
    for (const farm::Purged& entry : entries) {
      STRATA_RETURN_IF_ERROR(member_.SendAndWait(entry, kTellLimit));
    }
  }
  for (const auto& [name, site] : ledger.sites().sites()) {
    if (names.contains(name)) continue;
    STRATA_RETURN_IF_ERROR(member_.SendAndWait(farm::SiteRemoved{name}, kTellLimit));
  }
  return waits;
}

Status StoreTeller::TellEngines(const std::vector<farm::Row>& rows) {
  std::set<farm::EngineId> known;
  for (const Registrar::Engine& engine : registrar_.engines()) {
    const farm::EngineId id = engine.info.id;
    known.insert(id);
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [id](const farm::Row& r) { return r.engine.id == id; });
    if (row == rows.end() || row->registration < engine.registration) {
      STRATA_RETURN_IF_ERROR(member_.SendAndWait(
          farm::EngineRegistered{engine.info, engine.registration}, kTellLimit));
    }
    if ((row != rows.end() && row->draining) != engine.draining) {
      STRATA_RETURN_IF_ERROR(
          member_.SendAndWait(farm::DrainChanged{id, engine.draining}, kTellLimit));
    }
  }
  for (const farm::Row& row : rows) {
    if (known.contains(row.engine.id)) continue;
    STRATA_RETURN_IF_ERROR(member_.SendAndWait(farm::EngineRemoved{row.engine.id}, kTellLimit));
  }
  return Ok();
}

}  // namespace strata::manager::control
