#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "common/metrics.h"
#include "common/status.h"
#include "common/time.h"
#include "farm/member/farm_member.h"
#include "service_manager/control/leadership.h"
#include "service_manager/control/manager_book.h"
#include "service_manager/store/mirrored_store.h"

namespace strata::manager::control {

// Who leads the farm changes, because somebody wants it to: not since a manager was lost. Any
// thread; all but TakeLead wait.
class Succession {
 public:
  // All must outlive it.
  Succession(const Leadership& leadership, store::MirroredStore& store, const ManagerBook& managers,
             farm::FarmMember& member, MetricRegistry& metrics);

  // This manager leads from now on, with everybody's consent. FailedPrecondition: it cannot, and
  // why; DeadlineExceeded: it does not yet.
  Status Promote(Duration limit);
  // The same by a person's decision, although too few may be left to agree, and although this
  // manager may lack what was acknowledged.
  Status LeadAnyway(Duration limit);
  // This manager, which leads, is about to end: a backup that has all that was acknowledged leads
  // in its place. Gives that one's name when the group's view says so. FailedPrecondition: there is
  // nothing to hand over, or nobody to take it; DeadlineExceeded: nobody has taken it.
  StatusOr<std::string> HandOver(Duration limit);
  // What the others do then: this manager leads soon. Errors as of multicast::Group.
  Status TakeLead();
  // The process is to end: nothing is waited for any more.
  void GiveUp() { given_up_ = true; }

  // Brings the numbers of backups in the registry up to date.
  void RefreshMetrics();

 private:
  // Whether it leads and has heard a majority of the voters lately: else nothing may commit until
  // the others are evicted, or back.
  bool HasQuorum() const { return leadership_.leads() && member_.InTouch(); }
  Status AwaitLeading(Duration limit) const;
  // Who could lead in place of this manager, in the group's order.
  std::vector<std::string> Heirs() const;

  const Leadership& leadership_;
  store::MirroredStore& store_;
  const ManagerBook& managers_;
  farm::FarmMember& member_;
  Gauge& backups_;
  Gauge& ready_;
  std::atomic<bool> given_up_ = false;
};

}  // namespace strata::manager::control
