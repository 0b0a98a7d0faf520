#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"
#include "common/time.h"
#include "service_manager/routing/scope_load.h"

namespace strata::manager::routing {

// What a manager above level 1 knows of the loads beneath: the newest report of each child. What
// gets old is not forgotten here; who reads it compares `measured`. Pure, one thread.
class ScopeLoadTable {
 public:
  struct Entry {
    ScopeLoad load;
    Timestamp measured;  // By this manager's clock.
    std::vector<ImpairedEngine> impaired;
  };

  // A report of the child whose scope is `child` takes the place of the one before. It begins with
  // the child's own scope, else InvalidArgument. PermissionDenied if it tells of a scope that is
  // not beneath that one, or if another child covers this one. The table is then as it was.
  Status Apply(const std::string& child, LoadReport report, Timestamp now);
  // That child is no child any more, or was not heard for too long.
  void Forget(const std::string& child);

  // All that is known, by scope. Valid until the next change.
  using Entries = std::map<std::string, Entry, std::less<>>;
  const Entries& entries() const { return entries_; }

  // What this manager, whose scope is `own`, tells its parent at `now`: the children merged, and
  // all that they told. A child whose report is older than `stale_after` does not count among
  // others that are fresh.
  LoadReport Report(const std::string& own, Duration stale_after, Timestamp now) const;

 private:
  ScopeReport Aggregate(const std::string& own, Duration stale_after, Timestamp now) const;

  Entries entries_;
  std::set<std::string> children_;
};

}  // namespace strata::manager::routing
