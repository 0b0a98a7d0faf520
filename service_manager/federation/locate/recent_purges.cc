#include "service_manager/federation/locate/recent_purges.h"

#include <algorithm>

#include "service_manager/federation/mutants.h"

namespace strata::manager::federation {

void RecentPurges::Restore(std::string_view site, uint64_t position) {
  const uint64_t forgotten = STRATA_MUTANT(kRestoredNotAsked) ? 0 : position;
  sites_[std::string(site)] = {.applied = position, .forgotten = forgotten};
}

void RecentPurges::OnPurged(std::string_view site, uint64_t position,
                            std::span<const farm::ContentKey> keys) {
  const auto found = sites_.try_emplace(std::string(site)).first;
  if (position <= found->second.applied) return;
  found->second.applied = position;
  if (keys.empty()) found->second.forgotten = position;
  for (const farm::ContentKey& key : keys) {
    entries_.push_back({found->first, position, key});
    newest_[key] = position;
    if (entries_.size() <= keys_max_) continue;
    Forget(entries_.front());
    entries_.pop_front();
  }
}

void RecentPurges::Forget(const Entry& entry) {
  const auto newest = newest_.find(entry.key);
  if (newest == newest_.end() || newest->second != entry.position) return;  // Purged since.
  newest_.erase(newest);
  const auto site = sites_.find(entry.site);
  if (site != sites_.end() && !STRATA_MUTANT(kForgottenNotAsked)) {
    site->second.forgotten = std::max(site->second.forgotten, entry.position);
  }
}

void RecentPurges::Remove(std::string_view site) {
  const auto found = sites_.find(site);
  if (found == sites_.end()) return;
  std::erase_if(entries_, [this, site](const Entry& entry) {
    if (entry.site != site) return false;
    newest_.erase(entry.key);
    return true;
  });
  sites_.erase(found);
}

PurgePositions RecentPurges::Of(std::string_view site, const farm::ContentKey& key) const {
  const auto found = sites_.find(site);
  if (found == sites_.end()) return {};
  const auto newest = newest_.find(key);
  const uint64_t own = newest == newest_.end() ? 0 : newest->second;
  return {.applied = found->second.applied, .purged = std::max(own, found->second.forgotten)};
}

}  // namespace strata::manager::federation
