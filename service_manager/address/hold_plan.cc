#include "service_manager/address/hold_plan.h"

#include <algorithm>
#include <utility>

namespace strata::manager::address {

HoldPlan::Step HoldPlan::Next(Claim claim, Timestamp now) {
  if (std::exchange(claim_, claim) != claim) claimed_ = now;
  Step step;
  switch (claim) {
    case Claim::kNone:
      step = Drop();
      // Who stood still answers late what it was asked before: a client that went on with such a
      // connection would reach another machine with it, which does not know it.
      step.welcome = Welcome::kLast;
      break;
    case Claim::kYields:
      step = Yield(now);
      break;
    case Claim::kLeads:
      step = Hold(now);
      break;
    case Claim::kLeadsBehind:
      if (held_ || now - claimed_ >= kTakeAfter) step = Hold(now);
      break;
  }
  last_ = step.change;
  return step;
}

HoldPlan::Step HoldPlan::Drop() {
  Step step;
  if (held_ || dirty_) step.change = Change::kDrop;
  held_ = false;
  dirty_ = false;
  return step;
}

// The addresses are not renewed: their lifetime is longer than this. Nor are they announced: others
// announce where they are now.
HoldPlan::Step HoldPlan::Yield(Timestamp now) {
  if (!held_ || now - claimed_ >= kDropAfter) return Drop();
  Step step;
  step.welcome = now - claimed_ < kCloseFor ? Welcome::kLast : Welcome::kNone;
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
