#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/time.h"
#include "service_manager/federation/locate/locate_messages.h"
#include "service_manager/federation/locate/neighbours.h"
#include "service_manager/federation/locate/recent_purges.h"

namespace strata::manager::federation {

// What a manager's own directory says of a content.
struct LocalCopies {
  std::vector<LocatedCopy> copies = {};  // Engines, and scopes below that have it somewhere.
  // Scopes below that may have it and would not have told: a link from there or below it has the
  // policy `none`.
  std::vector<std::string> untold = {};
  // Until the first of the copies expires; max(): none does.
  Duration lifetime = Duration::max();
  PurgePositions purges = {};
};

// How a question is answered from below.
struct LocatePlan {
  std::vector<LocatedCopy> found;  // They go into the answer at once.
  std::vector<Neighbour> ask;      // Children, by scope.
  std::vector<LocatedCopy>
      behind;                   // Scopes that go into the answer if their child does not answer.
  std::vector<LocateGap> gaps;  // Whom nobody can ask.
};

// `asker`: the scope of the child that asks; empty: no child does. It knows what lies below it
// better than this manager, and is not asked. docs/protocols/federation.md, 4.
LocatePlan PlanDown(const LocalCopies& local, const Neighbours& neighbours,
                    const LocateQuestion& question, std::string_view asker);

}  // namespace strata::manager::federation
