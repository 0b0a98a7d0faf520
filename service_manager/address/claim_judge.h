#pragma once

#include <cstdint>
#include <vector>

#include "service_manager/address/hold_plan.h"

namespace strata::manager::address {

// What a process knows of its farm at one moment. Members have numbers of the caller's choice; 0 is
// nobody.
struct Standing {
  bool certain = false;           // A majority of the voters was heard lately.
  bool leads = false;             // This process does.
  uint32_t leader = 0;            // Of the view; 0: there is none.
  std::vector<uint32_t> members;  // Of the view.
};

// What a process may do with the floating addresses, from where it stands and who led before. Pure.
class ClaimJudge {
 public:
  Claim Judge(const Standing& standing);

 private:
  uint32_t leader_ = 0;  // The last that was seen.
  bool behind_ = false;  // As the leader: who led before was there.
};

}  // namespace strata::manager::address
