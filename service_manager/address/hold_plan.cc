#include "service_manager/address/hold_plan.h"

#include <algorithm>

namespace strata::manager::address {

HoldPlan::Step HoldPlan::Next(bool may_hold, Timestamp now) {
  Step step;
  if (may_hold) {
    step = Hold(now);
  } else if (held_ || dirty_) {
    step.change = Change::kDrop;
    held_ = false;
    dirty_ = false;
  }
  last_ = step.change;
  return step;
}

HoldPlan::Step HoldPlan::Hold(Timestamp now) {
  Step step;
  const bool late = held_ && now - renewed_ >= lifetime_;
  if (!held_ || late) {
    step.change = late ? Change::kRetake : Change::kTake;
    taken_ = announce_at_ = now;
    announce_interval_ = kAnnounceFirst;
  } else if (now - renewed_ >= kRenewEvery) {
    step.change = Change::kRenew;
  }
  if (step.change != Change::kNone) renewed_ = now;
  held_ = true;
  if (now >= announce_at_) {
    step.announce = true;
    if (now - taken_ >= kAnnounceOften) {
      announce_interval_ = std::min(2 * announce_interval_, kAnnounceLongest);
    }
    announce_at_ = now + announce_interval_;
  }
  return step;
}

void HoldPlan::Failed() {
  switch (last_) {
    case Change::kTake:
    case Change::kRetake:
      held_ = false;
      dirty_ = true;  // Some of them may be there.
      break;
    case Change::kRenew:
      renewed_ = Timestamp();  // So it is a take again, once the lifetime is over or it works.
      break;
    case Change::kDrop:
      dirty_ = true;
      break;
    case Change::kNone:
      break;
  }
}

}  // namespace strata::manager::address
