#include "service_manager/hierarchy/own_tree.h"

#include <algorithm>
#include <utility>

#include "common/version.h"
#include "service_manager/hierarchy/limits.h"

namespace strata::manager::hierarchy {

OwnTree::OwnTree(federation::ScopeLevel own, std::function<OwnPart()> own_part,
                 const Attachments& children)
    : own_(std::move(own)), own_part_(std::move(own_part)), children_(children) {}

OwnTree::Told OwnTree::At(Timestamp now) const {
  OwnPart own = own_part_();
  // A farm may have more managers than are told of: those that lead and back up come first.
  std::vector<ScopeManager>& managers = own.part.managers;
  const auto rank = [](const ScopeManager& manager) {
    return manager.state == ManagerState::kLeads    ? 0
           : manager.state == ManagerState::kBackup ? 1
                                                    : 2;
  };
  std::stable_sort(managers.begin(), managers.end(),
                   [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  if (managers.size() > kManagersPerScopeMax) managers.resize(kManagersPerScopeMax);
  if (own.part.front_ends.size() > kFrontEndsMax) own.part.front_ends.resize(kFrontEndsMax);

  SubtreeScope scope{.place = own_,
                     .version = kVersion,
                     .managers = managers,
                     .locations = own.locations,
                     .engines = own.engines,
                     .engines_up = std::min(own.engines_up, own.engines),
                     .sites = own.sites,
                     .up = own.up,
                     .hides_copies = own.up.has_value() && HidesCopies(own.part.policy)};
  Told told{.part = std::move(own.part)};
  told.report.subtree = children_.SubtreeUnder(std::move(scope), now);
  told.report.load = own.load.empty() ? children_.Loads(own_.scope, now) : std::move(own.load);
  return told;
}

}  // namespace strata::manager::hierarchy
