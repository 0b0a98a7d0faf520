#include "service_manager/uplink/told_changes.h"

#include <algorithm>

namespace strata::manager::uplink {

using directory::Holder;
using directory::Location;
using federation::CopyChange;

federation::CopyChanges ChangesToTell(const ContentChange& change, const Treatments& treatments,
                                      Holder own_scope, bool anew) {
  const federation::Projection before =
      federation::ProjectionOf(change.before, treatments.before, own_scope);
  const federation::Projection after =
      federation::ProjectionOf(change.After(), treatments.after, own_scope);
  federation::CopyChanges changes = federation::DifferenceOf(before, after);
  const auto is_told = [&changes](Holder holder) {
    return std::any_of(changes.begin(), changes.end(),
                       [holder](const CopyChange& one) { return one.holder == holder; });
  };
  // Who is in the projection and not in the difference is there as before.
  for (const Location& copy : after) {
    if (copy.holder != own_scope && change.Find(copy.holder) != nullptr && !is_told(copy.holder)) {
      changes.push_back({.holder = copy.holder, .before = copy.flags, .after = copy.flags});
    }
  }
  const bool tells_uri = std::any_of(changes.begin(), changes.end(),
                                     [](const CopyChange& one) { return one.after.has_value(); });
  if (anew && !tells_uri && !after.empty()) {
    const Location& copy = after.front();
    changes.push_back({.holder = copy.holder, .before = copy.flags, .after = copy.flags});
  }
  std::sort(changes.begin(), changes.end(),
            [](const CopyChange& a, const CopyChange& b) { return a.holder < b.holder; });
  return changes;
}

}  // namespace strata::manager::uplink
