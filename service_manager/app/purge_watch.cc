#include "service_manager/app/purge_watch.h"

#include <set>
#include <utility>
#include <vector>

#include "farm/messages.h"

namespace strata::manager::app {

PurgeWatch::PurgeWatch(control::SiteDesk& desk, control::PurgeJournal& journal, Listener listener)
    : desk_(desk), journal_(journal), listener_(std::move(listener)) {}

StatusOr<std::unique_ptr<PurgeWatch>> PurgeWatch::Open(control::SiteDesk& desk,
                                                       control::PurgeJournal& journal,
                                                       Listener listener) {
  auto watch = std::unique_ptr<PurgeWatch>(new PurgeWatch(desk, journal, std::move(listener)));
  absl::MutexLock lock(&watch->mutex_);
  for (const control::SiteVersion& version : desk.sites()) {
    STRATA_ASSIGN_OR_RETURN(const uint64_t last, journal.Last(version.site.name));
    watch->listener_.restored(version.site.name, last);
    watch->told_[version.site.name] = last;
  }
  return watch;
}

Status PurgeWatch::Look(const std::string& site) {
  absl::MutexLock lock(&mutex_);
  return LookLocked(site);
}

Status PurgeWatch::LookAtAll() {
  // Before the lock: they may be locked for as long as an order waits for backups.
  const std::vector<control::SiteVersion> sites = desk_.sites();
  absl::MutexLock lock(&mutex_);
  std::set<std::string> there;
  for (const control::SiteVersion& version : sites) {
    STRATA_RETURN_IF_ERROR(LookLocked(version.site.name));
    there.insert(version.site.name);
  }
  std::erase_if(told_, [this, &there](const auto& told) {
    if (there.contains(told.first)) return false;
    listener_.removed(told.first);
    return true;
  });
  return Ok();
}

Status PurgeWatch::LookLocked(const std::string& site) {
  uint64_t& told = told_[site];
  STRATA_ASSIGN_OR_RETURN(const uint64_t last, journal_.Last(site));
  if (last < told) {  // The site is another one of that name, with a log of its own.
    listener_.removed(site);
    told = 0;
  }
  if (last == told) return Ok();
  STRATA_ASSIGN_OR_RETURN(const std::vector<farm::Purged> entries, journal_.After(site, told));
  for (const farm::Purged& entry : entries) {
    // Whatever was cut off may have been any content.
    const bool cut = entry.position != told + 1;
    listener_.purged(site, entry.position, cut ? std::span<const farm::ContentKey>() : entry.keys);
    told = entry.position;
  }
  return Ok();
}

}  // namespace strata::manager::app
