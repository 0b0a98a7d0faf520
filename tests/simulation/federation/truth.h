#pragma once

#include <cstddef>
#include <vector>

#include "tests/simulation/federation/knowledge.h"
#include "tests/simulation/federation/plan.h"

namespace strata::simulation::federation {

// What is so, whoever knows it: the copies of each farm's engines, and the policies that hold now.
class Truth {
 public:
  explicit Truth(const Plan& plan);

  // `flags` none: the engine has no copy (any more).
  void Set(size_t farm, const farm::ContentKey& key, const HolderName& engine,
           std::optional<LocationFlags> flags);
  void SetPolicy(size_t scope, const PolicyPlan& policy) { policies_[scope] = policy; }

  const Knowledge& OfFarm(size_t farm) const { return farms_[farm]; }
  const PolicyPlan& policy(size_t scope) const { return policies_[scope]; }
  const Content& content(const farm::ContentKey& key) const { return contents_.at(key); }
  // What the managers of a scope shall know when all is quiet.
  Knowledge ExpectedAt(size_t scope) const;
  // What they shall have told their parent.
  Knowledge ExpectedAbove(size_t scope) const;

 private:
  const Plan& plan_;
  std::map<farm::ContentKey, Content> contents_;
  std::vector<Knowledge> farms_;  // By scope; empty for those that are no farms.
  std::vector<PolicyPlan> policies_;
};

}  // namespace strata::simulation::federation
