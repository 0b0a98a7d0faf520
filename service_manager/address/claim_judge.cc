#include "service_manager/address/claim_judge.h"

#include <algorithm>
#include <utility>

namespace strata::manager::address {

Claim ClaimJudge::Judge(const Standing& standing) {
  if (!standing.certain || standing.leader == 0) return Claim::kNone;
  const uint32_t before = std::exchange(leader_, standing.leader);
  if (before != standing.leader) {
    behind_ = std::find(standing.members.begin(), standing.members.end(), before) !=
              standing.members.end();
  }
  if (!standing.leads) return Claim::kYields;
  return behind_ ? Claim::kLeadsBehind : Claim::kLeads;
}

}  // namespace strata::manager::address
