#include "service_manager/federation/locate/locate_plan.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/tls/identity.h"

namespace strata::manager::federation {
namespace {

class Planner {
 public:
  Planner(const Neighbours& neighbours, const LocateQuestion& question, std::string_view asker)
      : neighbours_(neighbours), question_(question), asker_(asker) {}

  void Add(const LocatedCopy& copy) {
    if (IsAskers(copy.holder.scope)) return;
    if (!copy.holder.engine.empty() || !AskTowards(copy.holder.scope)) {
      plan_.found.push_back(copy);
    } else {
      plan_.behind.push_back(copy);
    }
  }
  void AddUntold(const std::string& scope) {
    if (!IsAskers(scope)) AskTowards(scope);
  }

  LocatePlan Take() {
    for (auto& [scope, child] : ask_) plan_.ask.push_back(std::move(child));
    return std::move(plan_);
  }

 private:
  bool IsAskers(const std::string& scope) const {
    return !asker_.empty() && tls::ScopeCovers(asker_, scope);
  }
  // False: nobody can be asked there, which is a gap.
  bool AskTowards(const std::string& scope) {
    std::optional<Neighbour> child = neighbours_.ChildTowards(scope);
    if (!child) {
      plan_.gaps.push_back({scope, GapReason::kNoLink});
      return false;
    }
    const std::vector<std::string>& visited = question_.visited;
    if (std::find(visited.begin(), visited.end(), child->scope) != visited.end()) {
      plan_.gaps.push_back({child->scope, GapReason::kVisited});
      return false;
    }
    std::string name = child->scope;
    ask_.emplace(std::move(name), *std::move(child));
    return true;
  }

  const Neighbours& neighbours_;
  const LocateQuestion& question_;
  const std::string_view asker_;
  LocatePlan plan_;
  std::map<std::string, Neighbour> ask_;
};

}  // namespace

LocatePlan PlanDown(const LocalCopies& local, const Neighbours& neighbours,
                    const LocateQuestion& question, std::string_view asker) {
  Planner planner(neighbours, question, asker);
  for (const LocatedCopy& copy : local.copies) planner.Add(copy);
  for (const std::string& scope : local.untold) planner.AddUntold(scope);
  return planner.Take();
}

}  // namespace strata::manager::federation
