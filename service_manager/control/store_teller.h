#pragma once

#include <vector>

#include "common/status.h"
#include "farm/member/farm_member.h"
#include "service_manager/control/purge_journal.h"
#include "service_manager/control/registrar.h"
#include "service_manager/control/site_desk.h"

namespace strata::manager::control {

// Tells the farm what the store has and the members' state has not. One thread.
class StoreTeller {
 public:
  StoreTeller(const Registrar& registrar, const SiteDesk& sites, const PurgeJournal& purges,
              farm::FarmMember& member)
      : registrar_(registrar), sites_(sites), purges_(purges), member_(member) {}

  // Waits until all of it is committed. An error: not all was told; tell it again.
  Status Tell();

 private:
  // Unavailable, when all else was told, if some members would not understand a site yet.
  Status TellSites(const farm::SiteLedger& ledger);
  Status TellEngines(const std::vector<farm::Row>& rows);

  const Registrar& registrar_;
  const SiteDesk& sites_;
  const PurgeJournal& purges_;
  farm::FarmMember& member_;
};

}  // namespace strata::manager::control
