#pragma once

#include <atomic>

#include "common/status.h"
#include "common/time.h"
#include "farm/member/farm_member.h"
#include "service_manager/control/leadership.h"

namespace strata::manager::control {

// Who leads the farm changes, because somebody wants it to: not since a manager was lost. Any
// thread; all wait.
class Succession {
 public:
  // All must outlive it.
  Succession(const Leadership& leadership, farm::FarmMember& member)
      : leadership_(leadership), member_(member) {}

  // This manager leads from now on, with everybody's consent. FailedPrecondition: it cannot, and
  // why; DeadlineExceeded: it does not yet.
  Status Promote(Duration limit);
  // The same by a person's decision, although too few may be left to agree, and although this
  // manager may lack what was acknowledged.
  Status LeadAnyway(Duration limit);
  // The process is to end: nothing is waited for any more.
  void GiveUp() { given_up_ = true; }

 private:
  // Whether it leads and has heard a majority of the voters lately: else nothing may commit until
  // the others are evicted, or back.
  bool HasQuorum() const { return leadership_.leads() && member_.InTouch(); }
  Status AwaitLeading(Duration limit) const;

  const Leadership& leadership_;
  farm::FarmMember& member_;
  std::atomic<bool> given_up_ = false;
};

}  // namespace strata::manager::control
