#pragma once

#include <cstddef>
#include <string>
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
  // What the managers of a scope shall know when all is quiet, and have told their parent.
  struct Expected {
    Knowledge known;
    Knowledge told;
  };
  std::vector<Expected> ExpectedOfAll() const;  // By scope.
  Knowledge ExpectedAt(size_t scope) const { return ExpectedOfAll()[scope].known; }
  // What locating finds: the copies of all farms below the nearest scope that has one.
  Copies NearestTo(size_t scope, const farm::ContentKey& key) const;
  // Scopes below that may have the content and would not have told.
  std::vector<std::string> UntoldTo(size_t scope, const Content& content) const;

 private:
  Copies AtAndBelow(size_t scope, const farm::ContentKey& key) const;

  const Plan& plan_;
  std::map<farm::ContentKey, Content> contents_;
  std::vector<Knowledge> farms_;  // By scope; empty for those that are no farms.
  std::vector<PolicyPlan> policies_;
};

}  // namespace strata::simulation::federation
