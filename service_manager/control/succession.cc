#include "service_manager/control/succession.h"

#include <chrono>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/log.h"
#include "multicast/driver/clock.h"

namespace strata::manager::control {
namespace {

using multicast::Now;

constexpr Duration kLookEvery = std::chrono::milliseconds(5);

const Logger& Log() {
  static const Logger logger("control");
  return logger;
}

}  // namespace

Status Succession::Promote(Duration limit) {
  if (leadership_.leads()) return Ok();
  if (!member_.joined()) {
    return FailedPrecondition(
        "this manager is not in step with the farm yet (see strata manager list)");
  }
  STRATA_RETURN_IF_ERROR(member_.Promote());
  return AwaitLeading(limit);
}

Status Succession::LeadAnyway(Duration limit) {
  if (HasQuorum()) return Ok();
  Log().Warning("an operator has decided that this manager leads, whoever else there is");
  STRATA_RETURN_IF_ERROR(member_.LeadAnyway());
  return AwaitLeading(limit);
}

Status Succession::AwaitLeading(Duration limit) const {
  const Timestamp end = Now() + limit;
  while (!HasQuorum()) {
    if (given_up_) return Unavailable("this manager ends");
    if (Now() > end) return DeadlineExceeded("this manager does not lead yet");
    absl::SleepFor(absl::FromChrono(kLookEvery));
  }
  return Ok();
}

}  // namespace strata::manager::control
